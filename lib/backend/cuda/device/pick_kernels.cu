// From hidden vectors in slots to tokens: what the head reads, and the best of what it gives.
#include <algorithm>
#include <climits>

#include "backend/cuda/device/math.cuh"

namespace recurra::gpu {
namespace {

constexpr int kThreads = 1024;

struct Best {
  float value;
  int at;  // of the first such value; kBad where one is not a number
};
constexpr int kBad = -1;

// In any order: the larger value, the first of equals, and what is bad stays bad.
__device__ inline Best better(const Best& a, const Best& b) {
  if (a.at == kBad || b.at == kBad) return {0, kBad};
  if (a.value != b.value) return a.value > b.value ? a : b;
  return a.at < b.at ? a : b;
}

// A block for a row. `out` is in host memory.
__global__ void __launch_bounds__(kThreads) best_kernel(gpu_tensor x, int32_t* out) {
  __shared__ Best shared[kThreads / kWarp];
  after_others();
  const float* in = row(x, blockIdx.x);
  const int n = static_cast<int>(x.cols), lane = static_cast<int>(threadIdx.x) % kWarp;
  Best best{-INFINITY, INT_MAX};
#pragma unroll 8
  for (int j = static_cast<int>(threadIdx.x); j < n; j += kThreads) {
    const float v = in[j];
    if (!(v < INFINITY)) best.at = kBad;
    if (best.at != kBad && v > best.value) best = {v, j};
  }
  const auto over_warp = [&] {
    for (int step = kWarp / 2; step > 0; step /= 2)
      best =
          better(best, {__shfl_xor_sync(0xffffffffu, best.value, step), __shfl_xor_sync(0xffffffffu, best.at, step)});
  };
  over_warp();
  if (lane == 0) shared[threadIdx.x / kWarp] = best;
  __syncthreads();
  if (threadIdx.x >= kWarp) return;
  best = shared[lane];
  over_warp();
  if (lane == 0) out[blockIdx.x] = best.at == INT_MAX ? kBad : best.at;  // all are -inf
}

}  // namespace

void take_last(gpu_exec& exec, const gpu_take_last& io, const DeviceRows& rows) {
  const gpu_tensor x = io.x;
  const uint64_t at = io.at;
  for_each(exec, rows.segments, x.cols, "take_last", [=] __device__(int64_t i, int64_t c) {
    row(x, i)[c] = reinterpret_cast<const float*>(rows.segment[i].state + at)[c];
  });
}

void best_of_rows(gpu_exec& exec, int32_t* out, const gpu_tensor& x) {
  if (x.rows == 0) return;
  const size_t bytes = static_cast<size_t>(x.rows) * sizeof(int32_t);
  auto* places = reinterpret_cast<int32_t*>(exec.pinned(bytes));
  if (places == nullptr) fail(kUnsupported, "the best of %lld rows at once", static_cast<long long>(x.rows));
  launch(exec, "best of rows", dim3(static_cast<unsigned>(x.rows)), kThreads, 0, best_kernel, x, places);
  check(cudaStreamSynchronize(exec.stream), "computing");
  std::copy_n(places, x.rows, out);
}

}  // namespace recurra::gpu
