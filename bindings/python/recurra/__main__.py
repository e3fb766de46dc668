"""python -m recurra: the recurra program, which is in the package."""
import os
import sys

from . import _glue  # type: ignore[attr-defined,unused-ignore]

# Beside the native part: in an editable installation that is not where this file lies.
_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(_glue.__file__)), "bin", "recurra")


def main() -> None:
    """Becomes the program: its exit status, its signals."""
    os.execv(_PROGRAM, [_PROGRAM, *sys.argv[1:]])


if __name__ == "__main__":
    main()
