#!/usr/bin/env bash
# The curse of O(n^2), drawn: seconds per token and resident memory against the length of the conversation, softmax attention beside
# the constant-memory mixers of the same size. Builds, makes the models, measures and writes build/curse/curse.png and curse.md.
# Arguments go to curse.py (--depths 0,1000,10000, --beyond 1000000, --repeats N, --threads N, --only rwkv7,mamba).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/cmake/setup.sh"

setup_machine tests
setup_python
setup_build release bin/recurra
build/venv/bin/python3 examples/curse.py build/release/bin/recurra build/curse "$@"
say "the picture: build/curse/curse.png"
