"""peek: what a state file says of itself."""
from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Dict

from . import _native
from ._calls import Path, path_bytes


@dataclass(frozen=True)
class Peek:
    """What a state file says of itself, without its model."""

    format_version: int
    n_tokens: int
    """Tokens read."""
    file_bytes: int
    architecture: str
    model_fingerprint: str
    tokenizer_hash: str
    dtype: str
    """"f32" or "f16"."""
    backend: str
    """What computed it."""
    cpu_level: str
    compute_dtype: str
    """"f32" or "bf16"."""
    checksum: str
    notes: Dict[str, str]


def peek(path: Path) -> Peek:
    """What a state file says of itself; everything but the values is checked, and the checksum is.

    Raises NotFoundError, InputOutputError, CorruptStateError, VersionError.
    """
    c = _native.peek_file(path_bytes(path))
    metadata: Dict[str, str] = json.loads(c.metadata)
    notes = {key[len("note."):]: value for key, value in metadata.items() if key.startswith("note.")}
    return Peek(**{f.name: getattr(c, f.name) for f in fields(Peek) if f.name != "notes"}, notes=notes)
