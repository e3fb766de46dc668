#!/usr/bin/env bash
# install_test.sh BUILD_DIR CMAKE CC: installs into a scratch prefix, moves the prefix, and uses it as others would: a C99 program
# built through pkg-config and through find_package. Checks what the library exports and that no path of the build is left in it.
# Exits 77, ctest's "skipped", when all that could be checked is right but pkg-config is missing.
set -euo pipefail
build=$1 cmake=$2 cc=$3
here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
unset LD_LIBRARY_PATH RECURRA_DEFAULT_MODEL PKG_CONFIG_PATH CFLAGS LDFLAGS

fail() { echo "FAILED: $*" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --prefix "$work/first" >"$work/install.log" || { cat "$work/install.log"; fail "cmake --install"; }
mv "$work/first" "$work/prefix"
prefix=$work/prefix
libdir=$(dirname "$(find "$prefix" -name librecurra.so)")
library=$libdir/librecurra.so
version=$(sed -n 's/^Version: //p' "$libdir/pkgconfig/recurra.pc")

for file in include/recurra/recurra.h share/recurra/default.gguf share/doc/recurra/LICENSE; do
  [ -s "$prefix/$file" ] || fail "$file is missing or empty"
done

echo "- the library: name, exports, dependencies"
readelf -d "$library" | grep -q 'SONAME.*\[librecurra\.so\.0\]' || fail "the SONAME is not librecurra.so.0"
[ -e "$libdir/librecurra.so.0" ] || fail "librecurra.so.0 is missing"
symbols=$(nm -D --defined-only "$library" | sed 's/^[0-9a-f]* //')
strangers=$(grep -vxE 'T recurra_[a-z0-9_]+@@RECURRA_0|A RECURRA_0(@@RECURRA_0)?' <<<"$symbols" || true)
[ -z "$strangers" ] || fail "exported besides recurra_*: $strangers"
# Every function of the header, and nothing that is not in it.
declared=$(sed -n 's/^RECURRA_API .*[ *]\(recurra_[a-z0-9_]*\)(.*/\1/p' "$prefix/include/recurra/recurra.h" | sort)
exported=$(sed -n 's/^T \(recurra_[a-z0-9_]*\)@.*/\1/p' <<<"$symbols" | sort)
diff <(echo "$declared") <(echo "$exported") || fail "the header (<) and the library (>) differ"
if ldd "$library" | grep 'not found'; then fail "the installed library lacks the above"; fi

echo "- no path of this machine is left in what was installed"
while read -r file; do
  run_path=$(readelf -d "$file" 2>/dev/null | sed -n 's/.*R\(UN\)\?PATH.*\[\(.*\)\]/\2/p' || true)
  [[ $run_path =~ ^(\$ORIGIN(/[^:]*)?)?$ ]] || fail "$file has the RPATH $run_path"
done < <(find "$prefix" -type f)
# Not the source folder's bare path: that of a checkout in /recurra is the end of .../lib/cmake/recurra too.
if grep -rIlF -e "$source_dir/lib" -e "$source_dir/include" -e "$source_dir/examples" -e "$build" -e "$work" "$prefix"; then fail "the above name the source or build folder"; fi

echo "- a C99 program through find_package"
mkdir "$work/consumer"
cp "$here/install_test.c" "$work/consumer/"
cat >"$work/consumer/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.16)
project(consumer LANGUAGES C)
find_package(recurra ${version%.*} REQUIRED)
if(NOT recurra_VERSION VERSION_EQUAL $version)
  message(FATAL_ERROR "found recurra \${recurra_VERSION}")
endif()
set(CMAKE_C_STANDARD 99)
set(CMAKE_C_EXTENSIONS OFF)
add_executable(consumer install_test.c)
target_link_libraries(consumer PRIVATE recurra::recurra)
CMAKE
{ "$cmake" -S "$work/consumer" -B "$work/consumer/build" -G Ninja -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$prefix" &&
  "$cmake" --build "$work/consumer/build"; } >"$work/consumer.log" 2>&1 || { cat "$work/consumer.log"; fail "find_package(recurra)"; }
[ "$("$work/consumer/build/consumer")" = "$version" ] || fail "the program built through find_package"

echo "- a C99 program through pkg-config"
if ! command -v pkg-config >/dev/null; then
  echo "SKIPPED: pkg-config is not installed"
  exit 77
fi
export PKG_CONFIG_PATH=$libdir/pkgconfig
[ "$(pkg-config --modversion recurra)" = "$version" ] || fail "pkg-config --modversion"
# shellcheck disable=SC2046 # pkg-config's answer is a list of words
"$cc" -std=c99 -Wall -Wextra -Wpedantic -Werror -o "$work/program" "$here/install_test.c" $(pkg-config --cflags --libs recurra) ||
  fail "the flags of pkg-config"
[ "$(LD_LIBRARY_PATH=$libdir "$work/program")" = "$version" ] || fail "the program built through pkg-config"
echo "recurra $version is installed as it should be"
