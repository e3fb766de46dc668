#!/usr/bin/env bash
# abi_test.sh CLIENT LIBRARY_FOLDER MODEL...: one process feeds and saves, a second one loads and goes on, and a third does both
# without a break: the second and third print the very same bits. With `-` for the default model. CLIENT may be a program that was
# compiled long ago: it runs with the library of today. Exits 77, ctest's "skipped", where it is of another kind of machine.
set -euo pipefail
client=$1
export LD_LIBRARY_PATH=$2
shift 2

fail() { echo "FAILED: $*" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

machine() { od -An -tx1 -j18 -N2 "$1"; }
if [ "$(machine "$client")" != "$(machine "$LD_LIBRARY_PATH/librecurra.so.0")" ]; then
  echo "SKIPPED: $client is for another kind of machine than this one"
  exit 77
fi
[[ $(readelf -d "$client") =~ NEEDED.*\[librecurra\.so\.0\] ]] || fail "$client does not need librecurra.so.0"

for model in "$@"; do
  "$client" save "$model" "$work/state" || fail "save"
  "$client" continue "$model" "$work/state" >"$work/continued" || fail "continue"
  "$client" whole "$model" >"$work/whole" || fail "whole"
  grep -q '^logits [0-9a-f]\{32\}$' "$work/whole" || fail "no logits were printed"
  diff "$work/whole" "$work/continued" || fail "saved and loaded (>) is not as without a break (<)"
  [ "$("$client" rest "$model" "$work/rest")" = "all of it" ] || fail "rest"
  sed -n '/^tokens\|^hash/p' "$work/whole"
done
