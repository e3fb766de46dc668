// RWKV-7's steps between matrix products, for rows of a segment each: backend.h's norm_shift_lerp and head_mix, a
// kernel each. The numbers are those of the operations one by one up to the order of sums, which is always the same.
#include "backend/cuda/device/block_products.h"
#include "backend/cuda/device/math.cuh"
#include "backend/cuda/device/memory.cuh"

// Blocks of head_mix an SM is to hold, with S in float32 and in float16: more have fewer registers each.
#ifndef RECURRA_MIX_BLOCKS
#define RECURRA_MIX_BLOCKS 4
#endif
#ifndef RECURRA_MIX_HALF_BLOCKS
#define RECURRA_MIX_HALF_BLOCKS 7
#endif

namespace recurra::gpu {
namespace {

constexpr int kNormThreads = 512, kShare = 256, kMostLerps = 8, kHead = 64, kMixKeys = 4;

// Where results go: float32, or operands of products.
struct Out {
  void* data;
  int64_t stride;
  int operand;
};
Out out(gpu_exec& exec, const gpu_tensor& y, const gpu_matrix* reader) {
  const Operand operand = leave_operand(exec, y, reader);
  return {y.data, operand == Operand::f32 ? y.stride : y.cols, static_cast<int>(operand)};
}
struct NormLerpOut {
  Out y[kMostLerps];
};

// A row as y = (x - mean) * scale; mean is 0 but for layer norm. By a block, of which a thread has up to Each values,
// in pairs, that are 0 behind the row.
template <int Each>
__device__ inline void load_row(float (&v)[Each], const float* x, int64_t n) {
#pragma unroll
  for (int e = 0; e < Each; e += 2) {
    const int64_t c = 2 * threadIdx.x + e * kNormThreads;
    const float2 two = c < n ? *reinterpret_cast<const float2*>(x + c) : make_float2(0, 0);
    v[e] = two.x;
    v[e + 1] = two.y;
  }
}
struct Normed {
  float mean, scale;
};
template <int Each>
__device__ inline Normed normed(const gpu_norm_lerp& io, const float (&v)[Each], float* shared) {
  const auto n = static_cast<float>(io.x.cols);
  float sum = 0, square = 0;
#pragma unroll
  for (int e = 0; e < Each; ++e) sum += v[e];
  const float mean = static_cast<Norm>(io.kind) == Norm::layer ? block_sum(sum, shared) / n : 0.0f;
#pragma unroll
  for (int e = 0; e < Each; ++e)
    if (2 * threadIdx.x + e / 2 * 2 * kNormThreads < io.x.cols) square += (v[e] - mean) * (v[e] - mean);
  return {mean, 1 / sqrtf(block_sum(square, shared) / n + io.eps)};
}

// A block for a row; a thread keeps its values in registers. Few of them: rows of a large batch are to be there at
// once.
template <int Each>
__global__ void __launch_bounds__(kNormThreads, Each <= 8 ? 3 : 1)
    norm_lerp_kernel(const __grid_constant__ gpu_norm_lerp io, const __grid_constant__ DeviceRows rows,
                     const __grid_constant__ NormLerpOut out) {
  __shared__ float shared[32];
  const int64_t n = io.x.cols, i = blockIdx.x;
  float v[Each], last[Each];
  const auto each_pair = [&](auto f) {
#pragma unroll
    for (int e = 0; e < Each; e += 2) {
      const int64_t c = 2 * threadIdx.x + e * kNormThreads;
      if (c < n) f(e, c);
    }
  };
  after_others();
  float* shift = reinterpret_cast<float*>(rows.segment[i].state + io.shift);  // segment i is row i
  load_row(v, row(io.x, i), n);
  load_row(last, shift, n);
  const Normed by = normed(io, v, shared);
  each_pair([&](int e, int64_t c) {
    const float2 one = make_float2(1, 1), w = io.w != nullptr ? *reinterpret_cast<const float2*>(io.w + c) : one,
                 b = io.b != nullptr ? *reinterpret_cast<const float2*>(io.b + c) : make_float2(0, 0);
    v[e] = fmaf((v[e] - by.mean) * by.scale, w.x, b.x);
    v[e + 1] = fmaf((v[e + 1] - by.mean) * by.scale, w.y, b.y);
    last[e] -= v[e];
    last[e + 1] -= v[e + 1];
    *reinterpret_cast<float2*>(shift + c) = make_float2(v[e], v[e + 1]);
  });
#pragma unroll 2
  for (int j = 0; j < io.count; ++j) {
    const Out& y = out.y[j];
    const float* mu = io.mu + j * n;
    each_pair([&](int e, int64_t c) {
      const float2 m = *reinterpret_cast<const float2*>(mu + c);
      put_operand2(y.operand, y.data, i * y.stride + c, fmaf(last[e], m.x, v[e]), fmaf(last[e + 1], m.y, v[e + 1]));
    });
  }
}

// The same numbers by many blocks for a row, where one would be alone: each goes through all of the row and writes
// kShare of its columns, two threads a column, which take turns with the results.
template <int Each>
__global__ void __launch_bounds__(kNormThreads)
    norm_lerp_shares_kernel(const __grid_constant__ gpu_norm_lerp io, const __grid_constant__ DeviceRows rows,
                            const __grid_constant__ NormLerpOut out) {
  constexpr int kTurns = kNormThreads / kShare, kOutputs = kMostLerps / kTurns;
  __shared__ float shared[32];
  const int64_t n = io.x.cols, i = blockIdx.x, c = blockIdx.y * kShare + threadIdx.x % kShare;
  const int turn = static_cast<int>(threadIdx.x) / kShare;
  const bool mine = c < n;
  float w = 1, b = 0, mu[kOutputs] = {}, v[Each], own = 0, last = 0;
  if (mine) {
    if (io.w != nullptr) w = io.w[c];
    if (io.b != nullptr) b = io.b[c];
#pragma unroll
    for (int j = 0; j < kOutputs; ++j)
      if (turn + kTurns * j < io.count) mu[j] = io.mu[(turn + kTurns * j) * n + c];
  }
  after_others();
  float* shift = reinterpret_cast<float*>(rows.segment[i].state + io.shift);
  load_row(v, row(io.x, i), n);
  if (mine) {
    own = row(io.x, i)[c];
    last = shift[c];
  }
  const Normed by = normed(io, v, shared);  // with a barrier: both threads of a column have read its past
  if (!mine) return;
  own = fmaf((own - by.mean) * by.scale, w, b);
  if (turn == 0) shift[c] = own;
  last -= own;
#pragma unroll
  for (int j = 0; j < kOutputs; ++j) {
    if (turn + kTurns * j >= io.count) break;
    const Out& y = out.y[turn + kTurns * j];
    put_operand(y.operand, y.data, i * y.stride + c, fmaf(last, mu[j], own));
  }
}

// Values of a thread: 16 bytes.
template <class T>
constexpr int kMixValues = 16 / static_cast<int>(sizeof(T));
template <class T>
constexpr int kMixThreads = kHead / kMixKeys*(kHead / kMixValues<T>);
template <class T>
constexpr int kMixBlocks = sizeof(T) == 4 ? RECURRA_MIX_BLOCKS : RECURRA_MIX_HALF_BLOCKS;

// A block for a row's head: a thread keeps S, as it lies in memory, of 4 keys from `group` on and of a few values from
// `from` on. The first warp makes what the recurrence reads of keys, two elements a lane, the second the decays, the
// values, and what becomes of the output. All that comes from memory is asked for before any of it is used.
template <class T>
__global__ void __launch_bounds__(kMixThreads<T>, kMixBlocks<T>)
    head_mix_kernel(const __grid_constant__ gpu_head_mix io, const __grid_constant__ DeviceRows rows,
                    const __grid_constant__ Out y_out) {
  constexpr int kValues = kMixValues<T>, kLanes = kHead / kValues, kWarps = kMixThreads<T> / kWarp;
  __shared__ __align__(16) float r[kHead], w[kHead], k[kHead], v[kHead], kk[kHead], b[kHead];
  __shared__ __align__(16) float part[kWarps][kHead], out[kWarps][kHead];
  __shared__ float bonus;
  const int64_t i = blockIdx.y, at = static_cast<int64_t>(blockIdx.x) * kHead;
  const int t = static_cast<int>(threadIdx.x), lane = t % kWarp, warp = t / kWarp, from = t % kLanes * kValues,
            group = t / kLanes * kMixKeys;
  // Of the first warp: k_k, k_a, r_k, k, a, r; of the second: ln_w, ln_b, -, v, w, g.
  float weight[3][2] = {}, in[3][2], first[2], residual[2], value[2], gate[2];
  const auto pair = [&](float(&to)[2], const float* x) {
    to[0] = x[at + lane];
    to[1] = x[at + lane + kWarp];
  };
  if (warp == 0) {
    pair(weight[0], io.k_k);
    pair(weight[1], io.k_a);
    pair(weight[2], io.r_k);
  } else if (warp == 1) {
    pair(weight[0], io.ln_w);
    pair(weight[1], io.ln_b);
  }
  // The state was last written a whole pass ago.
  const int64_t first_of_S = static_cast<int64_t>(blockIdx.x) * kHead * kHead + group * kHead + from;
  T* state = kept_at<T>(rows.segment[i], io.state) + first_of_S;
  Kept<T, kValues> S[kMixKeys];
#pragma unroll
  for (int j = 0; j < kMixKeys; ++j) S[j].load(state + j * kHead);
  StateThresholds by = thresholds<T>(rows.segment[i], io.state, first_of_S);
  after_others();
  if (warp == 0) {
    pair(in[0], row(io.k, i));
    pair(in[1], row(io.a, i));
    pair(in[2], row(io.r, i));
    float square = 0, more = 0, raw[2], rate[2];
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      rate[e] = quick_sigmoid(in[1][e]);
      raw[e] = in[0][e] * weight[0][e];
      square = fmaf(raw[e], raw[e], square);
      in[0][e] *= fmaf(rate[e] - 1, weight[1][e], 1.0f);
      more = fmaf(in[2][e] * in[0][e], weight[2][e], more);
    }
    square = warp_sum(square);
    more = warp_sum(more);
    const float per = 1 / (io.key_eps == 0 ? fmaxf(sqrtf(square), 1e-12f) : sqrtf(square + io.key_eps));
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      const int j = lane + e * kWarp;
      r[j] = in[2][e];
      k[j] = in[0][e];
      kk[j] = raw[e] * per;
      b[j] = raw[e] * per * rate[e];
    }
    if (lane == 0) bonus = more;
  } else if (warp == 1) {
    const bool joins = io.v_first.data != nullptr;
    pair(in[0], row(io.v, i));
    pair(in[1], row(io.w, i));
    pair(in[2], row(io.g, i));
    if (joins) {
      pair(first, row(io.v_first, i));
      pair(residual, row(io.b, i));
    }
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      const int j = lane + e * kWarp;
      value[e] = in[0][e];
      if (joins) value[e] = fmaf(first[e] - value[e], quick_sigmoid(residual[e]), value[e]);
      gate[e] = in[2][e];
      v[j] = value[e];
      w[j] = expf(-0.60653065971263342f * quick_sigmoid(in[1][e]));  // e^(-1/2)
    }
  }
  __syncthreads();

  // Sums over the keys of the warp's groups, for each of a thread's values; then through shared memory.
  const auto over_warp = [&](float(&x)[kValues], float(*sums)[kHead]) {
#pragma unroll
    for (int step = kLanes; step < kWarp; step *= 2)
#pragma unroll
      for (int e = 0; e < kValues; ++e) x[e] += __shfl_xor_sync(0xffffffffu, x[e], step);
    if (lane < kLanes)
#pragma unroll
      for (int e = 0; e < kValues; e += 4)
        *reinterpret_cast<float4*>(&sums[warp][from + e]) = make_float4(x[e], x[e + 1], x[e + 2], x[e + 3]);
    __syncthreads();
  };
  float erased[kValues] = {}, o[kValues] = {};
#pragma unroll
  for (int j = 0; j < kMixKeys; ++j) {
    const float a = kk[group + j];
    float s[kValues];
    S[j].widen(s);
#pragma unroll
    for (int e = 0; e < kValues; ++e) erased[e] = fmaf(s[e], a, erased[e]);
  }
  over_warp(erased, part);
#pragma unroll
  for (int e = 0; e < kValues; ++e) erased[e] = 0;
#pragma unroll
  for (int n = 0; n < kWarps; ++n)
#pragma unroll
    for (int e = 0; e < kValues; e += 4) {
      const float4 x = *reinterpret_cast<const float4*>(&part[n][from + e]);
      erased[e] += x.x;
      erased[e + 1] += x.y;
      erased[e + 2] += x.z;
      erased[e + 3] += x.w;
    }
  float mine[kValues];
#pragma unroll
  for (int e = 0; e < kValues; e += 4) {
    const float4 x = *reinterpret_cast<const float4*>(&v[from + e]);
    mine[e] = x.x, mine[e + 1] = x.y, mine[e + 2] = x.z, mine[e + 3] = x.w;
  }
#pragma unroll
  for (int j = 0; j < kMixKeys; ++j) {
    const float decay = w[group + j], take = b[group + j], give = k[group + j], read = r[group + j];
    float s[kValues];
    S[j].widen(s);
#pragma unroll
    for (int e = 0; e < kValues; ++e) {
      s[e] = fmaf(mine[e], give, fmaf(-erased[e], take, s[e] * decay));
      o[e] = fmaf(s[e], read, o[e]);
    }
    Kept<T, kValues>::store(state + j * kHead, s, by);
  }
  over_warp(o, out);
  if (warp != 1) return;
  float y[2] = {0, 0};
#pragma unroll
  for (int n = 0; n < kWarps; ++n) {
    y[0] += out[n][lane];
    y[1] += out[n][lane + kWarp];
  }
  const float mean = warp_sum(y[0] + y[1]) / kHead;
  const float square = warp_sum((y[0] - mean) * (y[0] - mean) + (y[1] - mean) * (y[1] - mean));
  const float scale = 1 / sqrtf(square / kHead + io.group_eps);
#pragma unroll
  for (int e = 0; e < 2; ++e) {
    const float normed = fmaf((y[e] - mean) * scale, weight[0][e], weight[1][e]);
    put_operand(y_out.operand, y_out.data, i * y_out.stride + at + lane + e * kWarp,
                fmaf(bonus, value[e], normed) * gate[e]);
  }
}

}  // namespace

void norm_lerp(gpu_exec& exec, const gpu_norm_lerp& io, const DeviceRows& rows) {
  if (rows.count == 0) return;
  if (!rows.single) return norm_lerp_rows(exec, io, rows);
  NormLerpOut to{};
  for (int j = 0; j < io.count; ++j) to.y[j] = out(exec, io.y[j], io.reader[j]);
  constexpr int32_t kSharedRows = 8;  // from there on rows are blocks enough
  const bool shared = rows.count <= kSharedRows;
  const dim3 grid(static_cast<unsigned>(rows.count), shared ? static_cast<unsigned>(ceil_div(io.x.cols, kShare)) : 1);
  const auto run = [&](auto kernel, auto shares) {
    launch(exec, "norm_lerp", grid, kNormThreads, 0, shared ? shares : kernel, io, rows, to);
  };
  if (io.x.cols <= 2 * kNormThreads) return run(norm_lerp_kernel<2>, norm_lerp_shares_kernel<2>);
  if (io.x.cols <= 4 * kNormThreads) return run(norm_lerp_kernel<4>, norm_lerp_shares_kernel<4>);
  if (io.x.cols <= 8 * kNormThreads) return run(norm_lerp_kernel<8>, norm_lerp_shares_kernel<8>);
  if (io.x.cols <= 32 * kNormThreads) return run(norm_lerp_kernel<32>, norm_lerp_shares_kernel<32>);
  fail(kUnsupported, "rows of %lld values; the cuda backend has up to %d", static_cast<long long>(io.x.cols),
       32 * kNormThreads);
}

void head_mix(gpu_exec& exec, const gpu_head_mix& io, const DeviceRows& rows) {
  if (rows.count == 0) return;
  if (!rows.single) return chunk_head_mix(exec, io, rows);
  const dim3 grid(static_cast<unsigned>(io.heads), static_cast<unsigned>(rows.count));
  const Out to = out(exec, io.o, io.reader);
  if (io.half != 0)
    return launch(exec, "head_mix", grid, kMixThreads<__half>, 0, head_mix_kernel<__half>, io, rows, to);
  launch(exec, "head_mix", grid, kMixThreads<float>, 0, head_mix_kernel<float>, io, rows, to);
}

}  // namespace recurra::gpu
