"""Between file formats: BlinkDL's .pth and Hugging Face folders to GGUF, states to PyTorch tensors and back.

    python -m recurra.convert RWKV-x070-World-0.1B.pth world.gguf --vocab rwkv_vocab_v20230424.txt
    python -m recurra.convert mamba2-130m/ mamba2.gguf
    python -m recurra.convert dave.state dave.pt
    python -m recurra.convert dave.pt dave.state --like old.state

All of it needs NumPy alone: .pth files are read and written without PyTorch, and nothing in them is executed. Writing a state needs xxhash
besides, for its checksum.
"""
from ._models import folder_to_gguf, pth_to_gguf
from ._state import read_state, write_state

__all__ = ["pth_to_gguf", "folder_to_gguf", "read_state", "write_state"]
