// Products of one row with packed weights (packed.h):  y = act(W x + bias).
//
// x is rounded to 16 bits, 32 inputs to a scale:  x_i = d_g X_i, |X_i| <= 32767; what is left is exact up to the sums
// over groups, which run in float32:
//     y_o = sum_g d_g (s_og sum_i Q_oi X_i - m_og sum_i X_i)
// The sum over i is one of integers: two products an instruction. A block has X in shared memory and makes some tiles
// of outputs; a lane reads a group of 32 weights at once, a warp 32 groups of some rows of W, always a few steps ahead.
// Long rows are shared out among the warps of a block. The order of a sum depends on the length of a row of W alone.
#include <algorithm>

#include "backend/cuda/device/row_products.cuh"

// tests/gpu/variants.sh compares others.
#ifndef RECURRA_PACKED_TUNING
#define RECURRA_PACKED_TUNING 8, 2, 2, 2
#endif

namespace recurra::gpu {
namespace {

constexpr struct {
  int warps, outputs, ahead, resident;  // of a block; of a warp; steps; blocks of a multiprocessor
} kTuning{RECURRA_PACKED_TUNING};
constexpr int kWarps = kTuning.warps, kThreads = kWarps * kWarp, kRows = kTuning.outputs, kAhead = kTuning.ahead;
constexpr int kMostProducts = 8, kMostTiles = 32;
constexpr int kStepsOfWarp = 4;  // a row that is longer is shared
constexpr int64_t kStepInputs = int64_t{kWarp} * kPackedGroup;
constexpr int kPitch =
    kWarp + 2;  // parts of a step's 32 groups: writers of four parts of two groups meet no bank twice
// A step of X: [4 parts][kPitch] of 8 inputs, 16 bytes each. Its groups: [32] GroupOfX.
constexpr int64_t kMostInputs = 65536;

// d and the sum of a group of X, and -32 times the sums of its two halves.
struct alignas(16) GroupOfX {
  float scale, sum;
  int minus[2];
};
struct Works {
  Work work[kMostProducts];
  int count;
};

int steps_of(int64_t in) { return static_cast<int>(ceil_div(in, kStepInputs)); }
int packed_shares(int64_t in) {
  const int steps = steps_of(in);
  return steps <= kStepsOfWarp ? 1 : steps <= 2 * kStepsOfWarp ? 2 : 4;
}
uint64_t shared_bytes(int64_t in, int tiles) {
  return static_cast<uint64_t>(steps_of(in)) * (4 * kPitch + kWarp) * 16 +
         static_cast<uint64_t>(tiles) * kWarps * kRows * sizeof(float);
}

// x as X; zeros behind its last group.
__device__ void make_operand(const Work& p, int steps, uint4* parts, GroupOfX* groups) {
  constexpr int kTake = 2;
  const int all = steps * kWarp * 4;
  for (int at = static_cast<int>(threadIdx.x); at < all; at += kTake * kThreads) {
    float x[kTake][8];
#pragma unroll
    for (int t = 0; t < kTake; ++t) {
      const int k = (at + t * kThreads) * 8;
      if (k < p.in) {
        load_x(p, 0, k, x[t]);
      } else {
#pragma unroll
        for (int j = 0; j < 8; ++j) x[t][j] = 0;
      }
    }
#pragma unroll
    for (int t = 0; t < kTake; ++t) {
      const int i = at + t * kThreads, g = i / 4, part = i % 4;
      if (i >= all) break;  // whole warps
      unsigned most = 0;    // of |x|: as integers NaN and infinity are the largest
#pragma unroll
      for (int j = 0; j < 8; ++j) most = max(most, __float_as_uint(x[t][j]) & 0x7fffffffu);
      most = max(most, __shfl_xor_sync(0xffffffffu, most, 1));
      most = max(most, __shfl_xor_sync(0xffffffffu, most, 2));
      const float largest = __uint_as_float(most);
      const bool finite = most < 0x7f800000u, any = finite && largest >= 1e-30f;
      const float inverse = any ? 32767 * __frcp_rn(largest) : 0.0f;
      // The low 16 bits of 1.5 * 2^23 + X are X.
      unsigned word[4];
      int sum = 0;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const unsigned a = __float_as_uint(fmaf(x[t][2 * j], inverse, 12582912.0f)),
                       b = __float_as_uint(fmaf(x[t][2 * j + 1], inverse, 12582912.0f));
        word[j] = __byte_perm(a, b, 0x5410);
        sum = __dp2a_lo(static_cast<int>(word[j]), 0x0101, sum);
      }
      parts[(g / kWarp * 4 + part) * kPitch + g % kWarp] = make_uint4(word[0], word[1], word[2], word[3]);
      const int half = sum + __shfl_xor_sync(0xffffffffu, sum, 1), other = __shfl_xor_sync(0xffffffffu, half, 2);
      if (part == 0) {
        const float scale = !finite ? __uint_as_float(0x7fc00000u) : any ? largest * (1.0f / 32767) : 0.0f;
        groups[g] = {scale, static_cast<float>(half + other), {-32 * half, -32 * other}};
      }
    }
  }
}

// A group of a row of W, as memory has it, and its product with one of X.
template <DType T>
struct Group {
  static constexpr int kUpper = packed_upper_bytes(T) / 4;
  uint32_t low[4], upper[kUpper > 0 ? kUpper : 1], scales, block;

  __device__ void read(const unsigned char* row, int g, int groups) {
    const uint4 a = stream16(row + g * 16);
    low[0] = a.x, low[1] = a.y, low[2] = a.z, low[3] = a.w;
    const unsigned char* u = row + packed_upper_at(groups) + g * packed_upper_bytes(T);
    if constexpr (kUpper == 1) upper[0] = __ldg(reinterpret_cast<const unsigned*>(u));
    if constexpr (kUpper == 2) {
      const uint2 b = __ldg(reinterpret_cast<const uint2*>(u));
      upper[0] = b.x, upper[1] = b.y;
    }
    if constexpr (kUpper == 4) {
      const uint4 b = stream16(u);
      upper[0] = b.x, upper[1] = b.y, upper[2] = b.z, upper[3] = b.w;
    }
    if constexpr (T != DType::q8_0)
      scales = __ldg(reinterpret_cast<const unsigned short*>(row + packed_scales_at(T, groups)) + g);
    const unsigned char* at = row + packed_block_at(T, groups);
    if constexpr (packed_block_bytes(T) == 4)
      block = __ldg(reinterpret_cast<const unsigned*>(at) + g / packed_block_groups(T));
    else
      block = __ldg(reinterpret_cast<const unsigned short*>(at) + g / packed_block_groups(T));
  }
  // c: of the two halves of the group.
  __device__ static void begin(int (&c)[2], const GroupOfX& x) {
    c[0] = T == DType::q6_k ? x.minus[0] : 0;
    c[1] = T == DType::q6_k ? x.minus[1] : 0;
  }
  __device__ void add_part(int (&c)[2], int w, const uint4& x) const {
    uint32_t first, second;
    packed_part(T, low, upper, w, first, second);
    int& sum = c[w / 2];
    sum = __dp2a_lo(static_cast<int>(x.x), static_cast<int>(first), sum);
    sum = __dp2a_hi(static_cast<int>(x.y), static_cast<int>(first), sum);
    sum = __dp2a_lo(static_cast<int>(x.z), static_cast<int>(second), sum);
    sum = __dp2a_hi(static_cast<int>(x.w), static_cast<int>(second), sum);
  }
  __device__ float value(const int (&c)[2], const GroupOfX& x) const {
    const float2 d = __half22float2(*reinterpret_cast<const __half2*>(&block));
    const auto byte = [&](int i) { return i == 0 ? scales & 255 : scales >> 8; };
    if constexpr (T == DType::q8_0) return d.x * static_cast<float>(c[0] + c[1]);
    if constexpr (T == DType::q6_k) {
      const auto scale = [&](int i) { return static_cast<float>(static_cast<signed char>(byte(i))); };
      return d.x * fmaf(scale(1), static_cast<float>(c[1]), scale(0) * static_cast<float>(c[0]));
    }
    return fmaf(d.x * static_cast<float>(byte(0)), static_cast<float>(c[0] + c[1]),
                -(d.y * static_cast<float>(byte(1))) * x.sum);
  }
};

template <DType T>
__device__ void packed_outputs(const Work& p, int64_t block, uint4* shared) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
  const int groups = static_cast<int>(p.in) / kPackedGroup, steps = (groups + kWarp - 1) / kWarp;
  const int each = (steps + p.shares - 1) / p.shares, begin = warp % p.shares * each;
  const int mine = max(min(each, steps - begin), 0);
  const int width = kWarps / p.shares * kRows,
            place = warp / p.shares * kRows;  // outputs of a tile, and the warp's first
  const int64_t first = block * p.tiles * width;
  const int tiles = static_cast<int>(min(static_cast<int64_t>(p.tiles), (p.out - first + width - 1) / width));
  const int items = tiles * mine;

  uint4* parts = shared;
  GroupOfX* groups_of_x = reinterpret_cast<GroupOfX*>(shared + steps * 4 * kPitch);
  float* sums = reinterpret_cast<float*>(groups_of_x + steps * kWarp);  // [tiles][kWarps][kRows]

  // What is read next; rows behind the last one are the last one, groups too: there X is 0.
  const unsigned char* row[kRows];
  const int last = static_cast<int>(p.out) - 1;
  int next = static_cast<int>(first) + place, next_step = 0;
  const auto rows_of_tile = [&] {
#pragma unroll
    for (int r = 0; r < kRows; ++r) row[r] = p.w + min(next + r, last) * p.w_stride;
  };
  const auto read = [&](Group<T>(&to)[kRows]) {
    const int g = min((begin + next_step) * kWarp + lane, groups - 1);
#pragma unroll
    for (int r = 0; r < kRows; ++r) to[r].read(row[r], g, groups);
    if (++next_step < mine) return;
    next_step = 0;
    next += width;
    rows_of_tile();
  };
  Group<T> ring[kAhead][kRows] = {};
  rows_of_tile();
#pragma unroll
  for (int u = 0; u < kAhead; ++u)
    if (u < items) read(ring[u]);  // before what comes from other kernels is there
  after_others();
  make_operand(p, steps, parts, groups_of_x);
  for (int i = static_cast<int>(threadIdx.x); i < tiles * kWarps * kRows; i += kThreads) sums[i] = 0;
  __syncthreads();

  float sum[kRows] = {};
  int tile = 0, step = 0;
  for (int item = 0; item < items; item += kAhead) {
#pragma unroll
    for (int u = 0; u < kAhead; ++u) {
      if (item + u >= items) break;
      const uint4* x = parts + (begin + step) * 4 * kPitch + lane;
      const GroupOfX of = groups_of_x[(begin + step) * kWarp + lane];
      int c[kRows][2];
#pragma unroll
      for (int r = 0; r < kRows; ++r) Group<T>::begin(c[r], of);
#pragma unroll
      for (int w = 0; w < 4; ++w) {
        const uint4 part = x[w * kPitch];
#pragma unroll
        for (int r = 0; r < kRows; ++r) ring[u][r].add_part(c[r], w, part);
      }
#pragma unroll
      for (int r = 0; r < kRows; ++r) sum[r] = fmaf(of.scale, ring[u][r].value(c[r], of), sum[r]);
      if (item + u + kAhead < items) read(ring[u]);
      if (++step < mine) continue;
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        const float s = warp_sum(sum[r]);
        if (lane == 0) sums[(tile * kWarps + warp) * kRows + r] = s;
        sum[r] = 0;
      }
      step = 0;
      ++tile;
    }
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < tiles * width; i += kThreads) {
    const int64_t o = first + i;
    if (o >= p.out) return;
    const int team = i % width / kRows;
    const float* from = sums + (i / width * kWarps + team * p.shares) * kRows + i % kRows;
    float s = from[0];
    for (int other = 1; other < p.shares; ++other) s += from[other * kRows];
    const float y = activation(p.act, p.bias != nullptr ? s + p.bias[o] : s);
    float* to = p.y.data + o;
    *to = p.add ? *to + y : y;
  }
}

__global__ void __launch_bounds__(kThreads, kTuning.resident) packed_kernel(const __grid_constant__ Works all) {
  extern __shared__ uint4 shared[];
  int i = all.count - 1;
  while (i > 0 && static_cast<int64_t>(blockIdx.x) < all.work[i].first) --i;
  const Work& p = all.work[i];
  const int64_t block = static_cast<int64_t>(blockIdx.x) - p.first;
  switch (p.type) {
    case DType::q4_k:
      return packed_outputs<DType::q4_k>(p, block, shared);
    case DType::q5_k:
      return packed_outputs<DType::q5_k>(p, block, shared);
    case DType::q6_k:
      return packed_outputs<DType::q6_k>(p, block, shared);
    case DType::q8_0:
      return packed_outputs<DType::q8_0>(p, block, shared);
    case DType::f16:
      return outputs<DType::f16, 1, kWarps>(p, block, 0);
    case DType::bf16:
      return outputs<DType::bf16, 1, kWarps>(p, block, 0);
    case DType::f32:
      return outputs<DType::f32, 1, kWarps>(p, block, 0);
    default:
      return;
  }
}

__global__ void pack_kernel(DType type, unsigned char* to, const unsigned char* from, int64_t to_stride,
                            int64_t from_stride, int groups) {
  const int g = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x);
  if (g < groups) pack_group(to + blockIdx.x * to_stride, type, from + blockIdx.x * from_stride, g, groups);
}

}  // namespace

void pack_rows(gpu_device& device, DType type, void* to, const void* from, int64_t out, int64_t in) {
  constexpr int kAtOnce = 128;
  const int groups = static_cast<int>(in / kPackedGroup);
  const DTypeInfo& i = info(type);
  pack_kernel<<<dim3(static_cast<unsigned>(out), static_cast<unsigned>(ceil_div(groups, kAtOnce))), kAtOnce, 0,
                device.stream>>>(type, static_cast<unsigned char*>(to), static_cast<const unsigned char*>(from),
                                 packed_stride(type, in), in / i.block * i.block_bytes, groups);
  launched("packing weights");
}

bool packed_products(gpu_exec& exec, const gpu_product* products, int32_t count) {
  if (!exec.device.bf16 || count > kMostProducts) return false;
  int64_t tiles = 0;
  for (int32_t i = 0; i < count; ++i) {
    const gpu_product& p = products[i];
    const DType type = p.w->type;
    if (p.x.rows != 1 || p.w->out == 0 || p.w->in == 0) return false;
    if (is_packed(type) ? p.w->in > kMostInputs : type != DType::f16 && type != DType::bf16 && type != DType::f32)
      return false;
    if (is_packed(type)) tiles += ceil_div(p.w->out, kWarps / packed_shares(p.w->in) * kRows);
  }
  if (tiles == 0) return false;
  // As many blocks as run at once, so that each of them makes X once; the small ones last.
  const int64_t at_once = static_cast<int64_t>(exec.device.properties.multiProcessorCount) * kTuning.resident;
  const int each = static_cast<int>(std::min<int64_t>(ceil_div(tiles, at_once), kMostTiles));
  Works works{};
  int64_t blocks = 0;
  uint64_t bytes = 0;
  for (const bool packed : {true, false})
    for (int32_t i = 0; i < count; ++i) {
      const gpu_product& p = products[i];
      if (is_packed(p.w->type) != packed) continue;
      Work& work = works.work[works.count++] = work_of(p, blocks);
      if (!packed) {
        blocks += ceil_div(p.w->out, kWarps / work.shares * kOutputs);
        continue;
      }
      work.shares = packed_shares(p.w->in);
      work.tiles = each;
      blocks += ceil_div(p.w->out, static_cast<int64_t>(kWarps / work.shares) * kRows * each);
      bytes = std::max(bytes, shared_bytes(p.w->in, each));
    }
  if (bytes > 48 << 10)
    check(cudaFuncSetAttribute(packed_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
          "cudaFuncSetAttribute");
  launch(exec, "packed products", dim3(static_cast<unsigned>(blocks)), kThreads, bytes, packed_kernel, works);
  return true;
}

}  // namespace recurra::gpu
