# shellcheck shell=bash
# Sourced by examples/quickstart.sh and tests/run.sh: gets the machine from bare to built, and costs a second when it is there.
#
#   setup_machine [tests]          installs the compiler, CMake and libraries that are missing (Debian and its like)
#   setup_python                   the tests' Python, with what tests/requirements.txt names, in build/venv; in build/wheels what
#                                  bindings/python itself needs, for environments without a network
#   setup_build PRESET [TARGET] [-D...]   configures (fetching oneDNN where it is not installed) and builds

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit
mkdir -p build

say() { echo "-- $*"; }
die() { echo "error: $*" >&2; exit 1; }

# What a build needs, each as command:package or header:package. A new dependency is one word here and a line in
# lib/cmake/dependencies.cmake.
commands=(c++:g++ cmake:cmake ninja:ninja-build python3:python3)
headers=(nlohmann/json.hpp:nlohmann-json3-dev CLI/CLI.hpp:libcli11-dev xxhash.h:libxxhash-dev hwy/highway.h:libhwy-dev
  pcre2.h:libpcre2-dev utf8proc.h:libutf8proc-dev)
test_commands=(pkg-config:pkg-config python3-config:python3-dev)
test_headers=(gtest/gtest.h:libgtest-dev benchmark/benchmark.h:libbenchmark-dev)
hand_list="a C++17 compiler, CMake 3.25, Ninja, Python 3.8 with pip, nlohmann-json 3.9, CLI11 2, xxHash 0.8, Highway 1.0.3, PCRE2 10.40, utf8proc 2 (and GoogleTest and Google Benchmark for the tests)"

# The packages of those that are not there. The compiler answers for all headers at once.
missing_packages() {
  local pair
  for pair in "${commands[@]}"; do
    command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}"
  done
  for pair in "${headers[@]}"; do
    printf '#if !__has_include(<%s>)\n%s\n#endif\n' "${pair%%:*}" "${pair#*:}"
  done | if command -v "${CXX:-c++}" >/dev/null; then "${CXX:-c++}" -x c++ -std=c++17 -E -P -; else sed '/^#/d'; fi | sed '/^$/d'
}

# What one can do without, for a while or for good.
missing_extras() {
  command -v ccache >/dev/null || echo ccache
  [ -e build/onednn ] || python3 -m pip --version >/dev/null 2>&1 || echo python3-pip
  [ -z "$1" ] || command -v mcs >/dev/null || echo mono-mcs
  [ -z "$1" ] || [ -e build/venv ] || python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
}

# apt-get as root, quietly: its words are in build/setup.log.
apt() {
  local run=()
  if [ "$EUID" != 0 ]; then
    run=(sudo)
    [ -t 0 ] || run=(sudo -n)
  fi
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=600 "$@" </dev/null >>build/setup.log 2>&1
}

setup_machine() {
  if [ -n "${1:-}" ]; then
    commands+=("${test_commands[@]}")
    headers+=("${test_headers[@]}")
  fi
  local needed extras install
  needed=$(missing_packages | sort -u | xargs)
  extras=$(missing_extras "${1:-}" | xargs)
  install=$needed${extras:+ $extras}
  if [ -n "$install" ]; then
    if ! command -v apt-get >/dev/null; then
      say "this is no Debian; what is needed: $hand_list"
    elif [ "$EUID" != 0 ] && ! command -v sudo >/dev/null; then
      say "not root, and there is no sudo; as root: apt-get install --no-install-recommends $install"
    else
      say "installing $install (log: build/setup.log)"
      : >build/setup.log
      # The package lists are fetched only where there are none, or where they are too old.
      # shellcheck disable=SC2086 # a list of words
      apt install --no-install-recommends $install || { apt update && apt install --no-install-recommends $install; } ||
        { tail -n 5 build/setup.log >&2 && say "apt-get could not install them; what is needed: $hand_list"; }
    fi
    needed=$(missing_packages | sort -u | xargs)
    [ -z "$needed" ] || die "missing: $needed"
  fi
  local version
  version=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
  [ "$(printf '%s\n' 3.25 "$version" | sort -V | head -n 1)" = 3.25 ] || die "CMake $version is too old; what is needed: $hand_list"
}

setup_python() {
  local python=build/venv/bin/python3
  if ! cmp -s tests/requirements.txt build/venv/requirements.txt || ! "$python" -c 'import numpy, safetensors, matplotlib' 2>/dev/null; then
    say "making build/venv, the tests' Python"
    rm -rf build/venv
    python3 -m venv build/venv
    "$python" -m pip --disable-pip-version-check install --quiet -r tests/requirements.txt
    "$python" -m pip --disable-pip-version-check download --quiet --only-binary :all: --dest build/wheels numpy tqdm xxhash
    cp tests/requirements.txt build/venv/
  fi
}

setup_build() {
  local preset=$1 target=() flags=(-DRECURRA_FETCH_ONEDNN=ON) launcher=
  shift
  while [ $# -gt 0 ]; do
    case $1 in -D*) flags+=("$1") ;; *) target+=("$1") ;; esac
    shift
  done
  if command -v ccache >/dev/null; then
    launcher=ccache
    # The cache serves every checkout of this repository, whatever folder it lies in.
    export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
  fi
  flags+=("-DCMAKE_C_COMPILER_LAUNCHER=$launcher" "-DCMAKE_CXX_COMPILER_LAUNCHER=$launcher" "-DCMAKE_CUDA_COMPILER_LAUNCHER=$launcher")
  say "building $preset (log: build/$preset.log)"
  { cmake --preset "$preset" "${flags[@]}" && cmake --build "build/$preset" ${target:+--target "${target[@]}"}; } >"build/$preset.log" 2>&1 || {
    # Ninja shows what failed and then, with more at work, what went well: the errors are worth more than the end.
    grep -E -A 5 '(^|[ :])(fatal )?error:|CMake Error|^FAILED:|undefined reference' "build/$preset.log" | head -n 60 >&2 || tail -n 20 "build/$preset.log" >&2
    echo "error: $preset did not build; all of it: build/$preset.log" >&2
    return 1
  }
}
