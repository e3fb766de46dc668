// The recurrence, token by token:
//     S_t = S_{t-1} (diag(w_t) - a_t b_t^T) + v_t k_t^T        o_t = S_t r_t
// with S kept as [K, V]. A thread holds kKeys elements of one row of S (one value) in registers, and G of them, lanes
// that are neighbours, the whole row: K <= G kKeys. A warp works on 32 / G values alone, so that nothing waits for
// another warp; what its tokens need (r, w, k, a, b of all keys) it brings to shared memory itself, one token ahead.
//
// Of the keys a thread holds fours: 4 (i G + g) .. + 3 for i < kKeys / 4, so that its G neighbours read 16 bytes side
// by side.
//
// Heads of more than 1024 keys, which no known model has, keep S in memory (wide_kernel).
#include "backend/cuda/device/math.cuh"

namespace recurra::gpu {
namespace {

constexpr int kKeys = 32, kMostKeys = 32 * kKeys;

struct ScanIo {
  gpu_scan io;
  DeviceRows rows;
  int lanes;       // G
  int64_t slices;  // warps of a head
};

template <Decay D, bool Erase>
__global__ void __launch_bounds__(kWarp) scan_kernel(const __grid_constant__ ScanIo p) {
  extern __shared__ float shared[];  // [2][5][keys]
  const gpu_scan& c = p.io;
  const int lane = static_cast<int>(threadIdx.x), G = p.lanes, g = lane % G, keys = G * kKeys;
  const int64_t slice = blockIdx.x % p.slices, h = blockIdx.x / p.slices % c.heads, s = blockIdx.x / p.slices / c.heads;
  const int64_t value = slice * (kWarp / G) + lane / G;
  const bool mine = value < c.value;
  const DeviceSegment seg = p.rows.segment[s];
  float* state = reinterpret_cast<float*>(seg.state + c.state) + h * c.key * c.value + value;
  const auto key_of = [&](int i) { return 4 * (i / 4 * G + g) + i % 4; };

  // One token's vectors, what lies behind K zero (a decay of 1).
  constexpr int kParts = 5, kR = 0, kK = 1, kW = 2, kA = 3, kB = 4;
  const auto bring = [&](int32_t t, float* to) {
    for (int j = lane; j < keys; j += kWarp) {
      const bool in = j < c.key;
      const int64_t at = h * c.key + j;
      to[kR * keys + j] = in ? row(c.r, t)[at] : 0.0f;
      to[kK * keys + j] = in ? row(c.k, t)[at] : 0.0f;
      if (D == Decay::vector) to[kW * keys + j] = in ? expf(row(c.log_w, t)[at]) : 1.0f;
      if (Erase) {
        to[kA * keys + j] = in ? row(c.a, t)[at] : 0.0f;
        to[kB * keys + j] = in ? row(c.b, t)[at] : 0.0f;
      }
    }
  };

  float S[kKeys];
#pragma unroll
  for (int i = 0; i < kKeys; ++i) S[i] = mine && key_of(i) < c.key ? state[key_of(i) * c.value] : 0.0f;
  bring(seg.first, shared);
  for (int32_t n = 0; n < seg.count; ++n) {
    const int32_t t = seg.first + n;
    __syncwarp();
    const float* now = shared + n % 2 * kParts * keys;
    const float v = mine ? row(c.v, t)[h * c.value + value] : 0.0f;
    const float all = D == Decay::scalar ? expf(row(c.log_w, t)[h]) : 1.0f;
    if (n + 1 < seg.count) bring(t + 1, shared + (n + 1) % 2 * kParts * keys);
    float erased = 0;
    if (Erase) {
#pragma unroll
      for (int i = 0; i < kKeys; i += 4) {
        const float4 a = *reinterpret_cast<const float4*>(now + kA * keys + key_of(i));
        erased = fmaf(S[i], a.x, fmaf(S[i + 1], a.y, fmaf(S[i + 2], a.z, fmaf(S[i + 3], a.w, erased))));
      }
      for (int step = 1; step < G; step *= 2) erased += __shfl_xor_sync(0xffffffffu, erased, step);
    }
    float o = 0;
#pragma unroll
    for (int i = 0; i < kKeys; i += 4) {
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
        o = fmaf(x, r[j], o);
      }
    }
    for (int step = 1; step < G; step *= 2) o += __shfl_xor_sync(0xffffffffu, o, step);
    if (mine && g == 0) row(c.o, t)[h * c.value + value] = o;
  }
#pragma unroll
  for (int i = 0; i < kKeys; ++i)
    if (mine && key_of(i) < c.key) state[key_of(i) * c.value] = S[i];
}

// A thread for one value of a head; S stays where it is.
__global__ void wide_kernel(const __grid_constant__ ScanIo p) {
  const gpu_scan& c = p.io;
  const int64_t value = static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x;
  if (value >= c.value) return;
  const int64_t h = blockIdx.x % c.heads;
  const DeviceSegment seg = p.rows.segment[blockIdx.x / c.heads];
  const Decay decay = static_cast<Decay>(c.decay);
  float* state = reinterpret_cast<float*>(seg.state + c.state) + h * c.key * c.value + value;
  for (int32_t t = seg.first; t < seg.first + seg.count; ++t) {
    const int64_t at = h * c.key;
    float erased = 0, o = 0;
    if (c.erase != 0)
      for (int64_t j = 0; j < c.key; ++j) erased = fmaf(state[j * c.value], row(c.a, t)[at + j], erased);
    const float v = row(c.v, t)[h * c.value + value];
    for (int64_t j = 0; j < c.key; ++j) {
      float x = state[j * c.value];
      if (decay != Decay::none) x *= expf(decay == Decay::vector ? row(c.log_w, t)[at + j] : row(c.log_w, t)[h]);
      if (c.erase != 0) x = fmaf(-erased, row(c.b, t)[at + j], x);
      x = fmaf(v, row(c.k, t)[at + j], x);
      state[j * c.value] = x;
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
  if (rows.segments == 0) return;
  ScanIo p{io, rows, 1, 0};
  if (io.key > kMostKeys) {
    const dim3 grid(static_cast<unsigned>(rows.segments * io.heads), static_cast<unsigned>(ceil_div(io.value, 64)));
    wide_kernel<<<grid, 64, 0, exec.stream>>>(p);
    return launched("scan");
  }
  while (p.lanes * kKeys < io.key) p.lanes *= 2;
  p.slices = ceil_div(io.value, kWarp / p.lanes);
  const auto blocks = static_cast<unsigned>(rows.segments * io.heads * p.slices);
  const size_t bytes = sizeof(float) * 2 * 5 * static_cast<size_t>(p.lanes * kKeys);
  const auto launch = [&](auto kernel) { kernel<<<blocks, kWarp, bytes, exec.stream>>>(p); };
  const bool erase = io.erase != 0;
  switch (static_cast<Decay>(io.decay)) {
    case Decay::none:
      erase ? launch(scan_kernel<Decay::none, true>) : launch(scan_kernel<Decay::none, false>);
      break;
    case Decay::scalar:
      erase ? launch(scan_kernel<Decay::scalar, true>) : launch(scan_kernel<Decay::scalar, false>);
      break;
    case Decay::vector:
      erase ? launch(scan_kernel<Decay::vector, true>) : launch(scan_kernel<Decay::vector, false>);
      break;
  }
  launched("scan");
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
