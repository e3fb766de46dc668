// Products with weights by input:  y = act(W x + bias) for inputs that are mostly exactly 0, such as those behind
// relu^2. Weights lie as [in][out], so that those of an input that is 0 are not read.
//
// A block takes kTile outputs and a slice of the inputs: it lists those that are not 0, its warps take one after
// another, a lane 8 outputs. Sums over a slice go to memory; the last block of a tile to come there adds the slices up,
// in their order. So the order of a sum depends on the shape of W and on which inputs are 0 alone.
#include <algorithm>

#include "backend/cuda/device/weights.cuh"

// tests/gpu/variants.sh compares others.
#ifndef RECURRA_SPARSE_TUNING
#define RECURRA_SPARSE_TUNING 8, 2
#endif

namespace recurra::gpu {
namespace {

constexpr struct {
  int ahead, resident;  // rows of W read at once; blocks of a multiprocessor
} kTuning{RECURRA_SPARSE_TUNING};
constexpr int kWarps = 8, kThreads = kWarps * kWarp, kOfLane = 8, kTile = kWarp * kOfLane;
static_assert(kTile == kThreads, "a thread finishes an output");
constexpr int kMostSlice = 1024, kEach = kMostSlice / kThreads;  // inputs of a block, and of a lane
constexpr int64_t kMostRows = 4;                                 // of a launch

struct Work {
  gpu_tensor y, x;
  const float* bias;
  const unsigned char* w;
  float* partial;  // [rows][slices][out]
  int* arrived;    // [rows][tiles], 0 between launches
  int64_t w_stride, out, in, row0;
  int slice, slices;
  DType type;
  Act act;
  bool add;
};

struct Entry {
  int input;
  float x;
};

__device__ inline void halves_of(DType type, unsigned u, float& a, float& b) {
  if (type == DType::f16) {
    const float2 f = __half22float2(*reinterpret_cast<const __half2*>(&u));
    a = f.x, b = f.y;
  } else {
    a = __uint_as_float(u << 16), b = __uint_as_float(u & 0xffff0000u);
  }
}

__global__ void __launch_bounds__(kThreads, kTuning.resident) sparse_kernel(const __grid_constant__ Work p) {
  __shared__ Entry list[kMostSlice];
  __shared__ __align__(16) float sums[kWarps][kTile];
  __shared__ int counts[kWarps];
  __shared__ bool last;
  const int t = static_cast<int>(threadIdx.x), lane = t % kWarp, warp = t / kWarp;
  const int64_t row0 = blockIdx.z, first = static_cast<int64_t>(blockIdx.x) * kTile;
  const int slice = static_cast<int>(blockIdx.y);
  after_others();

  // A warp looks at a part of the slice, 32 inputs at a time.
  const float* x = row(p.x, p.row0 + row0);
  const int64_t begin = static_cast<int64_t>(slice) * p.slice, end = min(begin + p.slice, p.in);
  const int part = p.slice / kWarps;
  float v[kEach];
  unsigned there[kEach];
  int found = 0;
#pragma unroll
  for (int e = 0; e < kEach; ++e) {
    const int64_t j = begin + warp * part + e * kWarp + lane;
    v[e] = e * kWarp < part && j < end ? x[j] : 0.0f;
  }
#pragma unroll
  for (int e = 0; e < kEach; ++e) {
    there[e] = __ballot_sync(0xffffffffu, v[e] != 0);
    found += __popc(there[e]);
  }
  if (lane == 0) counts[warp] = found;
  __syncthreads();
  int at = 0, all = 0;
#pragma unroll
  for (int i = 0; i < kWarps; ++i) {
    if (i < warp) at += counts[i];
    all += counts[i];
  }
#pragma unroll
  for (int e = 0; e < kEach; ++e) {
    const int j = static_cast<int>(begin) + warp * part + e * kWarp + lane;
    if (v[e] != 0) list[at + __popc(there[e] & ((1u << lane) - 1))] = {j, v[e]};
    at += __popc(there[e]);
  }
  __syncthreads();

  float sum[kOfLane] = {};
  const int64_t mine = first + lane * kOfLane;
  if (mine < p.out) {
    const unsigned char* w = p.w + mine * 2;
    for (int i = warp; i < all; i += kWarps * kTuning.ahead) {
      uint4 raw[kTuning.ahead];
      float by[kTuning.ahead];
#pragma unroll
      for (int u = 0; u < kTuning.ahead; ++u) {
        const Entry entry = list[min(i + u * kWarps, all - 1)];
        by[u] = i + u * kWarps < all ? entry.x : 0.0f;  // without a branch, behind which the compiler would read
        raw[u] = stream16(w + entry.input * p.w_stride);
      }
#pragma unroll
      for (int u = 0; u < kTuning.ahead; ++u) {
        const unsigned word[4] = {raw[u].x, raw[u].y, raw[u].z, raw[u].w};
#pragma unroll
        for (int k = 0; k < 4; ++k) {
          float a, b;
          halves_of(p.type, word[k], a, b);
          sum[2 * k] = fmaf(a, by[u], sum[2 * k]);
          sum[2 * k + 1] = fmaf(b, by[u], sum[2 * k + 1]);
        }
      }
    }
  }
  float4* to = reinterpret_cast<float4*>(&sums[warp][lane * kOfLane]);
  to[0] = make_float4(sum[0], sum[1], sum[2], sum[3]);
  to[1] = make_float4(sum[4], sum[5], sum[6], sum[7]);
  __syncthreads();
  const int64_t o = first + t;
  float s = 0;
#pragma unroll
  for (int i = 0; i < kWarps; ++i) s += sums[i][t];
  float* partial = p.partial + row0 * p.slices * p.out + o;
  if (o < p.out) partial[slice * p.out] = s;

  // What this block wrote is there for all before it counts as arrived.
  __threadfence();
  __syncthreads();
  int* arrived = p.arrived + row0 * gridDim.x + blockIdx.x;
  if (t == 0) last = atomicAdd(arrived, 1) == p.slices - 1;
  __syncthreads();
  if (!last) return;
  __threadfence();
  if (t == 0) *arrived = 0;
  if (o >= p.out) return;
  s = 0;
#pragma unroll 8
  for (int i = 0; i < p.slices; ++i) s += __ldcg(partial + i * p.out);
  const float y = activation(p.act, p.bias != nullptr ? s + p.bias[o] : s);
  float* out = row(p.y, p.row0 + row0) + o;
  *out = p.add ? *out + y : y;
}

constexpr int kSquare = 32;
// to [cols][rows] from [rows][cols], 16 bits each.
__global__ void transpose_kernel(unsigned short* to, const unsigned short* from, int64_t rows, int64_t cols) {
  __shared__ unsigned short square[kSquare][kSquare + 2];
  const int64_t r0 = static_cast<int64_t>(blockIdx.x) * kSquare, c0 = static_cast<int64_t>(blockIdx.y) * kSquare;
  const int x = static_cast<int>(threadIdx.x);
  for (int y = static_cast<int>(threadIdx.y); y < kSquare; y += static_cast<int>(blockDim.y))
    if (r0 + y < rows && c0 + x < cols) square[y][x] = from[(r0 + y) * cols + c0 + x];
  __syncthreads();
  for (int y = static_cast<int>(threadIdx.y); y < kSquare; y += static_cast<int>(blockDim.y))
    if (c0 + y < cols && r0 + x < rows) to[(c0 + y) * rows + r0 + x] = square[x][y];
}

}  // namespace

void transpose_weights(gpu_device& device, void* to, const void* from, int64_t out, int64_t in) {
  const dim3 grid(static_cast<unsigned>(ceil_div(out, kSquare)), static_cast<unsigned>(ceil_div(in, kSquare)));
  transpose_kernel<<<grid, dim3(kSquare, 8), 0, device.stream>>>(static_cast<unsigned short*>(to),
                                                                 static_cast<const unsigned short*>(from), out, in);
  launched("transposing weights");
}

void sparse_product(gpu_exec& exec, const gpu_product& product) {
  const gpu_matrix& m = *product.w;
  const int64_t tiles = ceil_div(m.out, kTile);
  // As many blocks as run at once, with whole steps of all warps each.
  const int64_t at_once = static_cast<int64_t>(exec.device.properties.multiProcessorCount) * kTuning.resident;
  const int64_t slice = std::min<int64_t>(round_up(ceil_div(m.in * tiles, at_once), kThreads), kMostSlice);
  const int64_t slices = ceil_div(m.in, slice);
  Work work{};
  work.partial = exec.partial.of<float>(kMostRows * slices * m.out);
  const auto bytes = static_cast<uint64_t>(kMostRows * tiles) * sizeof(int);
  if (bytes > exec.arrived.size()) {
    exec.arrived.need(bytes);
    check(cudaMemsetAsync(exec.arrived.data(), 0, exec.arrived.size(), exec.stream), "cudaMemsetAsync");
  }
  work.arrived = static_cast<int*>(exec.arrived.data());
  work.y = product.y;
  work.x = product.x;
  work.bias = product.bias;
  work.w = m.data();
  work.w_stride = m.stride;
  work.out = m.out;
  work.in = m.in;
  work.slice = static_cast<int>(slice);
  work.slices = static_cast<int>(slices);
  work.type = m.type;
  work.act = static_cast<Act>(product.act);
  work.add = product.add != 0;
  for (work.row0 = 0; work.row0 < product.x.rows; work.row0 += kMostRows)
    launch(exec, "sparse product",
           dim3(static_cast<unsigned>(tiles), static_cast<unsigned>(slices),
                static_cast<unsigned>(std::min(kMostRows, product.x.rows - work.row0))),
           kThreads, 0, sparse_kernel, work);
}

}  // namespace recurra::gpu
