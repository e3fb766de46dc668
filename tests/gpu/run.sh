#!/usr/bin/env bash
# All tests that need a GPU, and how fast it is, on a machine with one. Nothing is installed and nothing downloaded: the
# programs are those of a bundle beside this script (tests/gpu/pack.sh makes it), or of build/release.
#
#   bash tests/gpu/run.sh [PART ...]      parts: machine smoke ops golden conversation race speed scan feed
#                                         drift profile sanitizer large variants (without arguments all but `smoke`,
#                                         `large`, the 7.2B model, and `variants`: its decode with each that variants.sh
#                                         made)
#
# Every part runs, whatever happened before it, under a time limit of its own, and all of them within RECURRA_GPU_SECONDS
# (none: 200); full output goes to $OUT where that is set, all in one file.
# Ends with one line per part; the exit status is 0 when nothing failed.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
parts=("$@")
[ $# -gt 0 ] || parts=(machine ops golden conversation race speed scan feed drift profile sanitizer)

scratch=$(mktemp -d /dev/shm/recurra-gpu-XXXXXX 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT
logs=$scratch/logs
mkdir -p "$logs" ${OUT:+"$OUT"}
if [ -e "$here/bundle.tar.xz" ]; then
  root=$scratch/bundle
  mkdir "$root"
  { xz -dc "$here/bundle.tar.xz" 2>/dev/null || python3 -c 'import lzma, shutil, sys
with lzma.open(sys.argv[1]) as f: shutil.copyfileobj(f, sys.stdout.buffer)' "$here/bundle.tar.xz"; } | tar -C "$root" -xf -
  export RECURRA_TEST_DATA=$root/tests/data RECURRA_SHARED=$root/shared RECURRA_DEFAULT_MODEL=$root/default.gguf
  mkdir -p "$root/share/recurra" && ln -sf "$root/default.gguf" "$root/share/recurra/default.gguf"
  draw=$root/tests/draw_model.py
else
  root=$(cd "$here/../.." && pwd)/build/release
  [ -x "$root/bin/ops" ] || { echo "error: neither $here/bundle.tar.xz nor $root/bin/ops is there: run tests/gpu/pack.sh where the build is" >&2; exit 2; }
  export RECURRA_TEST_DATA=$here/../data RECURRA_DEFAULT_MODEL=$here/../../examples/models/default.gguf
  draw=$here/draw_model.py
fi
bin=$root/bin
export LD_LIBRARY_PATH=$root/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} RECURRA_FAKE_PLUGIN=$root/lib/libfake_cuda_plugin.so
if [ -z "${RECURRA_CUBLASLT:-}" ] && ! ldconfig -p 2>/dev/null | grep -q 'libcublasLt.so.13' && [ ! -e /usr/local/cuda/lib64/libcublasLt.so.13 ]; then
  found=$(find / -xdev -name 'libcublasLt.so.13' -not -path '/proc/*' 2>/dev/null | head -n 1)
  [ -z "$found" ] || export RECURRA_CUBLASLT=$found
fi

summary=()
# step NAME SECONDS LINES COMMAND...: its last LINES lines, and how it ended.
step() {
  local name=$1 limit=$2 lines=$3 status begin=$SECONDS left=$((${RECURRA_GPU_SECONDS:-200} - SECONDS))
  shift 3
  if [ $left -lt 3 ]; then
    summary+=("$(printf '%-28s %s' "$name" "skipped: no time left")")
    return
  fi
  [ $limit -le $left ] || limit=$left
  echo "== $name"
  timeout -k 5 "$limit" "$@" >"$logs/$name.log" 2>&1
  status=$?
  [ -z "${OUT:-}" ] || { echo "===== $name ($status)"; cat "$logs/$name.log"; } >>"$OUT/gpu.log"
  tail -n "$lines" "$logs/$name.log" | cut -c1-220
  case $status in
    0) status=passed ;;
    77) status=skipped ;;
    124 | 137) status="TIME IS UP after $limit s" ;;
    *) status="FAILED ($status)" ;;
  esac
  summary+=("$(printf '%-28s %-24s %3d s' "$name" "$status" $((SECONDS - begin)))")
}
# The same for a GoogleTest program: what failed, and why, in short.
tests() {
  local name=$1 limit=$2
  step "$1" "$2" 1 "${@:3}" --gtest_color=no
  grep -E -A 5 'Failure$|^unknown file|terminate called|Segmentation' "$logs/$name.log" | grep -v '^--' | head -n 40 | cut -c1-200
  grep -E '^\[  (FAILED|SKIPPED) \] ' "$logs/$name.log" | sort -u | head -n 40 | cut -c1-120
  grep -E '^\[  (PASSED|FAILED) ?\] [0-9]+ test|tokens alike' "$logs/$name.log"
}

machine() {
  step machine 20 12 bash -c "nvidia-smi --query-gpu=name,driver_version,memory.total,compute_mode --format=csv,noheader; uname -r; ldd --version | head -n 1; ldd $bin/ops $root/lib/librecurra_cuda.so | grep 'not found'; echo cublasLt: \${RECURRA_CUBLASLT:-in the usual place}; true"
}
smoke() {
  step smoke-cpu 30 2 "$bin/recurra" generate -m "$RECURRA_DEFAULT_MODEL" -p "User: hello" -n 24 --backend cpu --dtype f32
  step smoke-cuda 40 2 "$bin/recurra" generate -m "$RECURRA_DEFAULT_MODEL" -p "User: hello" -n 24 --backend cuda --dtype f32
  step smoke-plain 40 2 env RECURRA_CUDA_GRAPHS=0 "$bin/recurra" generate -m "$RECURRA_DEFAULT_MODEL" -p "User: hello" -n 24 --backend cuda --dtype bf16
}
ops() { tests ops 90 env RECURRA_TEST_BACKEND=cuda "$bin/ops" '--gtest_filter=*cuda*:*/Quant.*:-*ValuesAreThoseOfGguf*'; }
golden() {
  local without=
  if [ ! -e "${RECURRA_SHARED:-$here/../../../shared}/goldens/mamba2-d256-q8_0.logits.f32" ]; then
    without=:QuantisedModels.*
    echo "WITHOUT QuantisedModels: its files would make the bundle too large; every quantised type has goldens of its own"
  fi
  tests golden-logits 90 env RECURRA_TEST_BACKEND=cuda "$bin/golden_logits" "--gtest_filter=-*Reference*$without"
  tests golden-huggingface 60 env RECURRA_TEST_BACKEND=cuda "$bin/golden_huggingface" '--gtest_filter=-*Reference*'
}
conversation() {
  tests missing 30 "$bin/cuda_missing_test"
  tests conversation 60 "$bin/cuda_conversation_test"
}
# draw SHAPE TYPE: the model's file, drawn where it is not there yet.
drawn() {
  file=$scratch/$1-$2.gguf
  [ -e "$file" ] || python3 "$draw" "$1" "$file" "$2"
}
model() {
  local shape=$1 type=$2 limit=$3
  shift 3
  drawn "$shape" "$type" || return
  step "speed-$shape-$type" "$limit" 12 "$bin/gpu_bench" model "$file" "$@"
}
speed() {
  local shape
  model 0.1b f16 40
  drawn 0.1b f16 && step "speed-0.1b-f16-no-overlap" 15 2 env RECURRA_CUDA_OVERLAP=0 RECURRA_BENCH_ONLY=decode "$bin/gpu_bench" model "$file"
  drawn 0.1b f16 && step "pick-0.1b-f16" 20 7 "$bin/gpu_bench" pick "$file"
  model 1.5b f16 60
  model mamba2-130m f16 40
  for shape in 0.1b 1.5b mamba2-130m; do half $shape 20; done
  drawn 1.5b q4_k && step "speed-1.5b-q4_k" 15 2 env RECURRA_BENCH_ONLY=decode "$bin/gpu_bench" model "$file"
}
# Batches with states in float16.
half() {
  drawn "$1" f16 && step "speed-$1-f16-state" "$2" 4 env RECURRA_BENCH_STATE=f16 RECURRA_BENCH_ONLY=batch "$bin/gpu_bench" model "$file" 320
}
large() {
  model 7.2b f16 90 8 320
  half 7.2b 60
  model 7.2b q4_k 60 1
}
variants() {
  local type plugin
  mkdir -p "$scratch/variants"
  python3 -c 'import sys, tarfile
tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$here/variants.tar.xz" "$scratch/variants" || return
  for type in q4_k f16; do
    drawn 7.2b $type || continue
    for plugin in "" "$scratch"/variants/*.so; do
      case $type-$plugin in f16-*/packed*) continue ;; q4_k-*/sparse*) continue ;; esac
      step "7.2b-$type-$(basename "${plugin:-build}" .so)" 40 1 env RECURRA_BENCH_ONLY=decode ${plugin:+RECURRA_CUDA_PLUGIN=$plugin} "$bin/gpu_bench" model "$file" 1
    done
    rm -f "$file"
  done
}
scan() { step scan 60 10 "$bin/gpu_bench" scan; }
# A million tokens, and device memory as it was.
feed() { drawn 1.5b f16 && step feed 60 3 "$bin/gpu_bench" feed "$file" 1000000; }
# Float16 states beside float32 ones, rounded after each of 100,000 tokens.
drift() { step drift 40 18 "$bin/state_drift" "$RECURRA_DEFAULT_MODEL" 100000 cuda; }
# Where the time goes: every kernel by itself, without graphs and overlap.
profile() {
  local shape part
  for shape in 0.1b 1.5b; do
    for part in decode batch prefill; do
      drawn $shape f16 && step "profile-$shape-$part" 15 9 env RECURRA_CUDA_PROFILE=1 RECURRA_CUDA_OVERLAP=0 RECURRA_BENCH_ONLY=$part "$bin/gpu_bench" model "$file" 320
    done
  done
}
# sanitize NAME TOOL SECONDS FILTER [VARIABLE=VALUE]
sanitize() {
  local name=$1 limit=$3 tool=compute-sanitizer
  command -v $tool >/dev/null || tool=/usr/local/cuda/bin/compute-sanitizer
  [ -x "$(command -v $tool)" ] || { summary+=("$name                    skipped: no compute-sanitizer"); return; }
  step "$name" "$limit" 4 env RECURRA_TEST_BACKEND=cuda ${5:+"$5"} $tool --tool "$2" --error-exitcode 9 "$bin/ops" "--gtest_filter=$4" --gtest_brief=1
}
# Without cuBLASLt where its own kernels are reported: they share memory, and write some, in ways that the tools do not see.
without=RECURRA_CUBLASLT=/nonexistent
race() {
  sanitize racecheck racecheck 60 '*Ops.Attention/cuda_f32:*Rwkv7Steps*/cuda_f32:*ScanTest.AgreesWithGoldens/cuda*:*Ops.Norm/cuda_f32:*SsdMix/cuda_f32:*LinearOfMostlyZero/cuda_bf16' $without
  sanitize racecheck-blocks racecheck 40 '*ProductsTogether/cuda_bf16:*Ops.Rwkv7StepsTogether/cuda_bf16:*SsdMix/cuda_bf16'
  sanitize racecheck-picks racecheck 60 '*PickTest.LeavesWhat*/cuda_f32'
}
sanitizer() {
  sanitize memcheck memcheck 60 '*Ops*cuda_f32:*ScanTest*cuda*:*Rwkv7StepsTogether/cuda_bf16:*ProductsTogether/cuda_bf16:*DeviceChunk.Shapes*:*PickTest.DrawsAs*cuda_f32'
  sanitize initcheck initcheck 60 '*Rwkv7Steps*/cuda*:*SsdMix/cuda_f32:*LinearOfMostlyZero/cuda*:*ProductsTogether/cuda*:*Ops.Norm/cuda*:*ScanTest.HalfStates/cuda*:*PickTest.Extremes*/cuda_f32' $without
}

for part in "${parts[@]}"; do
  case $part in
    machine | smoke | ops | golden | conversation | race | speed | scan | feed | drift | profile | sanitizer | large | variants) $part ;;
    *) echo "error: there is no part '$part'" >&2 && exit 2 ;;
  esac
done
echo
printf '%s\n' "${summary[@]}" | tee ${OUT:+"$OUT/summary.txt"}
! printf '%s\n' "${summary[@]}" | grep -q -E 'FAILED|TIME IS UP'
