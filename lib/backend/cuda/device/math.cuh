// What kernels share: activations as backend.h defines them, sums over a warp, element-wise launches.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "backend/backend.h"
#include "backend/cuda/device/context.h"

namespace recurra::gpu {

constexpr int kWarp = 32;

__device__ inline float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
__device__ inline float softplus(float x) { return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))); }

__device__ inline float activation(Act act, float x) {
  switch (act) {
    case Act::none:
      return x;
    case Act::relu2:
      return x > 0 ? x * x : 0.0f;
    case Act::sigmoid:
      return sigmoid(x);
    case Act::tanh:
      return tanhf(x);
    case Act::silu:
      return x * sigmoid(x);
    case Act::relu:
      return fmaxf(x, 0.0f);
    case Act::elu1:
      return x >= 0 ? x + 1 : expf(x);
    case Act::softplus:
      return softplus(x);
  }
  return x;
}

__device__ inline float* row(const gpu_tensor& t, int64_t i) { return t.data + i * t.stride; }

// Every lane has the sum; the order is always the same.
__device__ inline float warp_sum(float x) {
  for (int step = kWarp / 2; step > 0; step /= 2) x += __shfl_xor_sync(0xffffffffu, x, step);
  return x;
}
__device__ inline float warp_max(float x) {
  for (int step = kWarp / 2; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, step));
  return x;
}

// f(row, column) for all of them.
template <class F>
__global__ void each_element(int64_t cols, F f) {
  const int64_t c = static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x;
  if (c < cols) f(static_cast<int64_t>(blockIdx.x), c);
}
template <class F>
void for_each(gpu_exec& exec, int64_t rows, int64_t cols, const char* what, const F& f) {
  if (rows == 0 || cols == 0) return;
  const int threads = cols >= 256 ? 256 : static_cast<int>(round_up(cols, kWarp));
  each_element<<<dim3(static_cast<unsigned>(rows), static_cast<unsigned>(ceil_div(cols, threads))), threads, 0,
                 exec.stream>>>(cols, f);
  launched(what);
}

// f(row, group, lane) by the 32 lanes of a warp, for all rows and groups.
template <class F>
__global__ void each_group(int64_t total, int64_t groups, F f) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (i < total) f(i / groups, i % groups, static_cast<int>(threadIdx.x % kWarp));
}
template <class F>
void for_each_group(gpu_exec& exec, int64_t rows, int64_t groups, const char* what, const F& f) {
  if (rows * groups == 0) return;
  constexpr int kWarps = 4;
  each_group<<<static_cast<unsigned>(ceil_div(rows * groups, kWarps)), kWarps * kWarp, 0, exec.stream>>>(rows * groups,
                                                                                                         groups, f);
  launched(what);
}

}  // namespace recurra::gpu
