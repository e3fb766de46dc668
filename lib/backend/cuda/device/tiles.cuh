// Products of 64 x 64 tiles on tensor cores, by warps that own 16 rows of the result each: operands bf16 in shared
// memory [64][kTile], sums float32 in registers, in the layout of mma.m16n8k16 (PTX ISA, "Matrix Fragments for
// mma.m16n8k16"). Lane (g, q) = (lane / 4, lane % 4) holds of a result rows g and g + 8, columns 8 i + 2 q and + 1:
// c[i][0..1], c[i][2..3].
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

namespace recurra::gpu {

using bf16 = __nv_bfloat16;
constexpr int kTile = 72;  // elements from row to row: 16 bytes more than a row has, for the banks

__device__ __forceinline__ uint32_t pack(float x, float y) {
  __nv_bfloat162 h = __floats2bfloat162_rn(x, y);
  return reinterpret_cast<uint32_t&>(h);
}
__device__ __forceinline__ float2 unpack(uint32_t u) {
  return __bfloat1622float2(reinterpret_cast<__nv_bfloat162&>(u));
}
__device__ __forceinline__ void put2(bf16* to, float x, float y) { *reinterpret_cast<uint32_t*>(to) = pack(x, y); }
__device__ __forceinline__ void put4(bf16* to, float4 x) {
  *reinterpret_cast<uint2*>(to) = make_uint2(pack(x.x, x.y), pack(x.z, x.w));
}
__device__ __forceinline__ uint32_t tf32(float x) {
  uint32_t u;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(u) : "f"(x));
  return u;
}

__device__ __forceinline__ void load_matrices(uint32_t (&r)[4], const bf16* p) {
  const auto at = static_cast<uint32_t>(__cvta_generic_to_shared(p));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(at)
               : "memory");
}
__device__ __forceinline__ void load_transposed(uint32_t (&r)[4], const bf16* p) {
  const auto at = static_cast<uint32_t>(__cvta_generic_to_shared(p));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(at)
               : "memory");
}
__device__ __forceinline__ void mma_bf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ __forceinline__ void mma_tf32(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

using Sums = float[8][4];         // 16 x 64
using Fragment = uint32_t[4][4];  // 16 x 64 bf16 as a left operand: a lane has the same elements
__device__ __forceinline__ void clear(Sums& c) {
#pragma unroll
  for (int i = 0; i < 8; ++i)
#pragma unroll
    for (int j = 0; j < 4; ++j) c[i][j] = 0;
}
__device__ __forceinline__ void to_fragment(Fragment& f, const Sums& c) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    f[i][0] = pack(c[2 * i][0], c[2 * i][1]);
    f[i][1] = pack(c[2 * i][2], c[2 * i][3]);
    f[i][2] = pack(c[2 * i + 1][0], c[2 * i + 1][1]);
    f[i][3] = pack(c[2 * i + 1][2], c[2 * i + 1][3]);
  }
}
// Rows row0.. of a tile [m][k].
__device__ __forceinline__ void load_rows(Fragment& f, const bf16* tile, int stride, int row0, int lane) {
#pragma unroll
  for (int i = 0; i < 4; ++i) load_matrices(f[i], tile + (row0 + lane % 16) * stride + i * 16 + lane / 16 * 8);
}
// Columns col0.. of a tile [k][m].
__device__ __forceinline__ void load_columns(Fragment& f, const bf16* tile, int col0, int lane) {
#pragma unroll
  for (int i = 0; i < 4; ++i)
    load_transposed(f[i], tile + (16 * i + lane / 16 * 8 + lane % 8) * kTile + col0 + lane / 8 % 2 * 8);
}
// c += a tile[n][k]^T for n < 16 (last + 1)
__device__ __forceinline__ void multiply_transposed(Sums& c, const Fragment& a, const bf16* tile, int last, int lane) {
#pragma unroll
  for (int n = 0; n < 4; ++n)
    if (n <= last)
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        uint32_t b[4];
        load_matrices(b, tile + (16 * n + lane / 16 * 8 + lane % 8) * kTile + 16 * i + lane / 8 % 2 * 8);
        mma_bf16(c[2 * n], a[i], b[0], b[1]);
        mma_bf16(c[2 * n + 1], a[i], b[2], b[3]);
      }
}
// c += a tile[k][n] for k < 16 (last + 1)
__device__ __forceinline__ void multiply(Sums& c, const Fragment& a, const bf16* tile, int last, int lane) {
#pragma unroll
  for (int i = 0; i < 4; ++i)
    if (i <= last)
#pragma unroll
      for (int n = 0; n < 4; ++n) {
        uint32_t b[4];
        load_transposed(b, tile + (16 * i + lane / 8 % 2 * 8 + lane % 8) * kTile + 16 * n + lane / 16 * 8);
        mma_bf16(c[2 * n], a[i], b[0], b[1]);
        mma_bf16(c[2 * n + 1], a[i], b[2], b[3]);
      }
}

}  // namespace recurra::gpu
