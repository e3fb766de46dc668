#!/usr/bin/env bash
# All tests that need a GPU, and how fast it is, on a machine with one. Nothing is installed and nothing downloaded: the
# programs are those of a bundle beside this script (tests/gpu/pack.sh makes it), or of build/release.
#
#   bash tests/gpu/run.sh [PART ...]      parts: machine smoke ops golden conversation speed scan sanitizer large
#                                         (all but `large`, the 7.2B model, without arguments)
#
# Every part runs, whatever happened before it, under a time limit of its own, and all of them within RECURRA_GPU_SECONDS
# (none: 600); full output goes to $OUT where that is set.
# Ends with one line per part; the exit status is 0 when nothing failed.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
parts=("$@")
[ $# -gt 0 ] || parts=(machine smoke ops golden conversation speed scan sanitizer)

scratch=$(mktemp -d /dev/shm/recurra-gpu-XXXXXX 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT
logs=${OUT:-$scratch/logs}
mkdir -p "$logs"
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
  local name=$1 limit=$2 lines=$3 status begin=$SECONDS left=$((${RECURRA_GPU_SECONDS:-600} - SECONDS))
  shift 3
  if [ $left -lt 3 ]; then
    summary+=("$(printf '%-28s %s' "$name" "skipped: no time left")")
    return
  fi
  [ $limit -le $left ] || limit=$left
  echo "== $name"
  timeout -k 5 "$limit" "$@" >"$logs/$name.log" 2>&1
  status=$?
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
  tests golden-logits 90 env RECURRA_TEST_BACKEND=cuda "$bin/golden_logits" '--gtest_filter=-*Reference*'
  tests golden-huggingface 60 env RECURRA_TEST_BACKEND=cuda "$bin/golden_huggingface" '--gtest_filter=-*Reference*'
}
conversation() {
  tests missing 30 "$bin/cuda_missing_test"
  tests conversation 60 "$bin/cuda_conversation_test"
}
model() {
  local shape=$1 type=$2 limit=$3
  shift 3
  python3 "$draw" "$shape" "$scratch/$shape-$type.gguf" "$type" || return
  step "speed-$shape-$type" "$limit" 12 "$bin/gpu_bench" model "$scratch/$shape-$type.gguf" "$@"
  rm -f "$scratch/$shape-$type.gguf"
}
speed() {
  model 0.1b f16 40
  model 1.5b f16 60
  model 1.5b q4_k 40 1
}
large() {
  model 7.2b f16 90 8 320
  model 7.2b q4_k 60 1
}
scan() { step scan 60 10 "$bin/gpu_bench" scan; }
sanitizer() {
  local tool=compute-sanitizer
  command -v $tool >/dev/null || tool=/usr/local/cuda/bin/compute-sanitizer
  [ -x "$(command -v $tool)" ] || { summary+=("sanitizer                    skipped: no compute-sanitizer"); return; }
  step memcheck 60 4 env RECURRA_TEST_BACKEND=cuda $tool --tool memcheck --error-exitcode 9 "$bin/ops" '--gtest_filter=*Ops*cuda_f32' --gtest_brief=1
  step racecheck 40 4 env RECURRA_TEST_BACKEND=cuda $tool --tool racecheck --error-exitcode 9 "$bin/ops" '--gtest_filter=*Ops.Norm/cuda_f32:*Ops.Attention/cuda_f32:*Ops.Linear/cuda_f32' --gtest_brief=1
}

for part in "${parts[@]}"; do
  case $part in
    machine | smoke | ops | golden | conversation | speed | scan | sanitizer | large) $part ;;
    *) echo "error: there is no part '$part'" >&2 && exit 2 ;;
  esac
done
echo
printf '%s\n' "${summary[@]}"
! printf '%s\n' "${summary[@]}" | grep -q -E 'FAILED|TIME IS UP'
