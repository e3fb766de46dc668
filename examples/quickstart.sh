#!/usr/bin/env bash
# From a bare machine to the first answer: installs what is missing, builds, and runs `recurra recall` on the default model: it is
# told facts, reads on for thousands of tokens, and is asked. Arguments go to `recurra recall` (--tokens N, -m MODEL, ...).
set -euo pipefail
caller=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/../lib/cmake/setup.sh"

setup_machine
# A folder that tests/run.sh configured keeps its tests; they are not built here.
tests=()
[ -e build/release/CMakeCache.txt ] || tests=(-DRECURRA_BUILD_TESTS=OFF)
setup_build release bin/recurra ${tests[@]+"${tests[@]}"}

cd "$caller" # so that files named on the command line are the caller's
exec "$root/build/release/bin/recurra" recall "$@"
