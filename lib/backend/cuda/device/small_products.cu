// Products of blocks of rows whose weights are small, low-rank ones above all: all of a call in one kernel, each with
// its bias and activation. A library takes a kernel for each, 5 us and more whatever its size, and one for activations.
#include <algorithm>

#include "backend/cuda/device/block_products.h"
#include "backend/cuda/device/math.cuh"

namespace recurra::gpu {
namespace {

constexpr int kWarps = 8, kThreads = kWarps * kWarp;
constexpr int kTileRows = 32, kTileCols = 64, kStep = 32;  // a warp's part of the result, and inputs at a time
constexpr int kRowParts = kTileRows / 16, kColParts = kTileCols / 8;
// Rows of W that are longer are shared by the warps of a block: it has one tile then, and else one for each warp.
constexpr int64_t kLongRow = 512;

struct Tiles {
  SmallProducts::One one[Products::kMost];
  int first[Products::kMost + 1];  // block of each product
  bool shared[Products::kMost];
  int count;
};

template <Operand O>
__device__ __forceinline__ void multiply(float (&c)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0,
                                         uint32_t b1) {
  if constexpr (O == Operand::bf16)
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
  else
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

// One copy of it: code that runs once comes from far away.
__device__ __noinline__ float2 activated(int32_t act, float2 v) {
  return make_float2(activation(static_cast<Act>(act), v.x), activation(static_cast<Act>(act), v.y));
}

// Lane (g, q) = (lane / 4, lane % 4) has, of rows g of both operands, inputs 8 q .. 8 q + 7 of every kStep: 16 bytes as
// they lie. mma.m16n8k16 would have them in another order, but adds up over all of them, and the order is the same in
// both.
template <Operand O>
__global__ void __launch_bounds__(kThreads, 1) small_products_kernel(const __grid_constant__ Tiles tiles) {
  extern __shared__ __align__(16) float partial[];  // [warp][row][column] of a tile
  int which = 0;
  while (which + 1 < tiles.count && static_cast<int>(blockIdx.x) >= tiles.first[which + 1]) ++which;
  const SmallProducts::One& p = tiles.one[which];
  const bool shared = tiles.shared[which];
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp, g = lane / 4,
            q = lane % 4;
  const int block = static_cast<int>(blockIdx.x) - tiles.first[which], tile = shared ? block : block * kWarps + warp;
  const int across = static_cast<int>((p.out + kTileCols - 1) / kTileCols);
  const int64_t row0 = tile / across * kTileRows, col0 = static_cast<int64_t>(tile % across) * kTileCols;
  const int steps = static_cast<int>((p.ld + kStep - 1) / kStep);
  const int begin = shared ? warp * steps / kWarps : 0, end = shared ? (warp + 1) * steps / kWarps : steps;

  const uint4* x[kRowParts * 2];
  const uint4* w[kColParts];
#pragma unroll
  for (int i = 0; i < kRowParts * 2; ++i)
    x[i] = reinterpret_cast<const uint4*>(static_cast<const uint16_t*>(p.x) + min(row0 + 8 * i + g, p.rows - 1) * p.ld +
                                          8 * q);
#pragma unroll
  for (int j = 0; j < kColParts; ++j)
    w[j] = reinterpret_cast<const uint4*>(static_cast<const uint16_t*>(p.w) + min(col0 + 8 * j + g, p.out - 1) * p.ld +
                                          8 * q);
  uint4 a[2][kRowParts * 2], b[2][kColParts];
  const auto inside = [&](int step) { return step < end && kStep * step + 8 * q < p.ld; };
  const auto load_w = [&](int slot, int step) {
    const bool in = inside(step);
#pragma unroll
    for (int j = 0; j < kColParts; ++j) b[slot][j] = in ? __ldg(w[j] + step * (kStep / 8)) : make_uint4(0, 0, 0, 0);
  };
  const auto load_x = [&](int slot, int step) {
    const bool in = inside(step);
#pragma unroll
    for (int i = 0; i < kRowParts * 2; ++i) a[slot][i] = in ? x[i][step * (kStep / 8)] : make_uint4(0, 0, 0, 0);
  };
  float c[kRowParts][kColParts][4] = {};
  const auto sum_up = [&](int slot) {
#pragma unroll
    for (int i = 0; i < kRowParts; ++i)
#pragma unroll
      for (int j = 0; j < kColParts; ++j) {
        const uint4 &lo = a[slot][2 * i], &hi = a[slot][2 * i + 1], &v = b[slot][j];
        multiply<O>(c[i][j], lo.x, hi.x, lo.y, hi.y, v.x, v.y);
        multiply<O>(c[i][j], lo.z, hi.z, lo.w, hi.w, v.z, v.w);
      }
  };
  load_w(0, begin);
  after_others();
  load_x(0, begin);
  for (int step = begin; step < end; step += 2) {
    load_w(1, step + 1);
    load_x(1, step + 1);
    sum_up(0);
    load_w(0, step + 2);
    load_x(0, step + 2);
    sum_up(1);
  }

  constexpr int kRow = kTileCols + 8;  // for the banks
  float* mine = partial + warp * kTileRows * kRow;
#pragma unroll
  for (int i = 0; i < kRowParts; ++i)
#pragma unroll
    for (int j = 0; j < kColParts; ++j) {
      float* at = mine + (16 * i + g) * kRow + 8 * j + 2 * q;
      *reinterpret_cast<float2*>(at) = make_float2(c[i][j][0], c[i][j][1]);
      *reinterpret_cast<float2*>(at + 8 * kRow) = make_float2(c[i][j][2], c[i][j][3]);
    }
  if (shared)
    __syncthreads();
  else
    __syncwarp();

  // A lane finishes two columns, of rows that the warps share in a shared tile.
  static_assert(kTileCols == 2 * kWarp, "a warp writes a row");
  const int64_t col = col0 + 2 * lane;
  if (col >= p.out) return;
  const bool both = col + 1 < p.out, pairs = both && p.ldy % 2 == 0 && reinterpret_cast<uintptr_t>(p.y) % 8 == 0;
  const float2 bias = p.bias != nullptr ? make_float2(p.bias[col], both ? p.bias[col + 1] : 0.0f) : make_float2(0, 0);
  const int32_t act = p.act, add = p.add, result = static_cast<int32_t>(p.result);
  const int64_t ldy = p.ldy, last = min(p.rows - row0, static_cast<int64_t>(kTileRows));
  const float* from = (shared ? partial : mine) + 2 * lane;
  void* to = p.y;
#pragma unroll 4
  for (int r = shared ? warp : 0; r < last; r += shared ? kWarps : 1) {
    float2 v = *reinterpret_cast<const float2*>(from + r * kRow);
    if (shared)
      for (int k = 1; k < kWarps; ++k) {
        const float2 more = *reinterpret_cast<const float2*>(from + (k * kTileRows + r) * kRow);
        v.x += more.x;
        v.y += more.y;
      }
    v.x += bias.x;
    v.y += bias.y;
    if (act != 0) v = activated(act, v);
    const int64_t at = (row0 + r) * ldy + col;
    if (add != 0) {
      v.x += static_cast<const float*>(to)[at];
      if (both) v.y += static_cast<const float*>(to)[at + 1];
    }
    if (pairs) {
      put_operand2(result, to, at, v.x, v.y);
    } else {
      put_operand(result, to, at, v.x);
      if (both) put_operand(result, to, at + 1, v.y);
    }
  }
}

}  // namespace

void small_products(gpu_exec& exec, const SmallProducts& all) {
  constexpr size_t kShared = size_t{kWarps} * kTileRows * (kTileCols + 8) * sizeof(float);
  for (const Operand operand : {Operand::f16, Operand::bf16}) {
    Tiles tiles{};
    int blocks = 0;
    for (int i = 0; i < all.count; ++i) {
      const SmallProducts::One& p = all.one[i];
      if (p.operand != operand) continue;
      const bool shared = p.ld > kLongRow;
      const int64_t parts = ceil_div(p.rows, kTileRows) * ceil_div(p.out, kTileCols);
      tiles.one[tiles.count] = p;
      tiles.shared[tiles.count] = shared;
      tiles.first[tiles.count++] = blocks;
      blocks += static_cast<int>(shared ? parts : ceil_div(parts, kWarps));
    }
    if (tiles.count == 0) continue;
    tiles.first[tiles.count] = blocks;
    const auto kernel =
        operand == Operand::f16 ? small_products_kernel<Operand::f16> : small_products_kernel<Operand::bf16>;
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(kShared)),
          "asking for shared memory");
    launch(exec, "small products", dim3(static_cast<unsigned>(blocks)), kThreads, kShared, kernel, tiles);
  }
}

}  // namespace recurra::gpu
