// Prototype: the chunked scan in one pass (see NOTES.md).
//   S_t = S_{t-1}(diag(w_t) - a_t b_t^T) + v_t k_t^T,  o_t = S_t r_t,  K = V = 64, chunk 64, one block of 4 warps a chunk.
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cmath>
#include <vector>
#include <random>
#include <algorithm>
#include <string>
using bf16 = __nv_bfloat16;
#define CK(x) do { cudaError_t e_ = (x); if (e_ != cudaSuccess) { printf("CUDA %s at %d: %s\n", #x, __LINE__, cudaGetErrorString(e_)); exit(1); } } while (0)

enum { NONE = 0, SCALAR = 1, VECTOR = 2 };
constexpr int C = 64, D = 64, TS = 72, XS = 132, LS = 68, MS = 72, RING = 8;
template <bool E> constexpr int kGroups = E ? 1 : 2;  // chunks of a block, one for 4 warps
constexpr float kFastLimit = -60.0f, kLeastLog = -100.0f;

struct Segment { int first, count; float* state; };
template <class In> struct Params {
  const In *r, *k, *v, *a, *b, *w;
  In* o;
  int64_t stride, w_stride;  // of r, k, v, a, b, o; of w
  int heads;
  const Segment* segments;
  float4* ring;  // [segment][head][RING][4 warps][8][32], zeros at the start
  int* reached;  // [segment][head][4 warps]: chunks whose state has been handed on; zeros at the start
};

__device__ __forceinline__ float4 load4(const float* p) { return __ldg(reinterpret_cast<const float4*>(p)); }
__device__ __forceinline__ float4 load4(const bf16* p) {
  const uint2 u = __ldg(reinterpret_cast<const uint2*>(p));
  const float2 x = __bfloat1622float2(reinterpret_cast<const __nv_bfloat162&>(u.x)), y = __bfloat1622float2(reinterpret_cast<const __nv_bfloat162&>(u.y));
  return make_float4(x.x, x.y, y.x, y.y);
}
__device__ __forceinline__ float load1(const float* p) { return *p; }
__device__ __forceinline__ float load1(const bf16* p) { return __bfloat162float(*p); }
__device__ __forceinline__ float2 load2(const float* p) { return *reinterpret_cast<const float2*>(p); }
__device__ __forceinline__ float2 load2(const bf16* p) { return __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(p)); }
__device__ __forceinline__ void store2(float* p, float x, float y) { *reinterpret_cast<float2*>(p) = make_float2(x, y); }
__device__ __forceinline__ void store2(bf16* p, float x, float y) { *reinterpret_cast<__nv_bfloat162*>(p) = __floats2bfloat162_rn(x, y); }

__device__ __forceinline__ uint32_t pack(float x, float y) {
  __nv_bfloat162 h = __floats2bfloat162_rn(x, y);
  return reinterpret_cast<uint32_t&>(h);
}
__device__ __forceinline__ float2 unpack(uint32_t u) { return __bfloat1622float2(reinterpret_cast<__nv_bfloat162&>(u)); }
__device__ __forceinline__ void put4(bf16* to, float4 x) { *reinterpret_cast<uint2*>(to) = make_uint2(pack(x.x, x.y), pack(x.z, x.w)); }

__device__ __forceinline__ void ldm(uint32_t (&r)[4], const bf16* p) {
  const uint32_t at = static_cast<uint32_t>(__cvta_generic_to_shared(p));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at) : "memory");
}
__device__ __forceinline__ void ldmt(uint32_t (&r)[4], const bf16* p) {
  const uint32_t at = static_cast<uint32_t>(__cvta_generic_to_shared(p));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at) : "memory");
}
__device__ __forceinline__ void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ __forceinline__ void mma32(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ __forceinline__ uint32_t tf32(float x) { uint32_t u; asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(u) : "f"(x)); return u; }
__device__ __forceinline__ float ex(float x) { return __expf(x); }

typedef float Acc[8][4];      // 16 x 64, C layout
typedef uint32_t Frag[4][4];  // 16 x 64 bf16, A layout: the same elements
__device__ __forceinline__ void clear(Acc& c) {
#pragma unroll
  for (int i = 0; i < 8; ++i)
#pragma unroll
    for (int j = 0; j < 4; ++j) c[i][j] = 0;
}
__device__ __forceinline__ void to_frag(Frag& f, const Acc& c) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    f[i][0] = pack(c[2 * i][0], c[2 * i][1]);
    f[i][1] = pack(c[2 * i][2], c[2 * i][3]);
    f[i][2] = pack(c[2 * i + 1][0], c[2 * i + 1][1]);
    f[i][3] = pack(c[2 * i + 1][2], c[2 * i + 1][3]);
  }
}
// Rows row0.. of a tile [m][k] / columns col0.. of a tile [k][m].
__device__ __forceinline__ void load_a(Frag& f, const bf16* tile, int stride, int row0, int lane) {
#pragma unroll
  for (int i = 0; i < 4; ++i) ldm(f[i], tile + (row0 + lane % 16) * stride + i * 16 + lane / 16 * 8);
}
__device__ __forceinline__ void load_at(Frag& f, const bf16* tile, int col0, int lane) {
#pragma unroll
  for (int i = 0; i < 4; ++i) ldmt(f[i], tile + (16 * i + lane / 16 * 8 + lane % 8) * TS + col0 + lane / 8 % 2 * 8);
}
// c += a tile[n][k]^T for the n-tile pairs up to `pairs`
__device__ __forceinline__ void mm_nt(Acc& c, const Frag& a, const bf16* tile, int pairs, int lane) {
#pragma unroll
  for (int n = 0; n < 4; ++n)
    if (n <= pairs)
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        uint32_t b[4];
        ldm(b, tile + (16 * n + lane / 16 * 8 + lane % 8) * TS + 16 * i + lane / 8 % 2 * 8);
        mma(c[2 * n], a[i], b[0], b[1]);
        mma(c[2 * n + 1], a[i], b[2], b[3]);
      }
}
// c += a tile[k][n] for k-steps up to `steps`
__device__ __forceinline__ void mm_nn(Acc& c, const Frag& a, const bf16* tile, int steps, int lane) {
#pragma unroll
  for (int i = 0; i < 4; ++i)
    if (i <= steps)
#pragma unroll
      for (int n = 0; n < 4; ++n) {
        uint32_t b[4];
        ldmt(b, tile + (16 * i + lane / 8 % 2 * 8 + lane % 8) * TS + 16 * n + lane / 16 * 8);
        mma(c[2 * n], a[i], b[0], b[1]);
        mma(c[2 * n + 1], a[i], b[2], b[3]);
      }
}

template <int DEC, bool E> constexpr int kFloats = E ? C * XS + C * LS : DEC == VECTOR ? C * LS : 0;
template <int DEC, bool E> constexpr int kGroupBytes = (E ? 5 : 3) * C * TS * 2 + kFloats<DEC, E> * 4 + 4 * 64 * 4;
template <int DEC, bool E> constexpr int smem_bytes() { return kGroupBytes<DEC, E> * kGroups<E> + (kGroups<E> - 1) * 16384; }

template <int DEC, bool E, class In>
__global__ void __launch_bounds__(128 * kGroups<E>, 2) chunk_scan(const __grid_constant__ Params<In> p) {
  constexpr int M = kGroups<E>;
  extern __shared__ __align__(16) char all_raw[];
  const int group = threadIdx.x / 128;
  char* raw = all_raw + group * kGroupBytes<DEC, E>;
  float4* across = reinterpret_cast<float4*>(all_raw + M * kGroupBytes<DEC, E>);  // M = 2: what the first chunk adds
  bf16* tR = reinterpret_cast<bf16*>(raw);
  bf16* tK = tR + C * TS;
  bf16* tV = tK + C * TS;
  bf16* tA = tV + C * TS;
  bf16* tB = tA + C * TS;
  float* X = reinterpret_cast<float*>(E ? tB + C * TS : tA);  // E: [C][XS], A^ and Lak V, then the solution
  float* L = X + (E ? C * XS : 0);                            // E: [C][LS], Lab
  float* G = E ? X + 64 : X;                                  // cumulative logarithms, vector decay
  constexpr int GS = E ? XS : LS;
  float* gc = X + kFloats<DEC, E>;  // scalar: G of the chunk; vector: half sums
  float* pf = gc + 64;                             // P(0,C) per key
  float* nf = pf + 64;                             // what is still to be multiplied into K^, B^
  float* Mt = X;                                   // [key'][MS]: the transition's erase part, transposed

  const int tid = threadIdx.x % 128, lane = tid & 31, warp = tid >> 5 ^ (E && (blockIdx.x * 2654435761u >> 31) ? 3 : 0), g = lane >> 2, q = lane & 3;
  const int h = blockIdx.x % p.heads, chunk = blockIdx.x / p.heads;
  const Segment seg = p.segments[blockIdx.y];
  const int chunks = (seg.count + C * M - 1) / (C * M);  // of C M tokens
  if (chunk >= chunks) return;
  const int n = max(0, min(C, seg.count - (chunk * M + group) * C));
  const int64_t t0 = seg.first + (static_cast<int64_t>(chunk) * M + group) * C, base = t0 * p.stride + h * D;
  const int row0 = 16 * warp;

  const auto fetch = [&](float4 (&x)[8], const In* from, int64_t stride, int64_t at) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int t = (tid >> 4) + 8 * i;
      x[i] = t < n ? load4(from + at + t * stride + (tid & 15) * 4) : make_float4(0, 0, 0, 0);
    }
  };
  const int c4 = (tid & 15) * 4;
  float4 x[8], y[8], z[8];  // loads run ahead of their use
  bool slow = false;

  // ---- 1. Tiles ----
  float l0 = 0, l1 = 0;
  if constexpr (DEC == SCALAR)
    if (warp == 0) {
      l0 = 2 * lane < n ? fmaxf(load1(p.w + (t0 + 2 * lane) * p.w_stride + h), kLeastLog) : 0.0f;
      l1 = 2 * lane + 1 < n ? fmaxf(load1(p.w + (t0 + 2 * lane + 1) * p.w_stride + h), kLeastLog) : 0.0f;
    }
  if constexpr (DEC == VECTOR) {
    fetch(x, p.w, p.w_stride, t0 * p.w_stride + h * D);
    fetch(y, p.v, p.stride, base);
#pragma unroll
    for (int i = 0; i < 8; ++i) *reinterpret_cast<float4*>(G + ((tid >> 4) + 8 * i) * GS + c4) = x[i];
    fetch(z, p.k, p.stride, base);
    if (E) fetch(x, p.r, p.stride, base);
    __syncthreads();
    const int key = tid & 63, half = tid >> 6;
    float s[32], sum = 0;
#pragma unroll
    for (int i = 0; i < 32; ++i) s[i] = G[(32 * half + i) * GS + key];
#pragma unroll
    for (int i = 0; i < 32; ++i) s[i] = sum = sum + fmaxf(s[i], kLeastLog);
    if (half == 0) gc[key] = sum;
    __syncthreads();
    const float before = half ? gc[key] : 0.0f;
#pragma unroll
    for (int i = 0; i < 32; ++i) G[(32 * half + i) * GS + key] = s[i] + before;
    slow = __syncthreads_or(half && sum + before < kFastLimit);
    if (half) {
      pf[key] = ex(sum + before);
      nf[key] = slow ? 1.0f : ex(sum + before);
    }
  } else {
    fetch(y, p.v, p.stride, base);
    fetch(z, p.k, p.stride, base);
    if (E) fetch(x, p.r, p.stride, base);
  }
  if constexpr (DEC == SCALAR) {
    if (warp == 0) {
      float s = l0 + l1;
#pragma unroll
      for (int d = 1; d < 32; d *= 2) {
        const float y = __shfl_up_sync(~0u, s, d);
        if (lane >= d) s += y;
      }
      gc[2 * lane + 1] = s;
      gc[2 * lane] = s - l1;
      pf[2 * lane] = ex(s - l1), pf[2 * lane + 1] = ex(s);
      nf[2 * lane] = ex(l1 - s), nf[2 * lane + 1] = ex(-s);  // used where G > kFastLimit
    }
  }
#pragma unroll
  for (int i = 0; i < 8; ++i) put4(tV + ((tid >> 4) + 8 * i) * TS + c4, y[i]);
  if (E) fetch(y, p.b, p.stride, base);
  else fetch(x, p.r, p.stride, base);
  const auto decayed = [&](float4 y, int t, auto f) {  // times exp(f(G))
    const float4 e = t < 0 ? make_float4(0, 0, 0, 0) : *reinterpret_cast<const float4*>(G + t * GS + c4);
    return make_float4(y.x * ex(f(e.x, 0)), y.y * ex(f(e.y, 1)), y.z * ex(f(e.z, 2)), y.w * ex(f(e.w, 3)));
  };
  const auto plus = [](float e, int) { return e; };
  const auto minus = [&](float e, int j) { return slow ? G[63 * GS + c4 + j] - e : -e; };
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const int t = (tid >> 4) + 8 * i;
    if constexpr (DEC == VECTOR) z[i] = decayed(z[i], t, minus);
    put4(tK + t * TS + c4, z[i]);
  }
  if (E) fetch(z, p.a, p.stride, base);
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const int t = (tid >> 4) + 8 * i;
    if constexpr (DEC == VECTOR) x[i] = decayed(x[i], t, plus);
    put4(tR + t * TS + c4, x[i]);
  }
  if constexpr (E) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int t = (tid >> 4) + 8 * i;
      if constexpr (DEC == VECTOR) y[i] = decayed(y[i], t, minus);
      put4(tB + t * TS + c4, y[i]);
    }
    if constexpr (DEC == SCALAR) __syncthreads();  // gc
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int t = (tid >> 4) + 8 * i;
      if constexpr (DEC == VECTOR) z[i] = decayed(z[i], t - 1, plus);
      put4(tA + t * TS + c4, z[i]);
      if constexpr (DEC != VECTOR) {  // the same rounded a everywhere
        const float2 lo = unpack(pack(z[i].x, z[i].y)), hi = unpack(pack(z[i].z, z[i].w));
        const float e = DEC == SCALAR && t > 0 ? pf[t - 1] : 1.0f;
        z[i] = make_float4(lo.x * e, lo.y * e, hi.x * e, hi.y * e);
      }
      *reinterpret_cast<float4*>(X + t * XS + c4) = z[i];
    }
  }
  __syncthreads();

  // ---- 2. Lab, Lak V, Lrk V, Lrb ----
  Frag fr, lrk, lrb;
  load_a(fr, tR, TS, row0, lane);
  const bool near = DEC == SCALAR && gc[63] > kFastLimit;
  const auto between = [&](int t, int s, bool before) {  // P(s,t), or P(s,t-1)
    if (before) return s < t ? (DEC == SCALAR ? ex(gc[t - 1] - gc[s]) : 1.0f) : 0.0f;
    return s <= t ? (DEC == SCALAR ? ex(gc[t] - gc[s]) : 1.0f) : 0.0f;
  };
  const auto masked = [&](Acc& c, bool before) {
    if (DEC == SCALAR && near) {
      const int t = row0 + g;
      const float e0 = before ? (t ? pf[t - 1] : 0.0f) : pf[t], e1 = before ? pf[t + 7] : pf[t + 8];
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        const float2 f = *reinterpret_cast<const float2*>(nf + 8 * i + 2 * q);
        c[i][0] *= e0 * f.x, c[i][1] *= e0 * f.y, c[i][2] *= e1 * f.x, c[i][3] *= e1 * f.y;
      }
    }
#pragma unroll
    for (int i = 0; i < 8; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const int t = row0 + g + j / 2 * 8, s = 8 * i + 2 * q + j % 2;
        const bool in = before ? s < t : s <= t;
        if (DEC == SCALAR && !near) c[i][j] *= between(t, s, before);
        c[i][j] = in ? c[i][j] : 0.0f;
      }
  };
  Acc oloc;
  if (DEC == VECTOR && slow) {
    const int64_t wbase = t0 * p.w_stride + h * D;
    for (int t = row0; t < row0 + 16; ++t) {
      bf16* row_rk = reinterpret_cast<bf16*>(G + t * GS);
      float2 ya = make_float2(0, 0), yr = ya;
      if (t < n) {
        yr = load2(p.r + base + t * p.stride + 2 * lane);
        if (E) ya = load2(p.a + base + t * p.stride + 2 * lane);
      }
      for (int s = 63; s >= 0; --s) {
        float rk = 0, rb = 0, ak = 0, ab = 0;
        if (s <= t && t < n) {
          if (s < t) {
            const float2 l = load2(p.w + wbase + (s + 1) * p.w_stride + 2 * lane);
            const float wx = ex(l.x), wy = ex(l.y);
            yr.x *= wx, yr.y *= wy;
            if (s < t - 1) ya.x *= wx, ya.y *= wy;
          }
          const float2 k2 = load2(p.k + base + s * p.stride + 2 * lane);
          rk = yr.x * k2.x + yr.y * k2.y;
          if (E) {
            const float2 b2 = load2(p.b + base + s * p.stride + 2 * lane);
            rb = yr.x * b2.x + yr.y * b2.y;
            if (s < t) ak = ya.x * k2.x + ya.y * k2.y, ab = ya.x * b2.x + ya.y * b2.y;
          }
#pragma unroll
          for (int d = 16; d; d /= 2) {
            rk += __shfl_xor_sync(~0u, rk, d);
            if (E) rb += __shfl_xor_sync(~0u, rb, d), ak += __shfl_xor_sync(~0u, ak, d), ab += __shfl_xor_sync(~0u, ab, d);
          }
        }
        if (lane == 0) {
          row_rk[s] = __float2bfloat16(rk);
          if (E) {
            row_rk[64 + s] = __float2bfloat16(rb);
            tA[t * TS + s] = __float2bfloat16(ak);
            L[t * LS + s] = ab;
          }
        }
      }
    }
    __syncwarp();
    load_a(lrk, reinterpret_cast<bf16*>(G), 2 * GS, row0, lane);
    if (E) load_a(lrb, reinterpret_cast<bf16*>(G) + 64, 2 * GS, row0, lane);
    __syncwarp();
    if constexpr (E) {
      Frag lak;
      load_a(lak, tA, TS, row0, lane);
      clear(oloc);
      mm_nn(oloc, lak, tV, warp, lane);
    }
  } else {
    if constexpr (E) {
      Frag fa, lak;
      load_a(fa, tA, TS, row0, lane);
      clear(oloc);
      mm_nt(oloc, fa, tB, warp, lane);
      masked(oloc, true);
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        *reinterpret_cast<float2*>(L + (row0 + g) * LS + 8 * i + 2 * q) = make_float2(oloc[i][0], oloc[i][1]);
        *reinterpret_cast<float2*>(L + (row0 + g + 8) * LS + 8 * i + 2 * q) = make_float2(oloc[i][2], oloc[i][3]);
      }
      clear(oloc);
      mm_nt(oloc, fr, tB, warp, lane);
      masked(oloc, false);
      to_frag(lrb, oloc);
      clear(oloc);
      mm_nt(oloc, fr, tK, warp, lane);
      masked(oloc, false);
      to_frag(lrk, oloc);
      clear(oloc);
      mm_nt(oloc, fa, tK, warp, lane);
      masked(oloc, true);
      to_frag(lak, oloc);
      clear(oloc);
      mm_nn(oloc, lak, tV, warp, lane);
    } else {
      clear(oloc);
      mm_nt(oloc, fr, tK, warp, lane);
      masked(oloc, false);
      to_frag(lrk, oloc);
    }
  }
  if constexpr (E) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      *reinterpret_cast<float2*>(X + (row0 + g) * XS + 64 + 8 * i + 2 * q) = make_float2(oloc[i][0], oloc[i][1]);
      *reinterpret_cast<float2*>(X + (row0 + g + 8) * XS + 64 + 8 * i + 2 * q) = make_float2(oloc[i][2], oloc[i][3]);
    }
  }
  clear(oloc);
  mm_nn(oloc, lrk, tV, warp, lane);
  if (E || DEC == SCALAR) __syncthreads();

  // ---- 3. K^, B^ of a scalar decay; forward substitution, a column a thread ----
  if constexpr (DEC == SCALAR) {
    const float last = gc[63];
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int t = (tid >> 4) + 8 * i;
      const float e = ex(last - gc[t]);
      uint2* at = reinterpret_cast<uint2*>(tK + t * TS + c4);
      float2 lo = unpack(at->x), hi = unpack(at->y);
      *at = make_uint2(pack(lo.x * e, lo.y * e), pack(hi.x * e, hi.y * e));
      if constexpr (E) {
        at = reinterpret_cast<uint2*>(tB + t * TS + c4);
        lo = unpack(at->x), hi = unpack(at->y);
        *at = make_uint2(pack(lo.x * e, lo.y * e), pack(hi.x * e, hi.y * e));
      }
    }
  }
  if constexpr (E) {
    bf16* out = tid < 64 ? tA + tid : tR + tid - 64;  // -W and -U
#pragma unroll 1
    for (int block = 0; block < 4; ++block) {
      float y[16];
#pragma unroll
      for (int i = 0; i < 16; ++i) y[i] = X[(16 * block + i) * XS + tid];
      const float* l = L + 16 * block * LS;
#pragma unroll 1
      for (int s = 0; s < 16 * block; s += 4) {
        float z[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) z[i] = X[(s + i) * XS + tid];
#pragma unroll
        for (int i = 0; i < 16; ++i) {
          const float4 f = *reinterpret_cast<const float4*>(l + i * LS + s);
          y[i] = fmaf(-f.x, z[0], fmaf(-f.y, z[1], fmaf(-f.z, z[2], fmaf(-f.w, z[3], y[i]))));
        }
      }
      l += 16 * block;
#pragma unroll
      for (int i = 0; i < 16; ++i) {
#pragma unroll
        for (int s = 0; s < i; s += 4) {
          const float4 f = *reinterpret_cast<const float4*>(l + i * LS + s);
          y[i] = fmaf(-f.x, y[s], y[i]);
          if (s + 1 < i) y[i] = fmaf(-f.y, y[s + 1], y[i]);
          if (s + 2 < i) y[i] = fmaf(-f.z, y[s + 2], y[i]);
          if (s + 3 < i) y[i] = fmaf(-f.w, y[s + 3], y[i]);
        }
        X[(16 * block + i) * XS + tid] = y[i];
        out[(16 * block + i) * TS] = __float2bfloat16(-y[i]);
      }
    }
  }
  if (E || DEC == SCALAR) __syncthreads();

  // ---- 4. What multiplies the state before the chunk, and what is added to it ----
  Frag rq;
  {
    Acc c;
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const float2 y = unpack(fr[i][j]);
        const float e = DEC == SCALAR ? pf[row0 + g + j % 2 * 8] : 1.0f;
        c[2 * i + j / 2][j % 2 * 2] = y.x * e;
        c[2 * i + j / 2][j % 2 * 2 + 1] = y.y * e;
      }
    if constexpr (E) {
      mm_nn(oloc, lrb, tR, warp, lane);
      mm_nn(c, lrb, tA, warp, lane);
    }
    to_frag(rq, c);
  }
  Acc add;
  clear(add);
  {
    Frag f;
    if constexpr (E) {
      Acc c;
      clear(c);
      load_at(f, tA, row0, lane);
      mm_nn(c, f, tB, 3, lane);
#pragma unroll
      for (int i = 0; i < 8; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          const int to = 8 * i + 2 * q + j % 2;
          const float y = DEC == VECTOR ? c[i][j] * nf[to] : c[i][j];
          Mt[to * MS + row0 + g + j / 2 * 8] = __uint_as_float(tf32(y));
        }
      load_at(f, tR, row0, lane);
      mm_nn(add, f, tB, 3, lane);
    }
    load_at(f, tV, row0, lane);
    mm_nn(add, f, tK, 3, lane);
  }
  if constexpr (DEC == VECTOR)
#pragma unroll
    for (int i = 0; i < 8; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j) add[i][j] *= nf[8 * i + 2 * q + j % 2];
  if (M == 2 && group == 0)
#pragma unroll
    for (int i = 0; i < 8; ++i) across[(warp * 8 + i) * 32 + lane] = make_float4(add[i][0], add[i][1], add[i][2], add[i][3]);
  __syncthreads();
  constexpr int kBack = kGroupBytes<DEC, E>;
  const auto earlier = [&](const float* at) { return reinterpret_cast<const float*>(reinterpret_cast<const char*>(at) - kBack); };
  const auto whole = [&](int i, int j, bool first) {  // P of this chunk, or of the first of two
    if (DEC == SCALAR) return (first ? earlier(pf) : pf)[63];
    if (DEC == VECTOR) return (first ? earlier(pf) : pf)[8 * i + 2 * q + j % 2];
    return 1.0f;
  };

  // ---- 5. The state: from the chunk before, to the chunk after; a warp's 16 values by themselves ----
  if (group == M - 1) {
  Acc S;
  if constexpr (M == 2)
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const float4 f = across[(warp * 8 + i) * 32 + lane];
      const float y4[4] = {f.x, f.y, f.z, f.w};
#pragma unroll
      for (int j = 0; j < 4; ++j) add[i][j] = fmaf(y4[j], whole(i, j, false), add[i][j]);
    }
  float4* ring = p.ring + (static_cast<int64_t>(blockIdx.y) * p.heads + h) * RING * 1024 + warp * 256 + lane;
  if (chunk == 0) {
    const float* state = seg.state + static_cast<int64_t>(h) * D * D;
#pragma unroll
    for (int i = 0; i < 8; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j) S[i][j] = state[(8 * i + 2 * q + j % 2) * D + row0 + g + j / 2 * 8];
  } else {
    constexpr int kNear = 3;
    if (chunk > kNear) {  // not near yet: look seldom
      const volatile int* at = p.reached + (static_cast<int64_t>(blockIdx.y) * p.heads + h) * 4 + warp;
      while (*at < chunk - kNear) __nanosleep(40);
    }
    const float4* at = ring + (chunk - 1) % RING * 1024;
    const uint32_t epoch = ((chunk - 1) / RING + 1) & 1;
    while (true) {
      uint32_t all = 1;
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        uint32_t u[4];
        asm volatile("ld.volatile.global.v4.u32 {%0,%1,%2,%3}, [%4];" : "=r"(u[0]), "=r"(u[1]), "=r"(u[2]), "=r"(u[3]) : "l"(at + 32 * i) : "memory");
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          all &= epoch ? u[j] : ~u[j];
          S[i][j] = __uint_as_float(u[j]);
        }
      }
      if (__all_sync(~0u, all & 1)) break;
    }
  }
  {
    Acc N;
#pragma unroll
    for (int i = 0; i < 8; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const float w = M == 2 ? whole(i, j, true) * whole(i, j, false) : whole(i, j, false);
        N[i][j] = fmaf(S[i][j], w, add[i][j]);
      }
    if constexpr (E) {
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        const uint32_t f[4] = {tf32(S[i][0]), tf32(S[i][2]), tf32(S[i][1]), tf32(S[i][3])};
#pragma unroll
        for (int m = 0; m < 8; ++m) {
          const uint2 b = *reinterpret_cast<const uint2*>(Mt + (8 * m + g) * MS + 8 * i + 2 * q);
          mma32(N[m], f, b.x, b.y);
        }
      }
    }
    if (chunk == chunks - 1) {
      float* state = seg.state + static_cast<int64_t>(h) * D * D;
#pragma unroll
      for (int i = 0; i < 8; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) state[(8 * i + 2 * q + j % 2) * D + row0 + g + j / 2 * 8] = N[i][j];
    } else {
      float4* at = ring + chunk % RING * 1024;
      const uint32_t epoch = (chunk / RING + 1) & 1;
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        uint32_t u[4];
#pragma unroll
        for (int j = 0; j < 4; ++j) u[j] = (__float_as_uint(N[i][j]) & ~1u) | epoch;
        asm volatile("st.volatile.global.v4.u32 [%0], {%1,%2,%3,%4};" ::"l"(at + 32 * i), "r"(u[0]), "r"(u[1]), "r"(u[2]), "r"(u[3]) : "memory");
      }
      // A hint for those further on; with it no slot they look at is older than one round.
      __threadfence();
      __syncwarp();
      if (lane == 0) atomicMax(p.reached + (static_cast<int64_t>(blockIdx.y) * p.heads + h) * 4 + warp, chunk + 1);  // never back
    }
  }
  // ---- 6. Outputs ----
  if constexpr (M == 2) {  // the first chunk's state, then this one's
    bf16* to = tK - kBack / 2;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      store2(to + (row0 + g) * TS + 8 * i + 2 * q, S[i][0], S[i][1]);
      store2(to + (row0 + g + 8) * TS + 8 * i + 2 * q, S[i][2], S[i][3]);
      const float4 f = across[(warp * 8 + i) * 32 + lane];
      const float y4[4] = {f.x, f.y, f.z, f.w};
#pragma unroll
      for (int j = 0; j < 4; ++j) S[i][j] = fmaf(S[i][j], whole(i, j, true), y4[j]);
    }
  }
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    store2(tK + (row0 + g) * TS + 8 * i + 2 * q, S[i][0], S[i][1]);
    store2(tK + (row0 + g + 8) * TS + 8 * i + 2 * q, S[i][2], S[i][3]);
  }
  }
  __syncthreads();
  mm_nt(oloc, rq, tK, 3, lane);
#pragma unroll
  for (int j = 0; j < 2; ++j) {
    const int t = row0 + g + 8 * j;
    if (t < n)
#pragma unroll
      for (int i = 0; i < 8; ++i) store2(p.o + base + t * p.stride + 8 * i + 2 * q, oloc[i][2 * j], oloc[i][2 * j + 1]);
  }
}

template <int DEC, bool E, class In>
void run(const Params<In>& p, int segments, int longest, cudaStream_t stream) {
  static bool set = false;
  if (!set) {
    CK(cudaFuncSetAttribute(chunk_scan<DEC, E, In>, cudaFuncAttributeMaxDynamicSharedMemorySize, smem_bytes<DEC, E>()));
    set = true;
  }
  CK(cudaMemsetAsync(p.ring, 0, (sizeof(float4) * RING * 1024 + 16) * p.heads * segments, stream));
  constexpr int tokens = C * kGroups<E>;
  const dim3 grid(p.heads * ((longest + tokens - 1) / tokens), segments);
  chunk_scan<DEC, E, In><<<grid, 128 * kGroups<E>, (smem_bytes<DEC, E>()), stream>>>(p);
  CK(cudaGetLastError());
}
template <class In>
void run_any(int dec, bool e, const Params<In>& p, int segments, int longest, cudaStream_t s = 0) {
  if (dec == NONE) return e ? run<NONE, true>(p, segments, longest, s) : run<NONE, false>(p, segments, longest, s);
  if (dec == SCALAR) return e ? run<SCALAR, true>(p, segments, longest, s) : run<SCALAR, false>(p, segments, longest, s);
  return e ? run<VECTOR, true>(p, segments, longest, s) : run<VECTOR, false>(p, segments, longest, s);
}

// ---- Test ----
template <class In> In conv(float x);
template <> float conv<float>(float x) { return x; }
template <> bf16 conv<bf16>(float x) { return __float2bfloat16(x); }
inline float back(float x) { return x; }
inline float back(bf16 x) { return __bfloat162float(x); }
template <class T> T* up(const std::vector<T>& x) {
  T* d;
  CK(cudaMalloc(&d, x.size() * sizeof(T)));
  CK(cudaMemcpy(d, x.data(), x.size() * sizeof(T), cudaMemcpyHostToDevice));
  return d;
}

// decay_kind: 0 random mild, 1 log_w = 0, 2 all -60, 3 sparse -60, 4 random strong (-exp(normal)); key_kind: 0 random unit, 1 alike
// (cosine .9..1), beta up to `beta`.
template <class In>
bool check(const char* name, int dec, bool erase, int decay_kind, int key_kind, float beta, unsigned seed) {
  const int H = 2;
  const std::vector<int> counts = {357, 1, 130, 640};
  int T = 0;
  for (int c : counts) T += c;
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> uni(0, 1);
  const size_t n = static_cast<size_t>(T) * H * D;
  std::vector<In> r(n), k(n), v(n), a(n), b(n), w(dec == SCALAR ? T * H : n), o(n);
  std::vector<float> dir(H * D);
  for (auto& x : dir) x = normal(rng);
  const auto decay = [&]() -> float {
    if (decay_kind == 1) return 0;
    if (decay_kind == 2) return -60;
    if (decay_kind == 3) return uni(rng) < 0.05f ? -60.0f : -0.001f * uni(rng);
    if (decay_kind == 4) return -std::exp(normal(rng));
    return -0.6065f / (1 + std::exp(-2 * normal(rng)));
  };
  for (auto& x : w) x = conv<In>(decay());
  for (int t = 0; t < T; ++t)
    for (int h = 0; h < H; ++h) {
      const size_t at = (static_cast<size_t>(t) * H + h) * D;
      float kk[D], norm = 0;
      for (int j = 0; j < D; ++j) kk[j] = key_kind ? dir[h * D + j] + 0.25f * uni(rng) * normal(rng) : normal(rng), norm += kk[j] * kk[j];
      norm = 1 / std::sqrt(norm);
      const float bt = key_kind ? beta : beta * uni(rng);
      for (int j = 0; j < D; ++j) {
        kk[j] *= norm;
        r[at + j] = conv<In>(normal(rng) * 0.125f);
        v[at + j] = conv<In>(normal(rng));
        a[at + j] = conv<In>(kk[j]);
        if (dec == VECTOR && erase && !key_kind) {  // RWKV-7: alpha and another key
          b[at + j] = conv<In>(kk[j] * uni(rng));
          k[at + j] = conv<In>(kk[j] * uni(rng) + 0.05f * normal(rng));
        } else {
          const float wj = dec == NONE ? 1.0f : std::exp(back(dec == SCALAR ? w[t * H + h] : w[at + j]));
          b[at + j] = conv<In>(kk[j] * bt * wj);  // S (I - beta k k^T) diag(w)
          k[at + j] = conv<In>(kk[j]);
        }
      }
    }
  const int segs = static_cast<int>(counts.size());
  std::vector<float> state(static_cast<size_t>(segs) * H * D * D);
  for (auto& x : state) x = normal(rng);
  std::vector<double> S(state.begin(), state.end()), ref(n);
  for (int s = 0, t = 0; s < segs; ++s)
    for (int c = 0; c < counts[s]; ++c, ++t)
      for (int h = 0; h < H; ++h) {
        double* st = &S[(static_cast<size_t>(s) * H + h) * D * D];
        const size_t at = (static_cast<size_t>(t) * H + h) * D;
        double ew[D];
        for (int j = 0; j < D; ++j) ew[j] = dec == VECTOR ? std::exp((double)back(w[at + j])) : dec == SCALAR ? std::exp((double)back(w[t * H + h])) : 1;
        for (int i = 0; i < D; ++i) {
          double e = 0, out = 0;
          if (erase) for (int j = 0; j < D; ++j) e += st[j * D + i] * back(a[at + j]);
          for (int j = 0; j < D; ++j) {
            double& y = st[j * D + i];
            if (dec == VECTOR) y *= ew[j];
            if (dec == SCALAR) y *= ew[0];
            if (erase) y -= e * back(b[at + j]);
            y += (double)back(v[at + i]) * back(k[at + j]);
            out += y * back(r[at + j]);
          }
          ref[at + i] = out;
        }
      }
  std::vector<Segment> seg(segs);
  float* dstate = up(state);
  int first = 0;
  for (int s = 0; s < segs; ++s) seg[s] = {first, counts[s], dstate + static_cast<size_t>(s) * H * D * D}, first += counts[s];
  Params<In> p{up(r), up(k), up(v), up(a), up(b), up(w), nullptr, H * D, dec == SCALAR ? H : H * D, H, up(seg), nullptr, nullptr};
  CK(cudaMalloc(&p.o, n * sizeof(In)));
  CK(cudaMemset(p.o, 0xff, n * sizeof(In)));
  CK(cudaMalloc(&p.ring, (sizeof(float4) * RING * 1024 + 16) * H * segs));
  p.reached = reinterpret_cast<int*>(p.ring + RING * 1024 * H * segs);
  run_any<In>(dec, erase, p, segs, 640);
  CK(cudaDeviceSynchronize());
  CK(cudaMemcpy(o.data(), p.o, n * sizeof(In), cudaMemcpyDeviceToHost));
  CK(cudaMemcpy(state.data(), dstate, state.size() * 4, cudaMemcpyDeviceToHost));
  double eo = 0, no = 0, es = 0, ns = 0;
  for (size_t i = 0; i < n; ++i) eo += std::pow(back(o[i]) - ref[i], 2), no += ref[i] * ref[i];
  for (size_t i = 0; i < S.size(); ++i) es += std::pow(state[i] - S[i], 2), ns += S[i] * S[i];
  const double fo = std::sqrt(eo / no), fs = std::sqrt(es / ns);
  const bool ok = fo < 1e-2 && fs < 1e-2;
  printf("%s %-4s %-34s o %.2e  S %.2e\n", ok ? "ok  " : "FAIL", sizeof(In) == 4 ? "f32" : "bf16", name, fo, fs);
  for (const void* x : {(const void*)p.r, (const void*)p.k, (const void*)p.v, (const void*)p.a, (const void*)p.b, (const void*)p.w, (const void*)p.o, (const void*)p.ring, (const void*)p.segments, (const void*)dstate}) CK(cudaFree(const_cast<void*>(x)));
  return ok;
}

__device__ float rnd(uint32_t x) {
  x ^= x >> 16, x *= 0x7feb352du, x ^= x >> 15, x *= 0x846ca68bu, x ^= x >> 16;
  return x * (1.0f / 4294967296.0f);
}
template <class In> __global__ void fill(In* x, size_t n, float lo, float hi, uint32_t seed) {
  for (size_t i = blockIdx.x * size_t(blockDim.x) + threadIdx.x; i < n; i += size_t(gridDim.x) * blockDim.x) x[i] = In(lo + (hi - lo) * rnd(uint32_t(i) * 2654435761u + seed));
}
template <class In> void timing(int T, int H) {
  const size_t n = static_cast<size_t>(T) * H * D;
  In* d[7];
  for (int i = 0; i < 7; ++i) {
    CK(cudaMalloc(&d[i], n * sizeof(In)));
    fill<<<1024, 256>>>(d[i], n, i == 5 ? -0.6f : -0.21f, i == 5 ? 0.0f : 0.21f, i * 77777u);
  }
  float* state;
  CK(cudaMalloc(&state, sizeof(float) * H * D * D));
  Segment s{0, T, state}, *ds;
  CK(cudaMalloc(&ds, sizeof s));
  CK(cudaMemcpy(ds, &s, sizeof s, cudaMemcpyHostToDevice));
  Params<In> p{d[0], d[1], d[2], d[3], d[4], d[5], d[6], H * D, 0, H, ds, nullptr, nullptr};
  CK(cudaMalloc(&p.ring, (sizeof(float4) * RING * 1024 + 16) * H));
  p.reached = reinterpret_cast<int*>(p.ring + RING * 1024 * H);
  const char* names[3][2] = {{"linear attention", "DeltaNet"}, {"Mamba-2", "gated DeltaNet"}, {"GLA / RWKV-6", "RWKV-7"}};
  cudaEvent_t e0, e1;
  CK(cudaEventCreate(&e0));
  CK(cudaEventCreate(&e1));
  for (int dec = 0; dec < 3; ++dec)
    for (int e = 0; e < 2; ++e) {
      p.w_stride = dec == SCALAR ? H : H * D;
      std::vector<float> ms;
      for (int i = 0; i < 23; ++i) {
        CK(cudaMemset(state, 0, sizeof(float) * H * D * D));
        CK(cudaEventRecord(e0));
        run_any<In>(dec, e, p, 1, T);
        CK(cudaEventRecord(e1));
        CK(cudaEventSynchronize(e1));
        float x;
        CK(cudaEventElapsedTime(&x, e0, e1));
        if (i > 2) ms.push_back(x);
      }
      std::sort(ms.begin(), ms.end());
      printf("time %-4s T%-6d H%-3d %-18s median %.3f ms  (%.3f .. %.3f)\n", sizeof(In) == 4 ? "f32" : "bf16", T, H, names[dec][e], ms[ms.size() / 2], ms.front(), ms.back());
      fflush(stdout);
    }
  for (auto x : d) CK(cudaFree(x));
  CK(cudaFree(state));
  CK(cudaFree(ds));
  CK(cudaFree(p.ring));
}

template <class In> int all() {
  int bad = 0;
  const char* dn[] = {"none", "scalar", "vector"};
  const char* kn[] = {"mild", "log_w=0", "log_w=-60", "5% -60", "-exp(N)"};
  for (int dec = 0; dec < 3; ++dec)
    for (int e = 0; e < 2; ++e)
      for (int kind = 0; kind < (dec ? 5 : 1); ++kind)
        for (int key = 0; key < (e ? 3 : 1); ++key) {
          char name[128];
          snprintf(name, sizeof name, "%s%s %s%s", dn[dec], e ? "+erase" : "", dec ? kn[kind] : "", key == 1 ? " alike b1" : key == 2 ? " alike b2" : "");
          bad += !check<In>(name, dec, e, kind, key != 0, key == 1 ? 1.0f : key == 2 ? 2.0f : 1.0f, 1000 + dec * 100 + kind * 10 + e * 5 + key);
          fflush(stdout);
        }
  return bad;
}
int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "all";
  int bad = 0;
  if (what == "mini") {
    for (int dec = 0; dec < 3; ++dec)
      for (int e = 0; e < 2; ++e) bad += !check<float>("mini", dec, e, dec == VECTOR && e ? 3 : 0, 0, 1, 5);
    return bad;
  }
  if (what != "time") bad = all<float>() + all<bf16>();
  if (what != "check") {
    timing<float>(32768, 32);
    timing<bf16>(32768, 32);
    timing<float>(4096, 12);
  }
  printf("%d failed\n", bad);
  return bad != 0;
}
