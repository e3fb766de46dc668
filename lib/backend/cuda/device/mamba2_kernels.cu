// Mamba-2's steps between its matrix products (backend.h's ssd_mix), for heads of 64 values.
//
// Rows of a segment each: one kernel, a block for a row's head. The block that comes last of a row norms it.
//
// Sequences, by chunks of kChunk tokens, with products on tensor cores (operands in bf16, sums and states float32).
// With l_t = d_t A of a head and G_t = l_0 + .. + l_t within a chunk (Dao, Gu 2024, arXiv:2405.21060, section 6):
//     1  x, B, C  = silu(conv(x_bc))                                     as bf16
//     2  U        = sum_t exp(G_last - G_t) d_t B_t x_t^T                what a chunk adds to the state, [N, P]
//     3  S_next   = exp(G_last) S + U                                    from chunk to chunk, element by element
//     4  y_t      = exp(G_t) C_t S + sum_{s <= t} exp(G_t - G_s) d_s (C_t . B_s) x_s;  (y + D x) silu(z)
//     5  the norm
// No exponent is above 0: there is nothing that strong decays could make too large.
#include <cuda_pipeline.h>

#include "backend/cuda/device/block_products.h"
#include "backend/cuda/device/math.cuh"
#include "backend/cuda/device/memory.cuh"
#include "backend/cuda/device/tiles.cuh"

// Tiles of 64 tokens in a chunk: 1, 2 or 4. Fewer write more states, more compute more products.
#ifndef RECURRA_SSD_TILES
#define RECURRA_SSD_TILES 2
#endif

namespace recurra::gpu {
namespace {

constexpr int kValues = 64, kMostTaps = 4, kStepThreads = 256, kMostGroups = 128;

__device__ __forceinline__ float silu(float x) { return x * quick_sigmoid(x); }

// ---- Rows of a segment each ----

struct StepIo {
  gpu_ssd_mix io;
  DeviceRows rows;
  float *gated, *squares;  // [rows][I] before the norm; [rows][2 H], of half a head each
  int* done;               // [rows] heads that have come, 0 between kernels
  int64_t o_stride;
  int operand;  // o as float32, or as an operand of products
};

// Counts; what this block's threads wrote before is there for whoever counts later.
__device__ __forceinline__ int arrive(int* counter) {
#if __CUDA_ARCH__ >= 700
  int before;
  asm volatile("atom.add.acq_rel.gpu.global.s32 %0, [%1], 1;" : "=r"(before) : "l"(counter) : "memory");
  return before;
#else
  return atomicAdd(counter, 1);
#endif
}

// Thread (group, four) keeps S of the keys kEach group .. and the values 4 four .. + 3.
template <int Keys, class T>
__global__ void __launch_bounds__(kStepThreads) step_kernel(const __grid_constant__ StepIo p) {
  constexpr int kFours = kValues / 4, kWarps = kStepThreads / kWarp, kEach = Keys / (kStepThreads / kFours);
  constexpr int kChannels = kValues + 2 * Keys, kRounds = (kChannels + kStepThreads - 1) / kStepThreads;
  __shared__ __align__(16) float xbc[kChannels];
  __shared__ __align__(16) float part[kWarps][kValues];
  __shared__ float scales[kMostGroups];
  __shared__ int last;
  const gpu_ssd_mix& io = p.io;
  const int t = static_cast<int>(threadIdx.x), lane = t % kWarp, warp = t / kWarp;
  const int four = t % kFours * 4, key0 = t / kFours * kEach, taps = static_cast<int>(io.taps);
  const int h = static_cast<int>(blockIdx.x), heads = static_cast<int>(io.heads), inner = heads * kValues,
            channels = static_cast<int>(io.x_bc.cols), groups = static_cast<int>(io.groups),
            group = h / (heads / groups);
  const int64_t i = blockIdx.y;
  const auto channel = [&](int c) {
    const int b = inner + group * Keys + c - kValues;
    return c < kValues ? h * kValues + c : c < kValues + Keys ? b : b + (groups - 1) * Keys;
  };

  // All that comes from memory is asked for before any of it is used. The convolution's past and the state were last
  // written a whole pass ago.
  char* slot = p.rows.segment[i].state;
  float* past = reinterpret_cast<float*>(slot + io.conv_state);
  const int first_of_S = (h * Keys + key0) * kValues + four;
  T* state = kept_at<T>(p.rows.segment[i], io.state) + first_of_S;
  Kept<T, 4> S[kEach];
#pragma unroll
  for (int j = 0; j < kEach; ++j) S[j].load(state + j * kValues);
  StateThresholds by = thresholds<T>(p.rows.segment[i], io.state, first_of_S);
  float w[kRounds][kMostTaps], seen[kRounds][kMostTaps], bias[kRounds], now[kRounds];
  int at[kRounds];
#pragma unroll
  for (int e = 0; e < kRounds; ++e) {
    at[e] = channel(min(t + e * kStepThreads, kChannels - 1));
    bias[e] = io.conv_bias != nullptr ? io.conv_bias[at[e]] : 0.0f;
#pragma unroll
    for (int j = 0; j < kMostTaps; ++j) {
      w[e][j] = j < taps ? io.conv[j * channels + at[e]] : 0.0f;
      seen[e][j] = j < taps - 1 ? __ldcg(past + j * channels + at[e]) : 0.0f;
    }
  }
  const float a = io.a[h], dt_bias = io.dt_bias[h], skip = io.d[h * kValues + t % kValues];
  after_others();
#pragma unroll
  for (int e = 0; e < kRounds; ++e) now[e] = row(io.x_bc, i)[at[e]];
  const float raw = row(io.dt, i)[h], z = row(io.z, i)[h * kValues + t % kValues];
#pragma unroll
  for (int e = 0; e < kRounds; ++e) {
    const int c = t + e * kStepThreads;
    float sum = bias[e];
#pragma unroll
    for (int j = 0; j < kMostTaps; ++j) {
      if (j == taps - 1) seen[e][j] = now[e];
      if (j < taps) sum = fmaf(w[e][j], seen[e][j], sum);
    }
    if (c < kChannels) xbc[c] = silu(sum);
    // Of B and C the block that comes last moves the past on: until then the group's other heads read it.
    if (c < kValues)
#pragma unroll
      for (int j = 0; j + 1 < kMostTaps; ++j)
        if (j < taps - 1) past[j * channels + at[e]] = seen[e][j + 1];
  }
  const float d = fminf(fmaxf(softplus(raw + dt_bias), io.least), io.most), decay = expf(d * a);
  __syncthreads();

  float4 v = *reinterpret_cast<const float4*>(xbc + four), o{};
  v = make_float4(d * v.x, d * v.y, d * v.z, d * v.w);
#pragma unroll
  for (int j = 0; j < kEach; ++j) {
    const float b = xbc[kValues + key0 + j], c = xbc[kValues + Keys + key0 + j];
    float s[4];
    S[j].widen(s);
    s[0] = fmaf(v.x, b, s[0] * decay), s[1] = fmaf(v.y, b, s[1] * decay);
    s[2] = fmaf(v.z, b, s[2] * decay), s[3] = fmaf(v.w, b, s[3] * decay);
    o = make_float4(fmaf(s[0], c, o.x), fmaf(s[1], c, o.y), fmaf(s[2], c, o.z), fmaf(s[3], c, o.w));
    Kept<T, 4>::store(state + j * kValues, s, by);
  }
  o.x += __shfl_xor_sync(0xffffffffu, o.x, kFours);
  o.y += __shfl_xor_sync(0xffffffffu, o.y, kFours);
  o.z += __shfl_xor_sync(0xffffffffu, o.z, kFours);
  o.w += __shfl_xor_sync(0xffffffffu, o.w, kFours);
  if (lane < kFours) *reinterpret_cast<float4*>(&part[warp][four]) = o;
  __syncthreads();
  if (t < kValues) {
    float y = 0;
#pragma unroll
    for (int m = 0; m < kWarps; ++m) y += part[m][t];
    y = fmaf(xbc[t], skip, y) * silu(z);
    p.gated[i * inner + h * kValues + t] = y;
    const float square = warp_sum(y * y);
    if (lane == 0) p.squares[(i * heads + h) * 2 + warp] = square;
  }
  __syncthreads();
  if (t == 0) last = arrive(p.done + i) == heads - 1;
  __syncthreads();
  if (last == 0) return;

  // ---- The last block of the row: the norm, and the past of B and C ----
  if (t == 0) p.done[i] = 0;
  constexpr int kAhead = 4;
  const float* gated = p.gated + i * inner;
  const int norm_groups = static_cast<int>(io.norm_groups), per = inner / norm_groups;
  float2 y[kAhead];
  const auto fetch = [&](int from) {
#pragma unroll
    for (int e = 0; e < kAhead; ++e) {
      const int c = from + 2 * (t + e * kStepThreads);
      y[e] = c < inner ? __ldcg(reinterpret_cast<const float2*>(gated + c)) : float2{};
    }
  };
  fetch(0);
  const int halves = 2 * heads / norm_groups;
  for (int g = warp; g < norm_groups; g += kWarps) {
    float square = 0;
    for (int m = lane; m < halves; m += kWarp) square += __ldcg(p.squares + i * heads * 2 + g * halves + m);
    square = warp_sum(square);
    if (lane == 0) scales[g] = io.w != nullptr ? 1 / sqrtf(square / static_cast<float>(per) + io.eps) : 1.0f;
  }
  for (int c = inner + t; c < channels; c += kStepThreads) {
    float x[kMostTaps];
#pragma unroll
    for (int j = 1; j < kMostTaps; ++j)
      if (j < taps) x[j] = j == taps - 1 ? row(io.x_bc, i)[c] : __ldcg(past + j * channels + c);
#pragma unroll
    for (int j = 1; j < kMostTaps; ++j)
      if (j < taps) past[(j - 1) * channels + c] = x[j];
  }
  __syncthreads();
  for (int from = 0; from < inner; from += 2 * kAhead * kStepThreads) {
    if (from != 0) fetch(from);
#pragma unroll
    for (int e = 0; e < kAhead; ++e) {
      const int c = from + 2 * (t + e * kStepThreads);
      if (c >= inner) continue;
      const float scale = scales[c / per];
      float2 by = make_float2(1, 1);
      if (io.w != nullptr) by = *reinterpret_cast<const float2*>(io.w + c);
      put_operand2(p.operand, io.o.data, i * p.o_stride + c, y[e].x * scale * by.x, y[e].y * scale * by.y);
    }
  }
}

// ---- Sequences ----

constexpr int kTiles = RECURRA_SSD_TILES, kChunk = 64 * kTiles, kConvRows = 16, kChunkThreads = 128;
constexpr int kTileSize = 64 * kTile;  // elements
constexpr float kLeastLog = -100.0f;

struct ChunkIo {
  gpu_ssd_mix io;
  DeviceRows rows;
  int per_segment;       // chunks of the longest segment
  bf16* xbc;             // [T][channels]
  float *added, *total;  // U [slots][H][N][P], G_last [slots][H]
  bf16* before;          // S before a chunk, [slots][H][N][P]
  float* gated;          // [T][I]
};

// Where a chunk lies: of segment s those after floor(first / kChunk) + s, which no other segment's reach.
struct Place {
  DeviceSegment seg;
  int64_t slot;
  int first, count;  // rows of it
};
__device__ __forceinline__ Place place(const ChunkIo& p, int at) {
  Place x;
  const int s = at / p.per_segment, chunk = at % p.per_segment;
  x.seg = p.rows.segment[s];
  x.slot = x.seg.first / kChunk + s + chunk;
  x.first = x.seg.first + chunk * kChunk;
  x.count = min(kChunk, x.seg.count - chunk * kChunk);
  return x;
}

// 1. A thread four channels of kConvRows rows.
__global__ void __launch_bounds__(128) conv_kernel(const __grid_constant__ ChunkIo p, int per_segment) {
  after_others();
  const gpu_ssd_mix& io = p.io;
  const int s = static_cast<int>(blockIdx.x) / per_segment, t0 = static_cast<int>(blockIdx.x) % per_segment * kConvRows;
  const DeviceSegment seg = p.rows.segment[s];
  const int64_t c = (static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * 4, channels = io.x_bc.cols;
  const int taps = static_cast<int>(io.taps);
  if (t0 >= seg.count || c >= channels) return;
  const float* past = reinterpret_cast<const float*>(seg.state + io.conv_state) + c;
  float4 x[kConvRows + kMostTaps - 1], w[kMostTaps];  // x[j]: input t0 - (kMostTaps - 1) + j
#pragma unroll
  for (int j = 0; j < kConvRows + kMostTaps - 1; ++j) {
    const int t = t0 - (kMostTaps - 1) + j;
    x[j] = make_float4(0, 0, 0, 0);
    if (t >= 0 && t < seg.count) x[j] = *reinterpret_cast<const float4*>(row(io.x_bc, seg.first + t) + c);
    if (t < 0 && taps - 1 + t >= 0) x[j] = *reinterpret_cast<const float4*>(past + (taps - 1 + t) * channels);
  }
  const auto four = [&](const float* from) { return __ldg(reinterpret_cast<const float4*>(from + c)); };
  const float4 bias = io.conv_bias != nullptr ? four(io.conv_bias) : make_float4(0, 0, 0, 0);
#pragma unroll
  for (int j = 0; j < kMostTaps; ++j)  // of the last taps; 0 before
    w[j] = j >= kMostTaps - taps ? four(io.conv + (j - kMostTaps + taps) * channels) : make_float4(0, 0, 0, 0);
#pragma unroll
  for (int m = 0; m < kConvRows; ++m) {
    if (t0 + m >= seg.count) break;
    float4 y = bias;
#pragma unroll
    for (int j = 0; j < kMostTaps; ++j) {
      y.x = fmaf(w[j].x, x[m + j].x, y.x);
      y.y = fmaf(w[j].y, x[m + j].y, y.y);
      y.z = fmaf(w[j].z, x[m + j].z, y.z);
      y.w = fmaf(w[j].w, x[m + j].w, y.w);
    }
    const auto act = [](float v) { return __fdividef(v, 1 + __expf(-v)); };
    put4(p.xbc + (seg.first + t0 + m) * channels + c, make_float4(act(y.x), act(y.y), act(y.z), act(y.w)));
  }
}

// G and d of a chunk's tokens, by all threads; behind its rows d is 0 and G stays.
__device__ __forceinline__ void decays(const ChunkIo& p, const Place& at, int64_t h, float* G, float* d) {
  __shared__ float sums[kChunkThreads / kWarp];
  constexpr int kEach = (kChunk + kChunkThreads - 1) / kChunkThreads;
  const gpu_ssd_mix& io = p.io;
  const int t = static_cast<int>(threadIdx.x), lane = t % kWarp, warp = t / kWarp;
  const float a = io.a[h], bias = io.dt_bias[h];
  float l[kEach], sum = 0;
#pragma unroll
  for (int e = 0; e < kEach; ++e) {
    const int i = t * kEach + e;
    float step = 0;
    if (i < at.count) step = fminf(fmaxf(softplus(row(io.dt, at.first + i)[h] + bias), io.least), io.most);
    l[e] = sum += fmaxf(step * a, kLeastLog);
    if (i < kChunk) d[i] = step;
  }
  float all = sum;
#pragma unroll
  for (int m = 1; m < kWarp; m *= 2) {
    const float from = __shfl_up_sync(0xffffffffu, all, m);
    if (lane >= m) all += from;
  }
  if (lane == kWarp - 1) sums[warp] = all;
  __syncthreads();
  float earlier = all - sum;
  for (int m = 0; m < warp; ++m) earlier += sums[m];
#pragma unroll
  for (int e = 0; e < kEach; ++e)
    if (t * kEach + e < kChunk) G[t * kEach + e] = earlier + l[e];
  __syncthreads();
}

// 64 tokens by 64 columns of x, B, C to a tile; zeros behind the rows.
__device__ __forceinline__ void bring(bf16* tile, const ChunkIo& p, const Place& at, int token, int64_t column) {
  const int64_t channels = p.io.x_bc.cols;
#pragma unroll
  for (int e = 0; e < 512 / kChunkThreads; ++e) {
    const int j = static_cast<int>(threadIdx.x) + e * kChunkThreads, t = j / 8, c = j % 8 * 8;
    const int from = min(token + t, at.count - 1);
    __pipeline_memcpy_async(tile + t * kTile + c, p.xbc + (at.first + from) * channels + column + c, 16,
                            token + t < at.count ? 0 : 16);
  }
}

// 2. A block for a chunk's head; a warp 16 values of all keys.
template <int Parts>
__global__ void __launch_bounds__(kChunkThreads) added_kernel(const __grid_constant__ ChunkIo p) {
  extern __shared__ __align__(16) char raw[];  // x [kTiles], B [kTiles][Parts], then G, factors
  after_others();
  const int heads = static_cast<int>(p.io.heads), h = static_cast<int>(blockIdx.x) % heads;
  const Place at = place(p, static_cast<int>(blockIdx.x) / heads);
  if (at.count <= 0) return;
  const gpu_ssd_mix& io = p.io;
  bf16* tiles = reinterpret_cast<bf16*>(raw);
  float* G = reinterpret_cast<float*>(tiles + kTiles * (1 + Parts) * kTileSize);
  float* factor = G + kChunk;
  const int64_t group = h / (heads / static_cast<int>(io.groups)), keys = io.o.cols + group * 64 * Parts;
  const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp, g = lane / 4,
            q = lane % 4, row0 = 16 * warp;
  const auto tile = [&](int k, int which) { return tiles + (k * (1 + Parts) + which) * kTileSize; };
#pragma unroll
  for (int k = 0; k < kTiles; ++k) {
    if (64 * k < at.count) {
      bring(tile(k, 0), p, at, 64 * k, h * kValues);
#pragma unroll
      for (int part = 0; part < Parts; ++part) bring(tile(k, 1 + part), p, at, 64 * k, keys + 64 * part);
    }
    __pipeline_commit();
  }
  decays(p, at, h, G, factor);
  const float all = G[kChunk - 1];
  if (threadIdx.x == 0) p.total[at.slot * io.heads + h] = all;
  for (int i = static_cast<int>(threadIdx.x); i < kChunk; i += kChunkThreads) factor[i] *= __expf(all - G[i]);
  Sums sums[Parts];
#pragma unroll
  for (int part = 0; part < Parts; ++part) clear(sums[part]);
#pragma unroll
  for (int k = 0; k < kTiles; ++k) {
    __pipeline_wait_prior(kTiles - 1 - k);
    __syncthreads();
    if (64 * k >= at.count) break;
    Fragment x;
    load_columns(x, tile(k, 0), row0, lane);
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const float2 f = *reinterpret_cast<const float2*>(factor + 64 * k + 16 * i + j / 2 * 8 + 2 * q);
        const float2 v = unpack(x[i][j]);
        x[i][j] = pack(v.x * f.x, v.y * f.y);
      }
#pragma unroll
    for (int part = 0; part < Parts; ++part) multiply(sums[part], x, tile(k, 1 + part), 3, lane);
  }
  float* to = p.added + (at.slot * io.heads + h) * (64 * Parts * kValues);
#pragma unroll
  for (int part = 0; part < Parts; ++part)
#pragma unroll
    for (int i = 0; i < 8; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j)
        to[(64 * part + 8 * i + 2 * q + j % 2) * kValues + row0 + g + j / 2 * 8] = sums[part][i][j];
}

// 3. Four elements of a state a thread, from chunk to chunk. And the convolution's last inputs.
template <class T>
__global__ void __launch_bounds__(128) pass_kernel(const __grid_constant__ ChunkIo p) {
  after_others();
  const gpu_ssd_mix& io = p.io;
  const int64_t s = blockIdx.y, size = io.states * kValues, all = io.heads * size, channels = io.x_bc.cols;
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const DeviceSegment seg = p.rows.segment[s];
  if (i < channels) {
    float* past = reinterpret_cast<float*>(seg.state + io.conv_state) + i;
    const int64_t taps = io.taps;
    for (int64_t j = 0; j + 1 < taps; ++j) {  // oldest first: a row is read before it is overwritten
      const int64_t t = seg.count - taps + 1 + j;
      past[j * channels] = t < 0 ? past[(taps - 1 + t) * channels] : row(io.x_bc, seg.first + t)[i];
    }
  }
  if (4 * i >= all || seg.count == 0) return;
  const int64_t h = 4 * i / size, slot = seg.first / kChunk + s;
  const int chunks = (seg.count + kChunk - 1) / kChunk;
  T* state = kept_at<T>(seg, io.state) + 4 * i;
  Kept<T, 4> kept;
  kept.load(state);
  float last[4];
  kept.widen(last);
  float4 S = make_float4(last[0], last[1], last[2], last[3]);
  constexpr int kAhead = 8;
  for (int c0 = 0; c0 < chunks; c0 += kAhead) {
    float4 u[kAhead];
    float decay[kAhead];
#pragma unroll
    for (int e = 0; e < kAhead; ++e) {
      const int64_t c = slot + min(c0 + e, chunks - 1);
      u[e] = __ldcg(reinterpret_cast<const float4*>(p.added + c * all) + i);
      decay[e] = __ldcg(p.total + c * io.heads + h);
    }
#pragma unroll
    for (int e = 0; e < kAhead; ++e) {
      if (c0 + e >= chunks) break;
      put4(p.before + (slot + c0 + e) * all + 4 * i, S);
      const float w = __expf(decay[e]);
      S = make_float4(fmaf(S.x, w, u[e].x), fmaf(S.y, w, u[e].y), fmaf(S.z, w, u[e].z), fmaf(S.w, w, u[e].w));
    }
  }
  last[0] = S.x, last[1] = S.y, last[2] = S.z, last[3] = S.w;
  StateThresholds by = thresholds<T>(seg, io.state, 4 * i);
  Kept<T, 4>::store(state, last, by);
}

// 4. A block for 64 tokens of a head, a warp 16 of them. Stage 0 is the state before the chunk, stage k the chunk's
// tile k - 1; what a stage reads is brought while the one before is computed.
template <int Parts>
__global__ void __launch_bounds__(kChunkThreads, 3)
    output_kernel(const __grid_constant__ ChunkIo p, float* out, int64_t out_stride, int operand) {
  extern __shared__ __align__(16) char raw[];  // C [Parts], two stages of [1 + Parts], then G, d
  after_others();
  const int heads = static_cast<int>(p.io.heads), h = static_cast<int>(blockIdx.x) % heads,
            tile = static_cast<int>(blockIdx.x) / heads, mine = tile % kTiles;
  const Place at = place(p, tile / kTiles);
  if (64 * mine >= at.count) return;
  const gpu_ssd_mix& io = p.io;
  bf16* tC = reinterpret_cast<bf16*>(raw);
  const auto stage = [&](int k, int which) { return tC + (Parts + k % 2 * (1 + Parts) + which) * kTileSize; };
  float* G = reinterpret_cast<float*>(tC + (Parts + 2 * (1 + Parts)) * kTileSize);
  float* d = G + kChunk;
  const int64_t inner = io.o.cols, group = h / (heads / static_cast<int>(io.groups)), N = 64 * Parts;
  const int tid = static_cast<int>(threadIdx.x), lane = tid % kWarp, warp = tid / kWarp, g = lane / 4, q = lane % 4,
            row0 = 16 * warp;
  const auto bring_tile = [&](int k) {
    bring(stage(k, 0), p, at, 64 * (k - 1), h * kValues);
#pragma unroll
    for (int part = 0; part < Parts; ++part)
      bring(stage(k, 1 + part), p, at, 64 * (k - 1), inner + group * N + 64 * part);
    __pipeline_commit();
  };
#pragma unroll
  for (int part = 0; part < Parts; ++part) {
    bring(tC + part * kTileSize, p, at, 64 * mine, inner + (io.groups + group) * N + 64 * part);
    const bf16* S = p.before + ((at.slot * io.heads + h) * N + 64 * part) * kValues;
#pragma unroll
    for (int e = 0; e < 512 / kChunkThreads; ++e) {
      const int j = tid + e * kChunkThreads;
      __pipeline_memcpy_async(stage(0, part) + j / 8 * kTile + j % 8 * 8, S + 8 * j, 16);
    }
  }
  __pipeline_commit();
  bring_tile(1);
  decays(p, at, h, G, d);
  __pipeline_wait_prior(1);
  __syncthreads();

  Fragment c[Parts];
  Sums y;
  clear(y);
#pragma unroll
  for (int part = 0; part < Parts; ++part) {
    load_rows(c[part], tC + part * kTileSize, kTile, row0, lane);
    multiply(y, c[part], stage(0, part), 3, lane);
  }
  const int t0 = 64 * mine + row0 + g;
  const float G0 = G[t0], G1 = G[t0 + 8];
  {
    const float e0 = __expf(G0), e1 = __expf(G1);
#pragma unroll
    for (int i = 0; i < 8; ++i) y[i][0] *= e0, y[i][1] *= e0, y[i][2] *= e1, y[i][3] *= e1;
  }
#pragma unroll 1
  for (int k = 1; k <= mine + 1; ++k) {
    __pipeline_wait_prior(0);
    __syncthreads();  // the tile is there, and nobody reads the stage before
    if (k <= mine) bring_tile(k + 1);
    const bool own = k == mine + 1;
    const int last = own ? warp : 3;
    Sums near;
    clear(near);
#pragma unroll
    for (int part = 0; part < Parts; ++part) multiply_transposed(near, c[part], stage(k, 1 + part), last, lane);
#pragma unroll
    for (int i = 0; i < 8; ++i)
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const int column = 8 * i + 2 * q + e, s = 64 * (k - 1) + column;
        const float Gs = G[s], ds = d[s];
        near[i][e] = !own || column <= row0 + g ? near[i][e] * (__expf(G0 - Gs) * ds) : 0.0f;
        near[i][2 + e] = !own || column <= row0 + g + 8 ? near[i][2 + e] * (__expf(G1 - Gs) * ds) : 0.0f;
      }
    Fragment f;
    to_fragment(f, near);
    multiply(y, f, stage(k, 0), last, lane);
  }
  const bf16* x = stage(mine + 1, 0);
#pragma unroll
  for (int j = 0; j < 2; ++j) {
    if (t0 + 8 * j >= at.count) continue;
    const int64_t t = at.first + t0 + 8 * j, column = h * kValues + 2 * q;
    const float* z = row(io.z, t) + column;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const float2 v = unpack(*reinterpret_cast<const uint32_t*>(x + (row0 + g + 8 * j) * kTile + 8 * i + 2 * q));
      const float2 skip = __ldg(reinterpret_cast<const float2*>(io.d + column + 8 * i)),
                   by = *reinterpret_cast<const float2*>(z + 8 * i);
      const auto act = [](float u) { return __fdividef(u, 1 + __expf(-u)); };
      put_operand2(operand, out, t * out_stride + column + 8 * i, fmaf(v.x, skip.x, y[i][2 * j]) * act(by.x),
                   fmaf(v.y, skip.y, y[i][2 * j + 1]) * act(by.y));
    }
  }
}

template <int Parts>
void chunks(gpu_exec& exec, const gpu_ssd_mix& io, const DeviceRows& rows) {
  ChunkIo p{};
  p.io = io;
  p.rows = rows;
  p.per_segment = static_cast<int>(ceil_div(rows.longest, kChunk));
  const int64_t slots = rows.count / kChunk + rows.segments, size = io.heads * 64 * Parts * kValues;
  const auto part = [](int64_t bytes) { return round_up(bytes, 256); };
  const int64_t xbc = part(rows.count * io.x_bc.cols * 2), before = part(slots * size * 2),
                total = part(slots * io.heads * 4);
  // What chunks add is used up when outputs are written.
  const int64_t added = part(std::max(slots * size, rows.count * io.o.cols) * 4);
  char* at = static_cast<char*>(exec.chain.need(static_cast<uint64_t>(xbc + before + total + added)));
  p.xbc = reinterpret_cast<bf16*>(at);
  p.before = reinterpret_cast<bf16*>(at + xbc);
  p.total = reinterpret_cast<float*>(at + xbc + before);
  p.added = p.gated = reinterpret_cast<float*>(at + xbc + before + total);
  constexpr int kAddedBytes = kTiles * (1 + Parts) * kTileSize * 2 + 2 * kChunk * 4;
  constexpr int kOutputBytes = (Parts + 2 * (1 + Parts)) * kTileSize * 2 + 2 * kChunk * 4;
  static const cudaError_t allowed[] = {
      cudaFuncSetAttribute(added_kernel<Parts>, cudaFuncAttributeMaxDynamicSharedMemorySize, kAddedBytes),
      cudaFuncSetAttribute(output_kernel<Parts>, cudaFuncAttributeMaxDynamicSharedMemorySize, kOutputBytes)};
  for (const cudaError_t status : allowed) check(status, "ssd_mix's shared memory");
  const auto grid = [](int64_t x, int64_t y) { return dim3(static_cast<unsigned>(x), static_cast<unsigned>(y)); };
  const int tiles = static_cast<int>(ceil_div(rows.longest, kConvRows));
  launch(exec, "ssd_mix: convolution", grid(int64_t{rows.segments} * tiles, ceil_div(io.x_bc.cols, 4 * 128)), 128, 0,
         conv_kernel, p, tiles);
  const int64_t chunks = int64_t{rows.segments} * p.per_segment;
  launch(exec, "ssd_mix: added to states", grid(io.heads * chunks, 1), kChunkThreads, kAddedBytes, added_kernel<Parts>,
         p);
  launch(exec, "ssd_mix: states", grid(ceil_div(std::max(size / 4, io.x_bc.cols), 128), rows.segments), 128, 0,
         io.half != 0 ? pass_kernel<__half> : pass_kernel<float>, p);
  const bool norms = io.w != nullptr;
  const Operand operand = norms ? Operand::f32 : leave_operand(exec, io.o, io.reader);
  float* out = norms ? p.gated : io.o.data;
  const int64_t stride = norms || operand != Operand::f32 ? io.o.cols : io.o.stride;
  launch(exec, "ssd_mix: outputs", grid(io.heads * chunks * kTiles, 1), kChunkThreads, kOutputBytes,
         output_kernel<Parts>, p, out, stride, static_cast<int>(operand));
  if (!norms) return;
  const gpu_tensor gated{p.gated, rows.count, io.o.cols, io.o.cols};
  norm(exec, {io.o, gated, io.w, nullptr, io.norm_groups, io.eps, static_cast<int32_t>(Norm::rms), io.reader});
}

}  // namespace

void ssd_mix(gpu_exec& exec, const gpu_ssd_mix& io, const DeviceRows& rows) {
  if (rows.count == 0) return;
  if (!rows.single) return io.states == 128 ? chunks<2>(exec, io, rows) : chunks<1>(exec, io, rows);
  StepIo p{io, rows, io.work.data, io.work.data + rows.count * io.o.cols, exec.counters(rows.count), io.o.stride, 0};
  const Operand operand = leave_operand(exec, io.o, io.reader);
  p.operand = static_cast<int>(operand);
  const dim3 grid(static_cast<unsigned>(io.heads), static_cast<unsigned>(rows.count));
  const auto run = [&](auto kernel) { launch(exec, "ssd_mix", grid, kStepThreads, 0, kernel, p); };
  const bool half = io.half != 0;
  if (io.states == 16) return run(half ? step_kernel<16, __half> : step_kernel<16, float>);
  if (io.states == 64) return run(half ? step_kernel<64, __half> : step_kernel<64, float>);
  if (io.states == 128) return run(half ? step_kernel<128, __half> : step_kernel<128, float>);
  fail(kInternal, "ssd_mix with %lld states", static_cast<long long>(io.states));
}

}  // namespace recurra::gpu
