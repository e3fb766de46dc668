"""python -m recurra.convert IN OUT"""
import argparse
import os
import sys

from .. import Error
from ._models import folder_to_gguf, pth_to_gguf
from ._state import pt_to_state, state_to_pt


def main() -> None:
    """The program: exits 0, or 1 with one line on stderr, or 2 on bad usage."""
    parser = argparse.ArgumentParser(prog="python -m recurra.convert", description="BlinkDL's RWKV-7 .pth, or a Hugging Face folder, to GGUF; "
                                     "a state to a dictionary of PyTorch tensors, and back.")
    parser.add_argument("source", metavar="IN", help="a .pth file, a folder with config.json, a state, or a .pt of such a dictionary")
    parser.add_argument("target", metavar="OUT", help="a .gguf file, a .pt file, or with --like a state")
    parser.add_argument("--dtype", choices=["f16", "f32", "bf16"], default="f16", help="of a GGUF's large matrices (f16)")
    parser.add_argument("--vocab", help="RWKV's vocabulary, rwkv_vocab_v20230424.txt; a folder has its own tokenizer")
    parser.add_argument("--no-tokenizer", action="store_true", help="leave a folder's tokenizer behind: the model has tokens only")
    parser.add_argument("--name", help="of the model; else that of IN")
    parser.add_argument("--like", metavar="STATE", help="the state whose metadata (model, tokenizer, notes) the new one takes")
    a = parser.parse_args()
    try:
        if a.target.endswith(".gguf"):
            name = a.name or os.path.splitext(os.path.basename(os.path.normpath(a.source)))[0]
            if os.path.isdir(a.source):
                folder_to_gguf(a.source, a.target, dtype=a.dtype, name=name, tokenizer=not a.no_tokenizer, vocab=a.vocab)
            else:
                pth_to_gguf(a.source, a.target, dtype=a.dtype, vocab=a.vocab, name=name)
        elif a.like is not None:
            pt_to_state(a.source, a.target, like=a.like)
        elif a.target.endswith((".pt", ".pth")):
            state_to_pt(a.source, a.target)
        else:
            parser.error("OUT is a .gguf or .pt file, or a state with --like")
    except (Error, OSError, ImportError) as error:
        sys.exit(f"recurra.convert: {error}")


if __name__ == "__main__":
    main()
