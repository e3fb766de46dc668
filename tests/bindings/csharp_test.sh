#!/usr/bin/env bash
# csharp_test.sh BUILD_DIR MCS: lays out the C# package, looks at what it carries, and runs its tests under Mono in a folder that holds
# only what a program that uses the package has.
#
#   BUILD_DIR   the release build, for what the package is made of and for the C programs that C# is compared with
#   MCS         Mono's C# compiler
#
# Exits 77, ctest's "skipped", where that compiler is missing.
set -euo pipefail
build=$1 mcs=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/tests/bindings/csharp
unset LD_LIBRARY_PATH MONO_PATH RECURRA_DEFAULT_MODEL

fail() { echo "FAILED: $*" >&2; exit 1; }
if [ ! -x "$mcs" ] || ! mono=$(command -v mono); then
  echo "SKIPPED: no Mono here (Debian: mono-mcs)"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "- the package"
cmake --install "$build" --component csharp --prefix "$work/package" >"$work/log" 2>&1 || { tail -n 40 "$work/log"; fail "cmake --install"; }
cd "$work/package"
native=runtimes/linux-x64/native
for file in lib/netstandard2.0/Recurra.{dll,dll.mdb,xml} $native/{librecurra_csharp.so,librecurra.so,libdnnl.so.3,default.gguf} README.md licenses/LICENSE; do
  [ -s "$file" ] || fail "$file is missing or empty"
done
if [ -e "$(sed -n 's/^RECURRA_ONEDNN_DIR:PATH=//p' "$build/CMakeCache.txt")/share" ]; then
  [ -s licenses/onednn/THIRD-PARTY-PROGRAMS ] || fail "oneDNN's licences are missing"
fi
for file in "$native"/*.so*; do
  run_path=$(readelf -d "$file" | sed -n 's/.*R\(UN\)\?PATH.*\[\(.*\)\]/\2/p')
  [ -z "$run_path" ] || [ "$run_path" = '$ORIGIN' ] || fail "$file has the RPATH $run_path"
  newest=$(readelf -V "$file" | grep -oE 'GLIBC_2\.[0-9]+' | sort -t . -k 2 -n | tail -n 1)
  [ "${newest#GLIBC_2.}" -le 34 ] || fail "$file needs $newest"
  if [[ $file == *recurra* ]] && readelf -d "$file" | grep NEEDED | grep -q libstdc++; then fail "$file needs libstdc++"; fi
done
if grep -rlF -e "$root/lib" -e "$root/bindings" . | grep -v '\.mdb$'; then fail "the above name the source folder"; fi

echo "- its tests, in an empty folder"
mkdir "$work/run"
cd "$work/run"
cp "$work/package/lib/netstandard2.0/Recurra.dll" "$work/package/$native"/* .
"$mcs" -nologo -langversion:7 -debug -warnaserror -out:tests.exe -r:Recurra.dll "$here"/*.cs
run=(env -i HOME="$work" LANG=C.UTF-8 RECURRA_TEST_DATA="$root/tests/data" RECURRA_HELLO_C="$build/bin/hello_c" RECURRA_STEPS="$build/bin/binding_steps"
     ${RECURRA_CPU_LEVEL:+RECURRA_CPU_LEVEL=$RECURRA_CPU_LEVEL} "$mono")
"${run[@]}" --debug tests.exe

echo "- the example"
"$mcs" -nologo -langversion:7 -warnaserror -out:chat.exe -r:Recurra.dll "$root/examples/Chat.cs"
said=$(printf 'My name is Dave.\nWhat is my name?\n' | "$mono" chat.exe --state "$work/chat.state")
grep -q Dave <<<"$(tail -n 1 <<<"$said")" || fail "examples/Chat.cs says: $said"
said=$(printf 'What is my name?\n' | "$mono" chat.exe --state "$work/chat.state")
grep -q Dave <<<"$said" || fail "examples/Chat.cs has forgotten: $said"

echo "- without the native part: one line that says what is missing"
mkdir "$work/bare"
cp chat.exe Recurra.dll "$work/bare"
cd "$work/bare"
if said=$("$mono" chat.exe </dev/null 2>&1); then fail "it runs"; fi
[[ $said == "chat: librecurra_csharp.so, "*" belong into the folder of Recurra.dll"* ]] || fail "it says: $said"
