#!/usr/bin/env bash
# Packs what tests/gpu/run.sh needs on a machine with a GPU and little else: the programs of build/release with their
# libraries, the tests' data and run.sh itself, into build/gpu. Carry that folder there and run `bash build/gpu/run.sh`.
#
#   tests/gpu/pack.sh [--build DIR] [--out DIR]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=build/release out=build/gpu
while [ $# -gt 0 ]; do
  case $1 in
    --build) build=$2 && shift 2 ;;
    --out) out=$2 && shift 2 ;;
    *) echo "usage: tests/gpu/pack.sh [--build DIR] [--out DIR]" >&2 && exit 2 ;;
  esac
done
shared=${RECURRA_SHARED:-../shared}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/lib" "$work/tests" "$work/shared/goldens" "$out"

programs=(recurra ops golden_logits golden_huggingface cuda_conversation_test cuda_missing_test gpu_bench state_drift)
for program in "${programs[@]}"; do
  cp "$build/bin/$program" "$work/bin/"
done
# The libraries that a bare machine may lack; the C and C++ libraries are its own.
ldd "$work"/bin/* "$build/lib/librecurra.so.0" | awk '/=> \// {print $3}' | sort -u |
  grep -E '/lib(dnnl|pcre2-8|utf8proc|gomp)\.so' | xargs -I{} cp -L {} "$work/lib/"
cp -L "$build/lib/librecurra.so.0" "$build/lib/librecurra_cuda.so" "$build/lib/libfake_cuda_plugin.so" "$work/lib/"
strip --strip-unneeded "$work"/bin/* "$work"/lib/librecurra.so.0 "$work"/lib/libdnnl.so.3

cp -r tests/data "$work/tests/data"
cp tests/gpu/draw_model.py "$work/tests/"
cp examples/models/default.gguf "$work/"
if [ -d "$shared/goldens" ]; then
  cp -r "$shared/goldens/hf" "$work/shared/goldens/"
  # The F32 files hold the F16 files' values; of the quantised ones each type of one model is enough, with all models' Q4_K,
  # and with goldens of their own values (run.sh leaves QuantisedModels out, which reads the others).
  for file in "$shared"/goldens/*.{gguf,logits.f32,i32} "$shared"/goldens/tiny-*; do
    case $file in
      *-d256-q*.dequant.logits.f32) cp "$file" "$work/shared/goldens/" ;;
      *-f32.gguf | *-d256*.logits.f32 | *llama-d256-q[568]* | *mamba2-d256-q[568]*) ;;
      *) cp "$file" "$work/shared/goldens/" ;;
    esac
  done
fi
tar -C "$work" -cf - . | xz -T0 -6 >"$out/bundle.tar.xz"
cp tests/gpu/run.sh "$out/run.sh"
du -h "$out"/*
