#!/usr/bin/env bash
# Peak memory of decode, batches and prefill with drawn files of RWKV-7 0.1B's shape, each in a process of its own (peak_memory.cpp).
set -euo pipefail
draw=$(dirname "${BASH_SOURCE[0]}")/../gpu/draw_model.py
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
for type in f16 q8_0 q4_k; do
  python3 "$draw" 0.1b "$work/model.gguf" $type
  for what in decode batch prefill; do
    printf '%-5s ' $type
    "$1" "$work/model.gguf" $what || failed=$((failed + 1))
  done
done
echo "$((9 - failed)) passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
