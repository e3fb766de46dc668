// A product's outputs by the warps of a block, for row_products.cu and packed_products.cu. A warp makes two outputs of
// up to R rows: its lanes read 8 weights each, 256 in a row, and multiply them with all rows while they are in
// registers. Long rows of W are shared out among the warps of a block. Sums run in float32, for a row always in the
// same order, whatever its company.
#pragma once

#include "backend/cuda/device/weights.cuh"

namespace recurra::gpu {

constexpr int kOutputs = 2, kStep = 256;

// One product of a launch.
struct Work {
  gpu_tensor y, x;
  const float* bias;
  const unsigned char* w;
  int64_t w_stride, out, in;
  DType type;
  Act act;
  bool add, aligned;  // x's rows at multiples of 16 bytes
  int shares;         // warps that share an output
  int64_t first;      // block of the launch
  int tiles;          // of packed_products.cu: those of a block
};
__device__ inline void load_x(const Work& p, int64_t i, int64_t k, float (&x)[8]) {
  const float* in = row(p.x, i) + k;
  if (p.aligned && k + 8 <= p.in) {
    const float4 a = reinterpret_cast<const float4*>(in)[0], b = reinterpret_cast<const float4*>(in)[1];
    x[0] = a.x, x[1] = a.y, x[2] = a.z, x[3] = a.w, x[4] = b.x, x[5] = b.y, x[6] = b.z, x[7] = b.w;
    return;
  }
#pragma unroll
  for (int j = 0; j < 8; ++j) x[j] = k + j < p.in ? in[j] : 0.0f;
}

// Block `block` of product p, for rows row0 and on.
template <DType T, int R, int kWarps>
__device__ void outputs(const Work& p, int64_t block, int64_t row0) {
  constexpr int kAhead = R == 1 ? 4 : 2;  // steps of 256 read at once
  using From = Fetch<T>;
  __shared__ float sums[kWarps][kOutputs][R];
  const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t first = (block * (kWarps / p.shares) + warp / p.shares) * kOutputs;
  const int64_t n = p.x.rows - row0 < R ? p.x.rows - row0 : R;
  const int steps = static_cast<int>((p.in + kStep - 1) / kStep), each = (steps + p.shares - 1) / p.shares;
  const int begin = warp % p.shares * each, past = begin + each < steps ? begin + each : steps;
  const int end = first < p.out ? past : 0;
  const unsigned char* w[kOutputs];
#pragma unroll
  for (int o = 0; o < kOutputs; ++o) w[o] = p.w + (first + o < p.out ? first + o : 0) * p.w_stride;
  typename From::Raw raw[kAhead][kOutputs];
  const auto fetch = [&](int at) {
#pragma unroll
    for (int u = 0; u < kAhead; ++u) {
      const int64_t k = (at + u) * kStep + lane * 8;
#pragma unroll
      for (int o = 0; o < kOutputs; ++o) raw[u][o] = at + u < end && k < p.in ? From::get(w[o], p.in, k) : From::none();
    }
  };
  fetch(begin);  // before what comes from other kernels is there
  after_others();
  float sum[kOutputs][R] = {};
  for (int at = begin; at < end; at += kAhead) {
    if (at != begin) fetch(at);
#pragma unroll
    for (int u = 0; u < kAhead; ++u) {
      const int64_t k = (at + u) * kStep + lane * 8;
      if (at + u >= end || k >= p.in) continue;
      float v[kOutputs][8];
#pragma unroll
      for (int o = 0; o < kOutputs; ++o) From::unpack(raw[u][o], k, v[o]);
#pragma unroll
      for (int r = 0; r < R; ++r) {
        float x[8];
        load_x(p, row0 + (r < n ? r : 0), k, x);
#pragma unroll
        for (int o = 0; o < kOutputs; ++o)
#pragma unroll
          for (int j = 0; j < 8; ++j) sum[o][r] = fmaf(v[o][j], x[j], sum[o][r]);
      }
    }
  }
#pragma unroll
  for (int o = 0; o < kOutputs; ++o)
#pragma unroll
    for (int r = 0; r < R; ++r) {
      sum[o][r] = warp_sum(sum[o][r]);
      if (lane == 0) sums[warp][o][r] = sum[o][r];
    }
  if (p.shares > 1) __syncthreads();
  __syncwarp();
  if (warp % p.shares != 0) return;
  for (int i = lane; i < kOutputs * R; i += kWarp) {
    const int o = i / R, r = i % R;
    if (r >= n || first + o >= p.out) continue;
    float s = sums[warp][o][r];
    for (int other = 1; other < p.shares; ++other) s += sums[warp + other][o][r];
    const float y = activation(p.act, p.bias != nullptr ? s + p.bias[first + o] : s);
    float* to = row(p.y, row0 + r) + first + o;
    *to = p.add ? *to + y : y;
  }
}

// By the length of a row of W alone: sums are to have one order.
inline int shares_of(int64_t in) { return in <= 4 * kStep ? 1 : in <= 8 * kStep ? 2 : 4; }

inline Work work_of(const gpu_product& p, int64_t first) {
  const bool aligned = reinterpret_cast<uintptr_t>(p.x.data) % 16 == 0 && p.x.stride % 4 == 0;
  return {p.y,
          p.x,
          p.bias,
          p.w->data(),
          p.w->stride,
          p.w->out,
          p.w->in,
          p.w->type,
          static_cast<Act>(p.act),
          p.add != 0,
          aligned,
          shares_of(p.w->in),
          first,
          1};
}

}  // namespace recurra::gpu
