"""State: one conversation with a model. Generation: a reply as it comes."""
from __future__ import annotations

import threading
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Type, TypeVar, Union

from . import _native
from ._calls import (Cancel, OnToken, Path, Progress, Text, Tokens, cancel_handle, in_main_thread, integer, name_text, number, numpy_empty, path_bytes,
                     progress_of, surface, text_bytes)
from ._errors import InvalidArgumentError

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from ._model import Model

    FloatArray = NDArray[numpy.float32]

S = TypeVar("S", bound="State")


@dataclass(frozen=True)
class StateInfo:
    """What a state is at the moment."""

    n_notes: int
    n_tokens: int
    """Read so far."""
    state_bytes: int
    """In memory; the same for ever, but for softmax attention layers. With what it keeps to go back."""
    file_bytes: int
    """Of a save with default options and the present notes."""
    rewind_tokens: int
    """How far rewind() can go back now."""


class Generation:
    """A reply as it comes: iterate over it, with `for` or `async for`. Pieces are str, whole characters, never empty.

    Between two pieces the state is free: it has read what the pieces say, may be saved or copied, and the loop may be left at any
    time. `tokens` has what was picked so far.
    """

    def __init__(self, c: _native.Generation, borrowed: Tuple[object, ...]) -> None:
        self.tokens: List[int] = []
        """The tokens picked, all of which the state has read."""
        self._c, self._borrowed = c, borrowed
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self._lock.acquire(False):
            raise ValueError("the generation is already running")
        try:
            c = self._c
            while c.step():
                self.tokens.append(c.token())
                text = c.text()
                if text:
                    return text.decode("utf-8", "replace")
            text = c.text()
            if text:
                return text.decode("utf-8", "replace")
            raise StopIteration
        finally:
            self._lock.release()

    def __aiter__(self) -> AsyncIterator[str]:
        return self._later()

    async def _later(self) -> AsyncIterator[str]:
        import asyncio  # late: it takes longer than all of recurra

        loop = asyncio.get_running_loop()
        while True:
            piece = await loop.run_in_executor(None, next, self, None)  # None at the end: no StopIteration leaves a future
            if piece is None:
                return
            yield piece

    def __reduce__(self) -> Tuple[Any, ...]:
        raise TypeError("a recurra.Generation cannot be pickled or copied: copy its state")

    def __repr__(self) -> str:
        return f"<recurra.Generation: {len(self.tokens)} tokens so far>"


class State:
    """One conversation with a model, of a size that never grows. Made by Model.state(), Model.load() or State.from_bytes().

    A state takes one writer or many readers at a time: a call from another thread that would break this raises BusyError and does
    nothing. Deleting the model first is fine: a state keeps what it needs.
    """

    model: Model
    """The model it belongs to."""

    def __init__(self, model: Model, *, rewind: int = 0) -> None:
        handle = getattr(model, "_handle", None)
        if not isinstance(handle, _native.Model):
            raise TypeError(f"model must be a recurra.Model, not {type(model).__name__}")
        self.model = model
        self._m = handle  # also after the model was closed
        self._c: Optional[_native.State] = _native.State(self._m, integer(rewind, "rewind", 0, 1 << 20))

    @property
    def _handle(self) -> _native.State:
        c = self._c
        if c is None:
            raise InvalidArgumentError("the state is closed")
        return c

    # ---- what it is ----

    @property
    def info(self) -> StateInfo:
        """Sizes and counts at the moment."""
        info = self._handle.info()
        return StateInfo(**{f.name: getattr(info, f.name) for f in fields(StateInfo)})

    @property
    def n_tokens(self) -> int:
        """How many tokens it has read."""
        return self._handle.n_tokens()

    @property
    def closed(self) -> bool:
        """close() was called."""
        return self._c is None

    def note(self, key: str, default: Optional[str] = None) -> Optional[str]:
        """The note of that key, or `default`. Notes are short texts that travel with the state: a title, a user's id."""
        c = self._handle
        key = name_text(key, "key")
        return c.note(key) if c.has_note(key) else default

    def set_note(self, key: str, value: Optional[str]) -> None:
        """Sets a note, or removes it with None.

        key: 1 to 128 characters of [A-Za-z0-9_.-]; value: at most 64 KiB without a zero byte; at most 256 notes. Raises
        InvalidArgumentError.
        """
        c = self._handle
        key = name_text(key, "key")
        if value is None:
            c.remove_note(key)
        else:
            c.set_note(key, name_text(value, "value"))

    # ---- feed: moves the state ----

    def feed(self, text: Union[Text, Tokens], *, step: bool = False, progress: Progress = None, cancel: Optional[Cancel] = None) -> int:
        """Reads a text (str, or any bytes) or tokens (a sequence or an array of integers); returns how many tokens it read.

        step: read every token by itself, as generation does; else as fast as can be.
        progress: True for a tqdm bar, or a function of (done, total) in tokens; returning False stops.
        cancel: a recurra.Cancel that stops it from another thread.

        A feed that is stopped, also by Ctrl-C or by what a callback raises, leaves the state valid: n_tokens says where. Raises
        TokenError, CancelledError, BusyError.
        """
        state = self._handle
        tokens = self._tokens(text)
        reporter = progress_of(progress, "tok") if progress is not None else None
        try:
            n = len(tokens)
            _native.feed(state, tokens, bool(step), reporter, cancel_handle(cancel) if cancel is not None else None, n > 1 and in_main_thread())
        finally:
            if reporter is not None:
                reporter.close()
        surface()
        return n

    def _tokens(self, text: Union[Text, Tokens]) -> Any:
        if isinstance(text, (str, bytes)):
            return self._m.tokenize(text_bytes(text, "text"))
        if isinstance(text, (bytearray, memoryview, dict, set)) or not hasattr(text, "__len__"):
            raise TypeError(f"a text must be str or bytes, tokens a sequence of integers, not {type(text).__name__}")
        return text

    # ---- generate: moves the state ----

    def generate(self, max_tokens: int = 256, *, temperature: float = 0.0, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0,
                 repeat_penalty: float = 1.0, repeat_last_n: int = 64, seed: int = 0, stop: Union[Text, Sequence[Text]] = (),
                 stop_tokens: Tokens = ()) -> Generation:
        """Goes on from the state, which must have read something: an iterator over the pieces of text, for `for` and `async for`.

        max_tokens: at most so many tokens.
        temperature: 0: always the best token; else logits are divided by it, and drawn from.
        top_k: only the k best tokens; 0: all.
        top_p: only the fewest best tokens whose probabilities reach p; 1: all.
        min_p: only tokens of at least min_p times the best one's probability; 0: all.
        repeat_penalty, repeat_last_n: logits of the last n picked tokens are divided (if positive) or multiplied by it; 1: off.
        seed: the same seed, options and logits give the same tokens everywhere.
        stop: a text or texts that end it; read by the state, but not among the pieces.
        stop_tokens: tokens that end it, neither read nor given; the model's end-of-text token does too.

        Each piece is computed when it is asked for. Raises InvalidArgumentError, TokenError, BusyError, UnsupportedError (a model
        without a tokenizer: see generate_tokens).
        """
        if not self.model.info.has_text:
            self._m.tokenize(b"")  # says why not
        sampler = _sampler(temperature, top_k, top_p, min_p, repeat_penalty, repeat_last_n, seed)
        return self._generation(_plan(max_tokens, stop, stop_tokens), sampler)

    def generate_tokens(self, max_tokens: int = 256, *, temperature: float = 0.0, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0,
                        repeat_penalty: float = 1.0, repeat_last_n: int = 64, seed: int = 0, stop: Union[Text, Sequence[Text]] = (),
                        stop_tokens: Tokens = ()) -> Iterator[int]:
        """The same as generate(), token by token."""
        sampler = _sampler(temperature, top_k, top_p, min_p, repeat_penalty, repeat_last_n, seed)
        generation = self._generation(_plan(max_tokens, stop, stop_tokens), sampler)

        def tokens() -> Iterator[int]:
            while generation._c.step():
                yield generation._c.token()

        return tokens()

    def _generation(self, plan: _native.Plan, sampler: _native.Sampler) -> Generation:
        state = self._handle
        return Generation(_native.Generation(state, self._m, plan, sampler), (state,))

    def generate_text(self, max_tokens: int = 256, *, temperature: float = 0.0, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0,
                      repeat_penalty: float = 1.0, repeat_last_n: int = 64, seed: int = 0, stop: Union[Text, Sequence[Text]] = (),
                      stop_tokens: Tokens = (), on_text: Optional[Callable[[str], object]] = None, cancel: Optional[Cancel] = None) -> str:
        """The whole text at once; see generate(). on_text sees the pieces as they come, and stops it by returning False.

        Raises also CancelledError; what was written by then, on_text has seen.
        """
        sampler = _sampler(temperature, top_k, top_p, min_p, repeat_penalty, repeat_last_n, seed)
        return self._text(self._handle, _plan(max_tokens, stop, stop_tokens), sampler, on_text, cancel)

    def _text(self, state: _native.State, plan: _native.Plan, sampler: _native.Sampler, on_text: Optional[Callable[[str], object]],
              cancel: Optional[Cancel]) -> str:
        if on_text is not None and not callable(on_text):
            raise TypeError(f"on_text must be a function of a str, not {type(on_text).__name__}")
        callback = None if on_text is None else OnToken(on_text)
        text = _native.generate_text(state, plan, sampler, callback, cancel_handle(cancel), in_main_thread())
        surface()
        return text.decode("utf-8", "replace")

    # ---- query: leaves the state as it was ----

    def query(self, prompt: Union[Text, Tokens], max_tokens: int = 256, *, temperature: float = 0.0, top_k: int = 0, top_p: float = 1.0,
              min_p: float = 0.0, repeat_penalty: float = 1.0, repeat_last_n: int = 64, seed: int = 0,
              stop: Union[Text, Sequence[Text]] = (), stop_tokens: Tokens = (), on_text: Optional[Callable[[str], object]] = None,
              cancel: Optional[Cancel] = None) -> str:
        """Reads the prompt and generates, on a copy: the state stays as it was. The options are those of generate_text()."""
        plan = _plan(max_tokens, stop, stop_tokens)
        sampler = _sampler(temperature, top_k, top_p, min_p, repeat_penalty, repeat_last_n, seed)
        copy = self.copy()
        copy.feed(prompt, cancel=cancel)
        return copy._text(copy._handle, plan, sampler, on_text, cancel)

    def logits(self) -> FloatArray:
        """The logits [n_vocab] after the last token read, float32: a new NumPy array, written by the library itself."""
        out = numpy_empty(self.model.info.n_vocab)
        self._handle.logits_into(out)
        return out  # type: ignore[no-any-return]

    def hidden(self) -> FloatArray:
        """The last hidden vector [n_embd], normed, float32: what the head sees."""
        out = numpy_empty(self.model.info.n_embd)
        self._handle.hidden_into(out)
        return out  # type: ignore[no-any-return]

    def score(self, text: Union[Text, Tokens], *, progress: Progress = None, cancel: Optional[Cancel] = None) -> FloatArray:
        """ln p(token | all before it) of each token [n_tokens] if they came next, in nats, float32.

        The first value is NaN if the state has read nothing. Raises TokenError, CancelledError.
        """
        state = self._handle
        tokens = self._tokens(text)
        out = numpy_empty(len(tokens))
        reporter = progress_of(progress, "tok")
        try:
            _native.score(state, out, tokens, reporter, cancel_handle(cancel), in_main_thread())
        finally:
            if reporter is not None:
                reporter.close()
        surface()
        return out  # type: ignore[no-any-return]

    def tensors(self) -> Dict[str, FloatArray]:
        """What the state is made of, as a save would write it: float32 NumPy arrays by name, read-only views of one copy.

        "layers.0.time_mix.state" [H, V, K] is the memory of RWKV-7's first layer, "hidden" [D] the last hidden vector.
        """
        import json

        import numpy

        data = self.to_bytes()
        size = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:size])
        header.pop("__metadata__", None)
        values = numpy.frombuffer(data, "<f4", offset=size)
        return {name: values[e["data_offsets"][0] // 4:e["data_offsets"][1] // 4].reshape(e["shape"]) for name, e in header.items()}

    def memory(self, layer: int, head: Optional[int] = None) -> FloatArray:
        """The matrix memory S of a layer: [H, V, K], or [V, K] of one head; o = S q is what the layer reads from it for the query q.

        A copy, float32. Raises InvalidArgumentError where there is no such layer or head, or no matrix in it.
        """
        state = self._handle
        first, info, heads = self._memories(state, layer, head)
        shape = (info.n_rows, info.n_columns)
        out = numpy_empty(heads * shape[0] * shape[1])
        for i, part in enumerate(out.reshape(heads, -1)):
            state.memory_into(first + i, part)
        return out.reshape(shape if head is not None else (heads, *shape))  # type: ignore[no-any-return]

    def set_memory(self, layer: int, values: object, head: Optional[int] = None) -> None:
        """Puts other matrices in the place of what memory(layer, head) gives, of the same shape, every value finite.

        The next token reads them; logits() stays what it is until then. Raises InvalidArgumentError.
        """
        import numpy

        state = self._handle
        first, info, heads = self._memories(state, layer, head)
        array = numpy.asarray(values)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"values must be real numbers, not {array.dtype}")
        array = numpy.ascontiguousarray(array, numpy.float32)
        shape = (info.n_rows, info.n_columns) if head is not None else (heads, info.n_rows, info.n_columns)
        if array.shape != shape:
            raise InvalidArgumentError(f"the memory has the shape {shape}, the values have {array.shape}")
        if not numpy.isfinite(array).all():
            raise InvalidArgumentError("not all values are finite")
        for i, part in enumerate(array.reshape(heads, -1)):
            state.write_memory(first + i, part)

    def _memories(self, state: _native.State, layer: int, head: Optional[int]) -> Tuple[int, Any, int]:
        """Of a layer, or of one head: the first memory's index, what it is, and how many there are."""
        layer = integer(layer, "layer", 0, self.model.info.n_layer - 1)
        found = [(i, info) for i in range(state.memory_count()) for info in (state.memory_info(i),) if info.layer == layer]
        if not found:
            raise InvalidArgumentError(f"layer {layer} of {self.model!r} has no matrix memory")
        if head is None:
            return found[0][0], found[0][1], len(found)
        head = integer(head, "head", 0, len(found) - 1)
        return found[head][0], found[head][1], 1

    # ---- copy, save and load ----

    def copy(self: S) -> S:
        """A new state that has read what this one has, and can go back as it can. What the model says of state_bytes is copied."""
        twin = self.__class__.__new__(self.__class__)
        twin.__dict__.update(self.__dict__)
        twin._c = self._handle.copy()
        return twin

    def copy_from(self, source: State) -> None:
        """Becomes what `source` is. Raises InvalidArgumentError if that is of another model."""
        if not isinstance(source, State):
            raise TypeError(f"source must be a recurra.State, not {type(source).__name__}")
        self._handle.copy_from(source._handle)

    def reset(self) -> None:
        """Back to empty: nothing read, no notes, and nothing to go back to."""
        self._handle.reset()

    def rewind(self, n_tokens: int) -> None:
        """Makes it what it was before it read its last n_tokens tokens, bit for bit; notes stay.

        info.rewind_tokens says how far it can go: within `rewind`, as Model.state() got it, of the farthest it has been to since it was
        made, reset, loaded or written to with set_memory(). Farther raises InvalidArgumentError and changes nothing.
        """
        self._handle.rewind(integer(n_tokens, "n_tokens", 0, _MOST))

    def save(self, path: Path, *, dtype: str = "f32") -> None:
        """Writes a .safetensors file, atomically and durably: at any moment the path holds the old file or the new one.

        dtype: "f32": going on is bit for bit what it would have been; "f16": half the size. The same conversation gives the same
        bytes, from every language. Raises InputOutputError (also where there is no such folder), InvalidArgumentError.
        """
        self._handle.save_path(path_bytes(path), name_text(dtype, "dtype"))
        surface()

    def to_bytes(self, *, dtype: str = "f32") -> bytes:
        """What save() would write."""
        return self._handle.save_bytes(name_text(dtype, "dtype"))

    @classmethod
    def from_bytes(cls: Type[S], model: Model, data: Union[bytes, bytearray, memoryview]) -> S:
        """The conversation that to_bytes(), bytes(state) or save() wrote. Raises as Model.load() does."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data must be bytes, not {type(data).__name__}")
        state = cls(model)
        state._handle.load_bytes(bytes(data))
        return state

    def __bytes__(self) -> bytes:
        return self.to_bytes()

    def __copy__(self: S) -> S:
        return self.copy()

    def __deepcopy__(self: S, memo: Dict[int, Any]) -> S:
        import copy

        twin = self.copy()
        memo[id(self)] = twin
        twin.__dict__.update(copy.deepcopy(self._extras(), memo))
        return twin

    def __reduce__(self) -> Tuple[Any, ...]:
        return _unpickle, (type(self), *self.model._pickled(), self.to_bytes()), self._extras() or None

    def _extras(self) -> Dict[str, Any]:
        """What subclasses and callers have put into it."""
        return {name: value for name, value in self.__dict__.items() if name not in ("model", "_m", "_c")}

    def close(self) -> None:
        """Frees its memory now rather than when the object goes. May be called twice."""
        self._c = None

    def __enter__(self: S) -> S:
        self._handle
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._c is None:
            return "<recurra.State: closed>"
        return f"<recurra.State: {self.n_tokens} tokens read, {self.model.info.state_bytes / 1e6:.2f} MB, of {self.model!r}>"


def _unpickle(kind: Type[S], model_kind: Type[Model], options: Tuple[Any, ...], fingerprint: str, data: bytes) -> S:
    from ._model import unpickle_model

    state = kind.__new__(kind)
    State.__init__(state, unpickle_model(model_kind, options, fingerprint))
    state._handle.load_bytes(data)
    return state


_MOST, _MOST32 = (1 << 64) - 1, (1 << 31) - 1


def _sampler(temperature: float, top_k: int, top_p: float, min_p: float, repeat_penalty: float, repeat_last_n: int, seed: int) -> _native.Sampler:
    return _native.make_sampler(number(temperature, "temperature"), integer(seed, "seed", 0, _MOST), integer(top_k, "top_k", 0, _MOST32),
                                number(top_p, "top_p"), number(min_p, "min_p"), number(repeat_penalty, "repeat_penalty"),
                                integer(repeat_last_n, "repeat_last_n", 0, _MOST32))


def _plan(max_tokens: int, stop: Union[Text, Sequence[Text]], stop_tokens: Tokens) -> _native.Plan:
    for name, value in ("stop", stop), ("stop_tokens", stop_tokens):
        if not hasattr(value, "__iter__"):
            raise TypeError(f"{name} must be a sequence, () for none, not {type(value).__name__}")
    plan = _native.Plan(integer(max_tokens, "max_tokens", 0, _MOST))
    for text in (stop,) if isinstance(stop, (str, bytes)) else stop:
        plan.add_stop_text(text_bytes(text, "stop"))
    for token in stop_tokens:
        plan.add_stop_token(token)
    return plan
