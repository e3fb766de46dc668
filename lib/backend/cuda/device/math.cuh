// What kernels share: activations as backend.h defines them, sums over a warp, element-wise launches.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "backend/backend.h"
#include "backend/cuda/device/context.h"

namespace recurra::gpu {

constexpr int kWarp = 32;

__device__ inline float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
// Without the branches of a division to the last bit.
__device__ inline float quick_sigmoid(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }
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

// Two neighbouring values of an operand of products: 0 float32, 1 bf16, 2 half, which has nothing above 65504.
__device__ inline void put_operand2(int operand, void* data, int64_t at, float x, float y) {
  constexpr float kMost = 65504.0f;
  if (operand == 0)
    *reinterpret_cast<float2*>(static_cast<float*>(data) + at) = make_float2(x, y);
  else if (operand == 1)
    *reinterpret_cast<__nv_bfloat162*>(static_cast<__nv_bfloat16*>(data) + at) = __floats2bfloat162_rn(x, y);
  else
    *reinterpret_cast<__half2*>(static_cast<__half*>(data) + at) =
        __floats2half2_rn(fminf(fmaxf(x, -kMost), kMost), fminf(fmaxf(y, -kMost), kMost));
}

__device__ inline void put_operand(int operand, void* data, int64_t at, float x) {
  constexpr float kMost = 65504.0f;
  if (operand == 0)
    static_cast<float*>(data)[at] = x;
  else if (operand == 1)
    static_cast<__nv_bfloat16*>(data)[at] = __float2bfloat16_rn(x);
  else
    static_cast<__half*>(data)[at] = __float2half_rn(fminf(fmaxf(x, -kMost), kMost));
}

// Every lane has the sum; the order is always the same.
__device__ inline float warp_sum(float x) {
  for (int step = kWarp / 2; step > 0; step /= 2) x += __shfl_xor_sync(0xffffffffu, x, step);
  return x;
}
__device__ inline float warp_max(float x) {
  for (int step = kWarp / 2; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, step));
  return x;
}

// A kernel that launch() started may run while the one before it still does: until here it reads only what no kernel of
// the last two writes, such as weights. Every thread comes by here; the next kernel may begin when all have.
__device__ inline void after_others() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
// For kernels that call after_others() only.
template <class... P, class... A>
void launch(gpu_exec& exec, const char* what, dim3 grid, int threads, size_t bytes, void (*kernel)(P...),
            const A&... args) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.dynamicSmemBytes = bytes;
  config.stream = exec.stream;
  cudaLaunchAttribute overlap{};
  overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  overlap.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &overlap;
  config.numAttrs = exec.device.overlap ? 1 : 0;
  const Timed timed(exec, what, grid.x);
  check(cudaLaunchKernelEx(&config, kernel, args...), what);
}

// Sum over a block, in a fixed order, for every thread. shared: 32 floats.
__device__ inline float block_sum(float x, float* shared) {
  x = warp_sum(x);
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  if (warps == 1) return x;
  __syncthreads();  // who still reads the last sum
  if (threadIdx.x % kWarp == 0) shared[threadIdx.x / kWarp] = x;
  __syncthreads();
  float sum = 0;
  for (int i = 0; i < warps; ++i) sum += shared[i];
  return sum;
}

// f(row, column) for all of them.
template <class F>
__global__ void each_element(int64_t cols, F f) {
  after_others();
  const int64_t c = static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x;
  if (c < cols) f(static_cast<int64_t>(blockIdx.x), c);
}
template <class F>
void for_each(gpu_exec& exec, int64_t rows, int64_t cols, const char* what, const F& f) {
  if (rows == 0 || cols == 0) return;
  const int threads = cols >= 256 ? 256 : static_cast<int>(round_up(cols, kWarp));
  launch(exec, what, dim3(static_cast<unsigned>(rows), static_cast<unsigned>(ceil_div(cols, threads))), threads, 0,
         each_element<F>, cols, f);
}

// f(row, group, lane) by the 32 lanes of a warp, for all rows and groups.
template <class F>
__global__ void each_group(int64_t total, int64_t groups, F f) {
  after_others();
  const int64_t i = static_cast<int64_t>(blockIdx.x) * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (i < total) f(i / groups, i % groups, static_cast<int>(threadIdx.x % kWarp));
}
template <class F>
void for_each_group(gpu_exec& exec, int64_t rows, int64_t groups, const char* what, const F& f) {
  if (rows * groups == 0) return;
  constexpr int kWarps = 4;
  launch(exec, what, dim3(static_cast<unsigned>(ceil_div(rows * groups, kWarps))), kWarps * kWarp, 0, each_group<F>,
         rows * groups, groups, f);
}

}  // namespace recurra::gpu
