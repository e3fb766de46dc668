// The recurrence, token by token:
//     S_t = S_{t-1} (diag(w_t) - a_t b_t^T) + v_t k_t^T        o_t = S_t r_t
// with S kept as [K, V]. A thread holds Keys elements of one row of S (one value) in registers, and G of them, lanes
// that are neighbours, the whole row: K <= G Keys. Warps work on 32 / G values each; what their tokens need (r, k, w,
// a, b of all keys, v of the block's values) a block copies to shared memory, a stage of tokens ahead, without waiting
// for it.
//
// Of the keys a thread holds fours: 4 (i G + g) .. + 3 for i < Keys / 4, so that its G neighbours read 16 bytes side
// by side. Prompts take few keys a thread, for the sums over keys are what a token waits for; single tokens many, for
// then S is read in longer pieces.
//
// Heads of more than 1024 keys, which no known model has, keep S in memory (wide_kernel).
#include <cuda_pipeline.h>

#include "backend/cuda/device/math.cuh"
#include "backend/cuda/device/memory.cuh"

namespace recurra::gpu {
namespace {

constexpr int kFewKeys = 8, kManyKeys = 32, kMostKeys = 32 * kManyKeys, kScanWarps = 4,
              kScanThreads = kScanWarps * kWarp;

struct ScanIo {
  gpu_scan io;
  DeviceRows rows;
  int lanes;   // G
  int slices;  // blocks of a head
  int stage;   // tokens copied at a time
  int token;   // floats of a token in shared memory: [5][G Keys], [values of a block], 4
  bool aligned_keys, aligned_values;
};

template <Decay D, bool Erase, int Keys, class T>
__global__ void __launch_bounds__(kScanThreads) scan_kernel(const __grid_constant__ ScanIo p) {
  extern __shared__ __align__(16) float shared[];  // [2][stage][token]
  const gpu_scan& c = p.io;
  const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
  const int G = p.lanes, g = lane % G, keys = G * Keys, K = static_cast<int>(c.key);
  const int slice = static_cast<int>(blockIdx.x % static_cast<unsigned>(p.slices));
  const int64_t hs = blockIdx.x / static_cast<unsigned>(p.slices), h = hs % c.heads, s = hs / c.heads;
  const int values = kScanThreads / G, in_block = warp * (kWarp / G) + lane / G;
  const int64_t value0 = static_cast<int64_t>(slice) * values, value = value0 + in_block;
  const int n_values = static_cast<int>(c.value - value0 < values ? c.value - value0 : values);
  const bool mine = in_block < n_values;
  constexpr int kR = 0, kK = 1, kW = 2, kA = 3, kB = 4, kParts = 5;
  for (int j = static_cast<int>(threadIdx.x); j < 2 * p.stage * p.token; j += kScanThreads) shared[j] = 0;
  after_others();
  const DeviceSegment seg = p.rows.segment[s];
  const int64_t place = h * c.key * c.value + value;
  T* state = kept_at<T>(seg, c.state) + place;
  const auto key_of = [&](int i) { return 4 * (i / 4 * G + g) + i % 4; };
  float S[Keys];
#pragma unroll
  for (int i = 0; i < Keys; ++i) S[i] = mine && key_of(i) < K ? widen(state[key_of(i) * c.value]) : 0.0f;

  const auto vector = [&](float* to, const float* from, int n, bool aligned) {
    if (aligned)
      for (int j = lane * 4; j < n; j += kWarp * 4) __pipeline_memcpy_async(to + j, from + j, 16);
    else
      for (int j = lane; j < n; j += kWarp) __pipeline_memcpy_async(to + j, from + j, 4);
  };
  // Tokens n0 and on of the segment: a warp every fourth.
  const auto bring = [&](int n0, float* stage) {
    for (int m = warp; m < p.stage && n0 + m < seg.count; m += kScanWarps) {
      const int32_t t = seg.first + n0 + m;
      float* to = stage + m * p.token;
      const int64_t at = h * c.key;
      vector(to + kR * keys, row(c.r, t) + at, K, p.aligned_keys);
      vector(to + kK * keys, row(c.k, t) + at, K, p.aligned_keys);
      if (D == Decay::vector) vector(to + kW * keys, row(c.log_w, t) + at, K, p.aligned_keys);
      if (Erase) {
        vector(to + kA * keys, row(c.a, t) + at, K, p.aligned_keys);
        vector(to + kB * keys, row(c.b, t) + at, K, p.aligned_keys);
      }
      vector(to + kParts * keys, row(c.v, t) + h * c.value + value0, n_values, p.aligned_values);
      if (D == Decay::scalar && lane == 0) __pipeline_memcpy_async(to + kParts * keys + values, row(c.log_w, t) + h, 4);
    }
    __pipeline_commit();
  };

  __syncthreads();  // the zeros
  bring(0, shared);
  for (int n0 = 0, turn = 0; n0 < seg.count; n0 += p.stage, turn ^= 1) {
    float* stage = shared + turn * p.stage * p.token;
    bring(n0 + p.stage, shared + (turn ^ 1) * p.stage * p.token);
    __pipeline_wait_prior(1);
    const int tokens = seg.count - n0 < p.stage ? seg.count - n0 : p.stage;
    // A warp's own copies are there; the decays of its tokens once for all.
    __syncwarp();
    if (D == Decay::vector)
      for (int m = warp; m < tokens; m += kScanWarps)
        for (int j = lane; j < K; j += kWarp) {
          float& w = stage[m * p.token + kW * keys + j];
          w = expf(w);
        }
    if (D == Decay::scalar)
      for (int m = warp; m < tokens; m += kScanWarps)
        if (lane == 0) stage[m * p.token + kParts * keys + values] = expf(stage[m * p.token + kParts * keys + values]);
    __syncthreads();
#pragma unroll 2
    for (int m = 0; m < tokens; ++m) {
      const float* now = stage + m * p.token;
      const float v = now[kParts * keys + in_block];
      const float all = D == Decay::scalar ? now[kParts * keys + values] : 1.0f;
      float erased = 0;
      if (Erase) {
        float e[4] = {};
#pragma unroll
        for (int i = 0; i < Keys; i += 4) {
          const float4 a = *reinterpret_cast<const float4*>(now + kA * keys + key_of(i));
          e[0] = fmaf(S[i], a.x, e[0]);
          e[1] = fmaf(S[i + 1], a.y, e[1]);
          e[2] = fmaf(S[i + 2], a.z, e[2]);
          e[3] = fmaf(S[i + 3], a.w, e[3]);
        }
        erased = (e[0] + e[1]) + (e[2] + e[3]);
        for (int step = 1; step < G; step *= 2) erased += __shfl_xor_sync(0xffffffffu, erased, step);
      }
      float o4[4] = {};
#pragma unroll
      for (int i = 0; i < Keys; i += 4) {
        const auto part = [&](int which) { return *reinterpret_cast<const float4*>(now + which * keys + key_of(i)); };
        const float4 r4 = part(kR), k4 = part(kK);
        const float4 w4 = D == Decay::vector ? part(kW) : make_float4(all, all, all, all);
        const float4 b4 = Erase ? part(kB) : make_float4(0, 0, 0, 0);
        const float r[4] = {r4.x, r4.y, r4.z, r4.w}, k[4] = {k4.x, k4.y, k4.z, k4.w};
        const float w[4] = {w4.x, w4.y, w4.z, w4.w}, b[4] = {b4.x, b4.y, b4.z, b4.w};
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          float x = D == Decay::none ? S[i + j] : S[i + j] * w[j];
          if (Erase) x = fmaf(-erased, b[j], x);
          x = fmaf(v, k[j], x);
          S[i + j] = x;
          o4[j] = fmaf(x, r[j], o4[j]);
        }
      }
      float o = (o4[0] + o4[1]) + (o4[2] + o4[3]);
      for (int step = 1; step < G; step *= 2) o += __shfl_xor_sync(0xffffffffu, o, step);
      if (mine && g == 0) row(c.o, seg.first + n0 + m)[h * c.value + value] = o;
    }
    __syncthreads();  // the stage is written again
  }
  StateThresholds by = thresholds<T>(seg, c.state, place + key_of(0) * c.value);
#pragma unroll
  for (int i = 0; i < Keys; i += 2)
    if (mine && key_of(i) < K)
      store_two(state + key_of(i) * c.value, state + key_of(i + 1) * c.value, key_of(i + 1) < K, S[i], S[i + 1], by);
}

// A thread for one value of a head; S stays where it is, and is rounded after each token.
template <class T>
__global__ void wide_kernel(const __grid_constant__ ScanIo p) {
  const gpu_scan& c = p.io;
  const int64_t value = static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x;
  if (value >= c.value) return;
  const int64_t h = blockIdx.x % c.heads;
  const DeviceSegment seg = p.rows.segment[blockIdx.x / c.heads];
  const Decay decay = static_cast<Decay>(c.decay);
  const int64_t place = h * c.key * c.value + value;
  T* state = kept_at<T>(seg, c.state) + place;
  for (int32_t t = seg.first; t < seg.first + seg.count; ++t) {
    const int64_t at = h * c.key;
    float erased = 0, o = 0;
    if (c.erase != 0)
      for (int64_t j = 0; j < c.key; ++j) erased = fmaf(widen(state[j * c.value]), row(c.a, t)[at + j], erased);
    const float v = row(c.v, t)[h * c.value + value];
    StateThresholds by = thresholds<T>({0, 0, nullptr, seg.position + t - seg.first, nullptr, 0}, c.state, place);
    for (int64_t j = 0; j < c.key; ++j) {
      float x = widen(state[j * c.value]);
      if (decay != Decay::none) x *= expf(decay == Decay::vector ? row(c.log_w, t)[at + j] : row(c.log_w, t)[h]);
      if (c.erase != 0) x = fmaf(-erased, row(c.b, t)[at + j], x);
      x = fmaf(v, row(c.k, t)[at + j], x);
      store_two(state + j * c.value, static_cast<T*>(nullptr), false, x, 0.0f, by);
      o = fmaf(x, row(c.r, t)[at + j], o);
    }
    row(c.o, t)[h * c.value + value] = o;
  }
}

// A thread for one channel; its states h [N] are columns of the slot's [N, I].
template <int N>
__global__ void selective_kernel(gpu_selective_scan io, DeviceRows rows) {
  const int64_t i = static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x, channels = io.u.cols;
  if (i >= channels) return;
  const DeviceSegment seg = rows.segment[blockIdx.x];
  const int64_t states = N != 0 ? N : io.b.cols;
  float* state = reinterpret_cast<float*>(seg.state + io.state) + i;
  float h[N != 0 ? N : 1], a[N != 0 ? N : 1];
  if constexpr (N != 0) {
#pragma unroll
    for (int j = 0; j < N; ++j) {
      h[j] = state[j * channels];
      a[j] = io.a[j * channels + i];
    }
  }
  for (int32_t t = seg.first; t < seg.first + seg.count; ++t) {
    const float d = softplus(row(io.dt, t)[i]), u = row(io.u, t)[i];
    const float *b = row(io.b, t), *c = row(io.c, t);
    float y = 0;
    if constexpr (N != 0) {
#pragma unroll
      for (int j = 0; j < N; ++j) {
        h[j] = fmaf(expf(d * a[j]), h[j], d * u * b[j]);
        y = fmaf(h[j], c[j], y);
      }
    } else {
      for (int64_t j = 0; j < states; ++j) {
        float& x = state[j * channels];
        x = fmaf(expf(d * io.a[j * channels + i]), x, d * u * b[j]);
        y = fmaf(x, c[j], y);
      }
    }
    row(io.y, t)[i] = fmaf(io.d[i], u, y);
  }
  if constexpr (N != 0) {
#pragma unroll
    for (int j = 0; j < N; ++j) state[j * channels] = h[j];
  }
}

}  // namespace

void scan(gpu_exec& exec, const gpu_scan& io, const DeviceRows& rows) {
  if (rows.segments == 0 || chunk_scan(exec, io, rows)) return;
  ScanIo p{io, rows, 1, 0, 0, 0, false, false};
  if (io.key > kMostKeys) {
    const dim3 grid(static_cast<unsigned>(rows.segments * io.heads), static_cast<unsigned>(ceil_div(io.value, 64)));
    if (io.half != 0)
      wide_kernel<__half><<<grid, 64, 0, exec.stream>>>(p);
    else
      wide_kernel<float><<<grid, 64, 0, exec.stream>>>(p);
    return launched("scan");
  }
  const bool few = !rows.single && io.key <= 16 * kFewKeys;
  const int keys = few ? kFewKeys : kManyKeys;
  while (p.lanes * keys < io.key) p.lanes *= 2;
  const int values = kScanThreads / p.lanes;
  p.slices = static_cast<int>(ceil_div(io.value, values));
  p.token = 5 * p.lanes * keys + static_cast<int>(round_up(values, 4)) + 4;
  constexpr int kMostBytes = 48 << 10, kMostStage = 16;
  p.stage = kMostBytes / (2 * p.token * static_cast<int>(sizeof(float)));
  p.stage = rows.single ? 1 : p.stage < 1 ? 1 : p.stage > kMostStage ? kMostStage : p.stage;
  const auto aligned = [](const gpu_tensor& t, int64_t head) {
    return t.data == nullptr || (reinterpret_cast<uintptr_t>(t.data) % 16 == 0 && t.stride % 4 == 0 && head % 4 == 0);
  };
  const Decay decay = static_cast<Decay>(io.decay);
  const bool erase = io.erase != 0;
  p.aligned_keys = aligned(io.r, io.key) && aligned(io.k, io.key) &&
                   (decay != Decay::vector || aligned(io.log_w, io.key)) &&
                   (!erase || (aligned(io.a, io.key) && aligned(io.b, io.key)));
  p.aligned_values = aligned(io.v, io.value);
  const dim3 blocks(static_cast<unsigned>(rows.segments * io.heads * p.slices));
  const size_t bytes = sizeof(float) * 2 * static_cast<size_t>(p.stage) * static_cast<size_t>(p.token);
  const auto run = [&](auto kernel) { launch(exec, "scan", blocks, kScanThreads, bytes, kernel, p); };
  const auto keyed = [&](auto few_kernel, auto many_kernel) { few ? run(few_kernel) : run(many_kernel); };
#define RECURRA_SCAN(D, E)                                                                        \
  io.half != 0 ? keyed(scan_kernel<D, E, kFewKeys, __half>, scan_kernel<D, E, kManyKeys, __half>) \
               : keyed(scan_kernel<D, E, kFewKeys, float>, scan_kernel<D, E, kManyKeys, float>)
  switch (decay) {
    case Decay::none:
      if (erase) return RECURRA_SCAN(Decay::none, true);
      return RECURRA_SCAN(Decay::none, false);
    case Decay::scalar:
      if (erase) return RECURRA_SCAN(Decay::scalar, true);
      return RECURRA_SCAN(Decay::scalar, false);
    case Decay::vector:
      if (erase) return RECURRA_SCAN(Decay::vector, true);
      return RECURRA_SCAN(Decay::vector, false);
  }
#undef RECURRA_SCAN
}

void selective_scan(gpu_exec& exec, const gpu_selective_scan& io, const DeviceRows& rows) {
  if (rows.segments == 0) return;
  const dim3 grid(static_cast<unsigned>(rows.segments), static_cast<unsigned>(ceil_div(io.u.cols, 64)));
  if (io.b.cols == 16)
    selective_kernel<16><<<grid, 64, 0, exec.stream>>>(io, rows);
  else
    selective_kernel<0><<<grid, 64, 0, exec.stream>>>(io, rows);
  launched("selective_scan");
}

}  // namespace recurra::gpu
