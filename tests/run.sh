#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: as released, with the address and undefined-behaviour sanitizers, and
# those that use threads with the thread sanitizer.
#
#   --quick    the release build only
#   --long     soak and fuzz tests at full length (RECURRA_LONG=1)
#
# Ends with one line that sums up all runs; the exit status is 0 when nothing failed.
set -euo pipefail

quick=
for option in "$@"; do
  case $option in
    --quick) quick=1 ;;
    --long) export RECURRA_LONG=1 ;;
    *) echo "usage: tests/run.sh [--quick] [--long]" >&2 && exit 2 ;;
  esac
done
source "$(dirname "${BASH_SOURCE[0]}")/../lib/cmake/setup.sh"

setup_machine tests
setup_python
export CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-$(nproc)}
reports=()

# Every test of a preset, or those that the further arguments choose. What failed is counted at the end, from the report.
run_tests() {
  local preset=$1
  shift
  reports+=("build/$preset/report.xml")
  say "testing $preset"
  ctest --preset "$preset" --no-tests=error --output-junit "$root/build/$preset/report.xml" \
    --test-output-size-passed 4000000 --test-output-size-failed 4000000 "$@" || true
}

finish() {
  python3 tests/summary.py ${reports[@]+"${reports[@]}"} "$@"
  exit
}

build() {
  rm -f "build/$1/report.xml"
  setup_build "$@" -DRECURRA_BUILD_TESTS=ON "-DRECURRA_TEST_PYTHON=$root/build/venv/bin/python3"
}

# The GPU's code is compiled and linked wherever there is nvcc, for one architecture; tests/gpu/run.sh runs it where there is
# a GPU.
build release -DCMAKE_CUDA_ARCHITECTURES=90 -DRECURRA_BUILD_PYTHON=ON -DRECURRA_BUILD_CSHARP=ON "-DRECURRA_SWIG=$root/build/venv/bin/swig" ||
  finish --failed "release does not build"
[ -e build/release/lib/librecurra_cuda.so ] || reports+=(--skipped "CUDA backend: not compiled, nvcc was not found")
run_tests release
[ -z "$quick" ] || finish

if build asan; then run_tests asan; else reports+=(--failed "asan does not build"); fi

# Of the thread sanitizer's build only what its tests run is built: the files below the build folder that they name.
threads=$(ctest --preset release -L threads --show-only=json-v1 | python3 tests/summary.py --programs "$root/build/release")
if [ -z "$threads" ]; then
  finish --skipped "tsan: no test is labelled threads"
fi
# shellcheck disable=SC2086 # a list of words
if build tsan $threads; then
  # Where addresses are drawn from a wider range than the thread sanitizer knows (Linux 6.5 on), it only runs without.
  ctest() { if setarch -R true 2>/dev/null; then setarch -R "$(type -P ctest)" "$@"; else command ctest "$@"; fi; }
  run_tests tsan -L threads
else
  reports+=(--failed "tsan does not build")
fi
finish
