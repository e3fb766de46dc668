"""How a caller uses the types of the package: checked with mypy --strict, never run."""
import asyncio
import pickle
from typing import List

import numpy as np
import recurra
from numpy.typing import NDArray


def talk(path: str) -> str:
    def progress(done: int, total: int) -> bool:
        return done < total

    with recurra.Model(path, backend="cpu", threads=2, progress=True) as model:
        state: recurra.State = model.state()
        n: int = state.feed("text", progress=progress)
        state.feed(b"bytes")
        state.feed([1, 2, 3])
        logits: NDArray[np.float32] = state.logits()
        together: NDArray[np.float32] = model.logits_batch([state, model.state(rewind=100)])
        state.set_memory(0, state.memory(0) * 2 + together.mean())
        state.rewind(state.info.rewind_tokens)
        tokens: List[int] = model.tokenize("text")
        model.feed_batch([state, state.copy()], ["a", tokens])
        answer: str = state.query("text", temperature=0.7, stop=["\n\n"])
        pieces: List[str] = list(state.generate(max_tokens=n, stop="\n\n"))
        again = recurra.State.from_bytes(model, bytes(state))
        info: recurra.StateInfo = again.info
        title: str = again.note("title") or str(info.n_tokens + len(logits))
        pickle.dumps(again)
        try:
            model.load("dave.state")
        except recurra.CorruptStateError as error:
            status: int = error.status
            return str(status)
        return answer + "".join(pieces) + title + model.metadata["general.name"] + recurra.peek("dave.state").checksum


async def later(state: recurra.State) -> str:
    return "".join([piece async for piece in state.generate()])


def run(state: recurra.State) -> str:
    return asyncio.run(later(state))
