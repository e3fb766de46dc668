#!/usr/bin/env bash
# python_test.sh BUILD_DIR PYTHON WHEELS: builds the Python package's wheel, looks at what it carries, and runs its tests where
# nothing else is: an empty virtual environment, with no compiler in PATH, no library path, no oneDNN.
#
#   BUILD_DIR   the release build: what the wheel is made of, and the C programs that Python is compared with
#   PYTHON      a Python with what tests/requirements.txt names
#   WHEELS      a folder with what the package itself needs from PyPI (lib/cmake/setup.sh)
#
# Exits 77, ctest's "skipped", where that Python or the folder is missing.
set -euo pipefail
build=$1 python=$2 wheels=$3
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/tests/bindings
unset LD_LIBRARY_PATH RECURRA_DEFAULT_MODEL PYTHONPATH CFLAGS CXXFLAGS LDFLAGS

fail() { echo "FAILED: $*" >&2; exit 1; }
if ! "$python" -c 'import scikit_build_core, swig, auditwheel, mypy' 2>/dev/null || ! ls "$wheels"/numpy-*.whl >/dev/null 2>&1; then
  echo "SKIPPED: $python lacks what tests/requirements.txt names, or $wheels has no numpy; bash tests/run.sh gets both"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bin=$(dirname "$python")

echo "- the wheel"
onednn=$(sed -n 's/^RECURRA_ONEDNN_DIR:PATH=//p' "$build/CMakeCache.txt")
build_wheel() {
  PATH=$bin:$PATH "$python" -m pip wheel "$root/bindings/python" --quiet --no-build-isolation --no-deps --no-index "$@" >"$work/log" 2>&1 ||
    { tail -n 40 "$work/log"; fail "pip wheel bindings/python"; }
}
# Of what the release build has built already; with RECURRA_LONG=1 from the sources, as a user does.
if [ "${RECURRA_LONG:-}" = 1 ]; then
  launcher=$(command -v ccache || true)
  export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
  build_wheel -w "$work/wheel" -C build-dir="$root/build/python" -C cmake.define.RECURRA_ONEDNN_DIR="$onednn" \
    -C cmake.define.CMAKE_C_COMPILER_LAUNCHER="$launcher" -C cmake.define.CMAKE_CXX_COMPILER_LAUNCHER="$launcher"
else
  cmake --install "$build" --component python --prefix "$work/tree" >"$work/log" 2>&1 || { tail "$work/log"; fail "cmake --install"; }
  build_wheel -w "$work/wheel" -C build-dir="$work/build" -C cmake.source-dir=prebuilt -C cmake.define.RECURRA_PREBUILT="$work/tree"
fi
wheel=$(echo "$work"/wheel/recurra-*.whl)
echo "$(basename "$wheel"), $(stat -c %s "$wheel") bytes"

echo "- what it runs on, as auditwheel found when it completed it"
[[ $wheel =~ -cp39-abi3-manylinux_2_([0-9]+)_x86_64\.whl$ ]] || fail "$(basename "$wheel") is not tagged for the stable ABI and manylinux"
[ "${BASH_REMATCH[1]}" -le 34 ] || fail "it needs glibc 2.${BASH_REMATCH[1]}"

echo "- what it carries"
"$python" -m zipfile -e "$wheel" "$work/content"
cd "$work/content"
for file in recurra/lib/librecurra.so recurra/bin/recurra recurra/share/recurra/default.gguf recurra-*.dist-info/licenses/LICENSE; do
  [ -s "$file" ] || fail "$file is missing or empty"
done
[ -e recurra/py.typed ] || fail "py.typed is missing: nobody would see the types"
[ "$(find . -name 'libdnnl*' | wc -l)" = 1 ] || fail "not one libdnnl: $(find . -name 'libdnnl*')"
if ls recurra.libs/libdnnl-????????.so.* >/dev/null 2>&1 && [ -e "$onednn/share" ]; then
  ls recurra-*.dist-info/licenses/onednn/LICENSE recurra-*.dist-info/licenses/onednn/THIRD-PARTY-PROGRAMS >/dev/null || fail "oneDNN's licences are missing"
fi
while read -r file; do
  run_path=$(readelf -d "$file" 2>/dev/null | sed -n 's/.*R\(UN\)\?PATH.*\[\(.*\)\]/\2/p' || true)
  for folder in ${run_path//:/ }; do
    [[ $folder == '$ORIGIN'* ]] || fail "$file has the RPATH $run_path"
  done
  if readelf -d "$file" 2>/dev/null | grep NEEDED | grep -q libstdc++ && [[ $file != */libdnnl* ]]; then fail "$file needs libstdc++"; fi
done < <(find . -type f)
if grep -rlF -e "$root/lib" -e "$root/bindings" .; then fail "the above name the source folder"; fi
cd /

echo "- types"
"$python" -m venv --without-pip "$work/empty"
"$python" -m pip --disable-pip-version-check --python "$work/empty/bin/python" install --quiet --no-compile --no-index --find-links "$wheels" "$wheel" tqdm
"$bin/mypy" --strict --python-executable "$work/empty/bin/python" --cache-dir "$root/build/mypy" "$here/python_typed.py" "$work/content/recurra" || fail "mypy --strict"

echo "- its tests, in an empty environment"
mkdir "$work/run"
cd "$work/run"
for tests in python_test.py python_life_test.py; do
  env -i HOME="$work" LANG=C.UTF-8 PATH="$work/empty/bin" RECURRA_TEST_DATA="$root/tests/data" RECURRA_HELLO_C="$build/bin/hello_c" \
    RECURRA_STEPS="$build/bin/binding_steps" PYTHONDONTWRITEBYTECODE=1 \
    ${RECURRA_CPU_LEVEL:+RECURRA_CPU_LEVEL=$RECURRA_CPU_LEVEL} "$work/empty/bin/python" "$here/$tests" 2>&1
done

echo "- its converters, there too"
"$python" -m pip --disable-pip-version-check --python "$work/empty/bin/python" install --quiet --no-compile --no-index --find-links "$wheels" xxhash
env -i HOME="$work" LANG=C.UTF-8 PATH="$work/empty/bin" RECURRA_TEST_DATA="$root/tests/data" RECURRA_SHARED="${RECURRA_SHARED:-$root/../shared}" \
  ${RECURRA_CPU_LEVEL:+RECURRA_CPU_LEVEL=$RECURRA_CPU_LEVEL} "$work/empty/bin/python" "$here/convert_test.py" 2>&1

echo "- the examples"
said=$(printf 'My name is Dave.\nWhat is my name?\n' | "$work/empty/bin/python" "$root/examples/chat.py" --state "$work/chat.state")
grep -q Dave <<<"$(tail -n 1 <<<"$said")" || fail "examples/chat.py says: $said"
said=$(printf 'What is my name?\n' | "$work/empty/bin/python" "$root/examples/chat.py" --state "$work/chat.state")
grep -q Dave <<<"$said" || fail "examples/chat.py has forgotten: $said"
# Its code as Jupyter would run it, with matplotlib, which the empty environment lacks.
"$python" - "$root/examples/memory.ipynb" >"$work/notebook.py" <<'PY'
import json, sys
print("import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt")
print("def show():\n    plt.gcf().canvas.draw()\n    print('a picture')\n    plt.close('all')\nplt.show = show")
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code":
        print("".join(cell["source"]) + "\n")
PY
said=$(PYTHONPATH="$work/content" "$python" "$work/notebook.py") || fail "examples/memory.ipynb"
if [ "$(grep -c 'bytes: .*Dave.*Anna' <<<"$said")" != 6 ] || [ "$(grep -c '^a picture' <<<"$said")" != 3 ] ||
   [ "$(grep -cE '^Anna.s layer [0-9]+: .*Anna' <<<"$said")" != 1 ]; then
  fail "examples/memory.ipynb says: $said"
fi
