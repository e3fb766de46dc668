#!/usr/bin/env bash
# examples_test.sh BIN_DIR: runs the examples over the C ABI as their readers would, and looks at what they say.
set -euo pipefail
bin=$1
fail() { echo "FAILED: $*" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

for hello in hello_c hello_cpp; do
  said=$("$bin/$hello") || fail "$hello exits with $?"
  [ "$(grep -c Dave <<<"$said")" = 2 ] || fail "$hello says: $said"
done
said=$("$bin/save_restore_c") || fail "save_restore_c exits with $?"
[ "$(grep -c Dave <<<"$said")" = 5 ] || fail "save_restore_c says: $said"
