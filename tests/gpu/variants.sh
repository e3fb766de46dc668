#!/usr/bin/env bash
# Builds the CUDA backend anew with other constants of one file, into build/variants, and packs all that are there as
# build/gpu/variants.tar.xz: run.sh's part `variants` compares them with each other and with the build's own.
#
#   tests/gpu/variants.sh [--build DIR] [--out DIR] FILE.cu MACRO VALUE...
#
#   tests/gpu/variants.sh packed_products.cu RECURRA_PACKED_TUNING 8,2,2,3 8,4,1,2
#   RECURRA_GPU_SECONDS=500 bash build/gpu/run.sh variants
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=build/release out=build/variants
while [[ ${1:-} == --* ]]; do
  case $1 in
    --build) build=$2 && shift 2 ;;
    --out) out=$2 && shift 2 ;;
    *) break ;;
  esac
done
[ $# -ge 3 ] || { echo "usage: tests/gpu/variants.sh [--build DIR] [--out DIR] FILE.cu MACRO VALUE..." >&2 && exit 2; }
file=$1 macro=$2
shift 2
mkdir -p "$out" build/gpu
out=$(cd "$out" && pwd) packed=$PWD/build/gpu/variants.tar.xz
object=$(cd "$build" && ninja -t commands lib/librecurra_cuda.so | grep -oE "[^ ]+/$file\.o" | head -n 1)
cd "$build"
compile=$(ninja -t commands "$object" | tail -n 1)
link=$(ninja -t commands lib/librecurra_cuda.so | tail -n 1)
for value in "$@"; do
  name=$(basename "$file" .cu)-${value//,/-}
  made=$out/$name.o
  command=${compile//"$object"/"$made"}
  eval "${command/ -x cu / \'-D$macro=${value//,/\\,}\' -x cu }"  # nvcc takes a plain comma for the end of a value
  command=${link//"$object"/"$made"}
  eval "${command//lib\/librecurra_cuda.so/"$out/$name.so"}"
  strip --strip-unneeded "$out/$name.so"
  rm -f "$made" "$made.d"
  echo "$out/$name.so"
done
tar -C "$out" -cf - . | xz -6 --lzma2=dict=64MiB >"$packed"  # they are all but the same
