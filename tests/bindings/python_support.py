"""What the tests of the Python package share: where the data lies, a folder of one's own, other processes.

    RECURRA_TEST_DATA   tests/data        RECURRA_HELLO_C   the program of examples/hello.c        RECURRA_STEPS   that of steps.c
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import unittest

DATA = pathlib.Path(os.environ["RECURRA_TEST_DATA"])
SMALL = DATA / "rwkv7-hs32-f16.gguf"
TOLD = "User: My name is Dave.\n\nAssistant: Noted.\n\n"
ASKED = "User: What is my name?\n\nAssistant:"


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def run(code, *arguments, **options):
    """A Python of its own."""
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], capture_output=True, timeout=120, **options)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext_(tempfile.TemporaryDirectory()))

    def enterContext_(self, context):  # unittest has its own from 3.11 on
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value
