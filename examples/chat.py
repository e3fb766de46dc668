"""A conversation that outlives the program: it is one small state, kept in a file.

    python examples/chat.py [--state dave.state] [--model x.gguf]

In a pipe: one message per line, one reply per line.
"""
import argparse
import os
import sys

import recurra

parser = argparse.ArgumentParser(description="Talk; the conversation lives in a file.")
parser.add_argument("--model", help="a GGUF file or a Hugging Face folder; without it the default model")
parser.add_argument("--state", help="the file that the conversation lives in")
parser.add_argument("--temperature", type=float, default=0.0, help="0: always the best token")
arguments = parser.parse_args()

try:
    model = recurra.Model(arguments.model)
    state = model.load(arguments.state) if arguments.state and os.path.exists(arguments.state) else model.state()
except recurra.Error as error:
    sys.exit(f"chat: {error}")
prompt = "> " if sys.stdin.isatty() else ""

while True:
    try:
        message = input(prompt).strip()
    except (EOFError, KeyboardInterrupt):
        break
    if not message:
        continue
    before = state.copy()
    try:
        state.feed(f"User: {message}\n\nAssistant:")
        begun = False
        for piece in state.generate(512, temperature=arguments.temperature, stop="\n\n"):
            piece = piece if begun else piece.lstrip()
            begun = begun or bool(piece)
            print(piece, end="", flush=True)
        print()
    except KeyboardInterrupt:  # nothing was said
        state = before
        print()
        continue
    if arguments.state:
        state.save(arguments.state)
