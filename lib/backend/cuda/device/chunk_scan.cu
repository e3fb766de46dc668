// The recurrence of scan_kernels.cu for prompts, 64 tokens (a chunk) at a time on tensor cores, for K and V of 64 and
// multiples. Operands are rounded to bf16, decays, sums and the state stay float32 (the state's product with what a
// chunk erases: tf32).
//
// Within a chunk, with P(s, t) the decays of tokens s+1 .. t multiplied, G_t = ln P(0, t), and for each token
// A_t = a_t P(0, t-1), R_t = r_t P(0, t), K_t = k_t / P(0, t), B_t = b_t / P(0, t):
//     (I + Lab) [W U] = [A | Lak V]          Lab, Lak = A B^T, A K^T strictly below the diagonal; forward substitution
//     o_t             = S_0 (R - Lrb W)_t + (Lrk V - Lrb U)_t                Lrb, Lrk = R B^T, R K^T with the diagonal
//     S_C             = (S_0 (I - W^T B) + V^T K - U^T B) diag(P(0, C))
// (Yang et al. 2024, arXiv:2406.06484, section 3, here with a decay for every key.) Where the decays of a chunk are so
// strong that 1 / P cannot be held, a slow exact walk over pairs of tokens takes the place of the four products.
//
// A block is a chunk of a head (without erase two chunks, joined first). All of it but S_0 is independent of other
// chunks; S goes from block to block: inside a cluster of blocks through their shared memory, between clusters through
// a ring in device memory whose numbers carry in their lowest bit the round they belong to, so that the data is its own
// flag (1 ulp of float32). Blocks take a ticket when they begin: those a block waits for began before it.
//
// RWKV-7's steps around the recurrence (backend.h's head_mix) are part of the same kernel (Mix).
#include <algorithm>

#include "backend/cuda/device/block_products.h"
#include "backend/cuda/device/math.cuh"
#include "backend/cuda/device/memory.cuh"
#include "backend/cuda/device/tiles.cuh"

namespace recurra::gpu {
namespace {

constexpr int C = 64, N = 64, kSolve = 132, kLower = 68, kErased = 72;  // the last three: floats from row to row
constexpr int kRing = 8, kNear = 3, kStateFours = N * N / 4;
constexpr float kFastLimit = -60.0f, kLeastLog = -100.0f;

template <bool Erase>
constexpr int kGroups = Erase ? 1 : 2;  // chunks of a block, each with 4 warps
// Blocks of a cluster, for fewer steps through device memory. With erase a block does more between them, and waiting
// for room for several at once costs more than the steps.
template <Decay D, bool Erase>
constexpr int kCluster = Erase                ? 1
                         : D == Decay::vector ? 2
                                              : 4;

struct View {
  const float* data;
  int64_t stride;
};
struct ChunkIo {
  View r, k, v, a, b, w;
  float* o;
  int64_t o_stride;
  DeviceRows rows;
  uint64_t state;
  bool half;                 // the state is in float16
  int heads, value_parts;    // value_parts: 64s of a head's values
  int key, value, key_from;  // of a head; the keys of this launch
  bool add;                  // to o: the keys before were another launch's
  int cluster, longest;      // longest: chunks of the longest segment, of kGroups each
  float4* ring;              // [slots][heads value_parts][4 warps][8][32]
  int* reached;              // [segments][heads value_parts][4 warps]: clusters whose state has been handed on
  int* ticket;
};
// Where head_mix's other operands are; w, k, a as products give them.
struct MixIo {
  View v_first, v_gate, gate;
  const float *k_k, *k_a, *ln_w, *ln_b, *r_k;
  float key_eps, group_eps;
  int operand;  // o as float32, or as an operand of products
};

__device__ __forceinline__ float4 load4(const float* p) { return __ldg(reinterpret_cast<const float4*>(p)); }
__device__ __forceinline__ float2 load2(const float* p) { return *reinterpret_cast<const float2*>(p); }
__device__ __forceinline__ void store2(float* p, float x, float y) {
  *reinterpret_cast<float2*>(p) = make_float2(x, y);
}
__device__ __forceinline__ float ex(float x) { return __expf(x); }
__device__ __forceinline__ float fast_sigmoid(float x) { return __fdividef(1.0f, 1.0f + __expf(-x)); }

__device__ __forceinline__ uint32_t shared_address(const void* p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}
// ---- Clusters of blocks; a device before sm_90 has none ----
#if __CUDA_ARCH__ >= 900
__device__ __forceinline__ int cluster_rank() {
  uint32_t rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return static_cast<int>(rank);
}
__device__ __forceinline__ void cluster_arrive() { asm volatile("barrier.cluster.arrive.release;" ::: "memory"); }
__device__ __forceinline__ void cluster_wait() { asm volatile("barrier.cluster.wait.acquire;" ::: "memory"); }
__device__ __forceinline__ uint32_t address_in(const void* p, int rank) {
  uint32_t at;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(at) : "r"(shared_address(p)), "r"(rank));
  return at;
}
__device__ __forceinline__ int read_in(const int* p, int rank) {
  int x;
  asm volatile("ld.shared::cluster.s32 %0, [%1];" : "=r"(x) : "r"(address_in(p, rank)) : "memory");
  return x;
}
// A barrier for `bytes` that other blocks send.
__device__ __forceinline__ void expect(uint64_t* barrier, uint32_t bytes) {
  asm volatile("mbarrier.init.shared.b64 [%0], 1;" ::"r"(shared_address(barrier)) : "memory");
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes)
               : "memory");
}
__device__ __forceinline__ void send4(uint32_t to, uint32_t barrier, const float (&x)[4]) {
  asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.f32 [%0], {%1,%2,%3,%4}, [%5];" ::"r"(to),
               "f"(x[0]), "f"(x[1]), "f"(x[2]), "f"(x[3]), "r"(barrier)
               : "memory");
}
__device__ __forceinline__ void await(uint64_t* barrier) {
  uint32_t done = 0;
  while (done == 0)
    asm volatile(
        "{\n.reg .pred p;\nmbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], 0;\n"
        "selp.u32 %0, 1, 0, p;\n}"
        : "=r"(done)
        : "r"(shared_address(barrier))
        : "memory");
}
#else
__device__ __forceinline__ int cluster_rank() { return 0; }
__device__ __forceinline__ void cluster_arrive() {}
__device__ __forceinline__ void cluster_wait() {}
__device__ __forceinline__ uint32_t address_in(const void*, int) { return 0; }
__device__ __forceinline__ int read_in(const int* p, int) { return *p; }
__device__ __forceinline__ void expect(uint64_t*, uint32_t) {}
__device__ __forceinline__ void send4(uint32_t, uint32_t, const float (&)[4]) {}
__device__ __forceinline__ void await(uint64_t*) {}
#endif

template <Decay D, bool Erase>
constexpr int kFloats = Erase                ? C* kSolve + C* kLower
                        : D == Decay::vector ? C* kLower
                                             : 0;
template <Decay D, bool Erase>
constexpr int kGroupBytes = (Erase ? 5 : 3) * C* kTile * 2 + kFloats<D, Erase> * 4 + 3 * N * 4;
template <Decay D, bool Erase>
constexpr int shared_bytes(bool cluster) {
  return kGroupBytes<D, Erase> * kGroups<Erase> + (cluster ? kStateFours * 16 : 0);
}

template <Decay D, bool Erase, bool Mix>
__global__ void __launch_bounds__(128 * kGroups<Erase>, 2)
    chunk_kernel(const __grid_constant__ ChunkIo p, const __grid_constant__ MixIo mix) {
  constexpr int M = kGroups<Erase>, kBytes = kGroupBytes<D, Erase>;
  constexpr bool kScalar = D == Decay::scalar, kVector = D == Decay::vector;
  extern __shared__ __align__(16) char all_raw[];
  __shared__ __align__(8) uint64_t barriers[4];
  __shared__ int taken;

  // ---- Which chunk of which head ----
  const int blocks = kCluster<D, Erase> == 1 ? 1 : p.cluster;
  const int rank = blocks > 1 ? cluster_rank() : 0;
  if (threadIdx.x == 0) {
    if (rank == 0) taken = atomicAdd(p.ticket, 1);
    if (rank != 0)
      for (uint64_t& barrier : barriers) expect(&barrier, kStateFours * 16 / 4);
  }
  int ticket;
  if (blocks > 1) {
    cluster_arrive();
    cluster_wait();
    ticket = read_in(&taken, 0);
    cluster_arrive();  // with a wait at the end: until then the first block's `taken` is there
  } else {
    __syncthreads();
    ticket = taken;
  }
  const int all_heads = p.heads * p.value_parts, s = ticket / all_heads % p.rows.segments;
  const int head = ticket % all_heads, h = head / p.value_parts;
  const int cluster = ticket / all_heads / p.rows.segments, chunk = cluster * blocks + rank;
  const DeviceSegment seg = p.rows.segment[s];
  const int chunks = (seg.count + C * M - 1) / (C * M);  // of C M tokens
  if (chunk >= chunks) {
    if (blocks > 1) cluster_wait();
    return;
  }

  const int group = threadIdx.x / 128;
  char* raw = all_raw + group * kBytes;
  bf16* tR = reinterpret_cast<bf16*>(raw);
  bf16* tK = tR + C * kTile;
  bf16* tV = tK + C * kTile;
  bf16* tA = tV + C * kTile;
  bf16* tB = tA + C * kTile;
  float* X =
      reinterpret_cast<float*>(Erase ? tB + C * kTile : tA);  // with erase [C][kSolve], A and Lak V, then W and U
  float* L = X + (Erase ? C * kSolve : 0);                    // with erase [C][kLower], Lab
  float* G = Erase ? X + 64 : X;                              // of a vector decay
  constexpr int kG = Erase ? kSolve : kLower;
  float* gc = X + kFloats<D, Erase>;  // scalar: G of the chunk; vector: half sums, then Mix: r . (k r_k) of the tokens
  float* pf = gc + N;                 // vector: P(0, C) of the keys; scalar: P(0, t)
  float* nf = pf + N;                 // vector: what is still to be multiplied into K, B; scalar: 1 / P(0, t)
  float* Mt = X;                      // [key'][kErased]: -W^T B, transposed
  // What the first of two chunks adds to the state lies where its K and V were.
  float4* across = reinterpret_cast<float4*>(reinterpret_cast<bf16*>(all_raw) + C * kTile);
  float4* inbox = reinterpret_cast<float4*>(all_raw + M * kBytes);  // [4 warps][8][32], from the block before

  // Half of the blocks with warps 3 .. 0: of a triangle warp 3 has the most.
  const int tid = threadIdx.x % 128, lane = tid & 31, g = lane >> 2, q = lane & 3;
  const int warp = tid >> 5 ^ (Erase && (static_cast<uint32_t>(ticket) * 2654435761u >> 31) != 0 ? 3 : 0);
  const int n = max(0, min(C, seg.count - (chunk * M + group) * C));
  const int64_t t0 = seg.first + (static_cast<int64_t>(chunk) * M + group) * C;
  const int64_t key_at = static_cast<int64_t>(h) * p.key + p.key_from;
  const int64_t value_at = static_cast<int64_t>(h) * p.value + head % p.value_parts * N;
  const int row0 = 16 * warp, c4 = (tid & 15) * 4;
  const auto at_keys = [&](const View& x) { return x.data + t0 * x.stride + key_at; };
  const auto at_values = [&](const View& x) { return x.data + t0 * x.stride + value_at; };

  const auto fetch = [&](float4(&x)[8], const float* from, int64_t stride) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int t = (tid >> 4) + 8 * i;
      x[i] = t < n ? load4(from + t * stride + c4) : make_float4(0, 0, 0, 0);
    }
  };
  float4 x[8], y[8], z[8];  // loads run ahead of their use
  bool slow = false;

  // ---- 1. Tiles ----
  float l0 = 0, l1 = 0;
  if constexpr (kScalar)
    if (warp == 0) {
      const float* w = p.w.data + t0 * p.w.stride + h;
      l0 = 2 * lane < n ? fmaxf(w[2 * lane * p.w.stride], kLeastLog) : 0.0f;
      l1 = 2 * lane + 1 < n ? fmaxf(w[(2 * lane + 1) * p.w.stride], kLeastLog) : 0.0f;
    }
  if constexpr (kVector) fetch(x, at_keys(p.w), p.w.stride);
  fetch(y, at_values(p.v), p.v.stride);
  if constexpr (kVector) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int t = (tid >> 4) + 8 * i;
      if constexpr (Mix) {
        const auto decay = [&](float w) { return t < n ? -0.60653065971263342f * fast_sigmoid(w) : 0.0f; };  // e^-1/2
        x[i] = make_float4(decay(x[i].x), decay(x[i].y), decay(x[i].z), decay(x[i].w));
      }
      *reinterpret_cast<float4*>(G + t * kG + c4) = x[i];
    }
  }
  fetch(z, at_keys(p.k), p.k.stride);
  float4 u[Mix ? 8 : 1];
  if constexpr (Mix) {
    if (mix.v_first.data != nullptr) {
      fetch(x, at_values(mix.v_first), mix.v_first.stride);
      fetch(u, at_values(mix.v_gate), mix.v_gate.stride);
    }
  } else if constexpr (Erase) {
    fetch(x, at_keys(p.r), p.r.stride);
  }
  if constexpr (kVector) {
    __syncthreads();
    const int key = tid & 63, half = tid >> 6;
    float sums[32], sum = 0;
#pragma unroll
    for (int i = 0; i < 32; ++i) sums[i] = G[(32 * half + i) * kG + key];
#pragma unroll
    for (int i = 0; i < 32; ++i) sums[i] = sum = sum + fmaxf(sums[i], kLeastLog);
    if (half == 0) gc[key] = sum;
    __syncthreads();
    const float before = half != 0 ? gc[key] : 0.0f;
#pragma unroll
    for (int i = 0; i < 32; ++i) G[(32 * half + i) * kG + key] = sums[i] + before;
    slow = __syncthreads_or(half != 0 && sum + before < kFastLimit) != 0;
    if (Mix) slow = false;  // 64 times the least of RWKV-7's decays is -39
    if (half != 0) {
      pf[key] = ex(sum + before);
      nf[key] = slow ? 1.0f : ex(sum + before);
    }
  }
  if constexpr (kScalar) {
    if (warp == 0) {
      float sum = l0 + l1;
#pragma unroll
      for (int d = 1; d < 32; d *= 2) {
        const float from = __shfl_up_sync(~0u, sum, d);
        if (lane >= d) sum += from;
      }
      gc[2 * lane + 1] = sum;
      gc[2 * lane] = sum - l1;
      pf[2 * lane] = ex(sum - l1), pf[2 * lane + 1] = ex(sum);
      nf[2 * lane] = ex(l1 - sum), nf[2 * lane + 1] = ex(-sum);  // used where G > kFastLimit
    }
    __syncthreads();
  }
  // As with a vector decay, R, A times P(0, t) and K, B by it; else the products of pairs are multiplied by P(s, t).
  const bool near = kScalar && gc[63] > kFastLimit;
  const auto times = [](float4 v, float f) { return make_float4(v.x * f, v.y * f, v.z * f, v.w * f); };
  const auto decayed = [&](float4 v, int t, auto f) {  // times exp(f(G))
    const float4 e = t < 0 ? make_float4(0, 0, 0, 0) : *reinterpret_cast<const float4*>(G + t * kG + c4);
    return make_float4(v.x * ex(f(e.x, 0)), v.y * ex(f(e.y, 1)), v.z * ex(f(e.z, 2)), v.w * ex(f(e.w, 3)));
  };
  const auto plus = [](float e, int) { return e; };
  const auto minus = [&](float e, int j) { return slow ? G[63 * kG + c4 + j] - e : -e; };
  if constexpr (Mix) {
    if (mix.v_first.data != nullptr)
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        y[i].x += (x[i].x - y[i].x) * fast_sigmoid(u[i].x);
        y[i].y += (x[i].y - y[i].y) * fast_sigmoid(u[i].y);
        y[i].z += (x[i].z - y[i].z) * fast_sigmoid(u[i].z);
        y[i].w += (x[i].w - y[i].w) * fast_sigmoid(u[i].w);
      }
    fetch(x, at_keys(p.a), p.a.stride);
    fetch(u, at_keys(p.r), p.r.stride);
#pragma unroll
    for (int i = 0; i < 8; ++i) put4(tV + ((tid >> 4) + 8 * i) * kTile + c4, y[i]);
    const float4 k_k = load4(mix.k_k + key_at + c4), k_a = load4(mix.k_a + key_at + c4),
                 r_k = load4(mix.r_k + key_at + c4);
    const auto over_head = [](float sum) {  // of the 16 lanes that hold a token's keys
#pragma unroll
      for (int d = 8; d > 0; d /= 2) sum += __shfl_xor_sync(~0u, sum, d);
      return sum;
    };
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int t = (tid >> 4) + 8 * i;
      float4 kk = make_float4(z[i].x * k_k.x, z[i].y * k_k.y, z[i].z * k_k.z, z[i].w * k_k.w);
      const float square = over_head(kk.x * kk.x + kk.y * kk.y + kk.z * kk.z + kk.w * kk.w);
      const float per = 1 / (mix.key_eps == 0 ? fmaxf(sqrtf(square), 1e-12f) : sqrtf(square + mix.key_eps));
      kk = make_float4(kk.x * per, kk.y * per, kk.z * per, kk.w * per);
      const float4 rate =
          make_float4(fast_sigmoid(x[i].x), fast_sigmoid(x[i].y), fast_sigmoid(x[i].z), fast_sigmoid(x[i].w));
      const float4 k = make_float4(z[i].x * (1 + (rate.x - 1) * k_a.x), z[i].y * (1 + (rate.y - 1) * k_a.y),
                                   z[i].z * (1 + (rate.z - 1) * k_a.z), z[i].w * (1 + (rate.w - 1) * k_a.w));
      const float bonus =
          over_head(u[i].x * k.x * r_k.x + u[i].y * k.y * r_k.y + u[i].z * k.z * r_k.z + u[i].w * k.w * r_k.w);
      if ((tid & 15) == 0) gc[t] = bonus;
      const float4 b = make_float4(kk.x * rate.x, kk.y * rate.y, kk.z * rate.z, kk.w * rate.w);
      const float4 a = decayed(kk, t - 1, plus);
      put4(tB + t * kTile + c4, decayed(b, t, minus));
      put4(tK + t * kTile + c4, decayed(k, t, minus));
      put4(tR + t * kTile + c4, decayed(u[i], t, plus));
      put4(tA + t * kTile + c4, a);
      *reinterpret_cast<float4*>(X + t * kSolve + c4) = a;
    }
  } else {
#pragma unroll
    for (int i = 0; i < 8; ++i) put4(tV + ((tid >> 4) + 8 * i) * kTile + c4, y[i]);
    if constexpr (Erase)
      fetch(y, at_keys(p.b), p.b.stride);
    else
      fetch(x, at_keys(p.r), p.r.stride);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int t = (tid >> 4) + 8 * i;
      if constexpr (kVector) z[i] = decayed(z[i], t, minus);
      if (kScalar && near) z[i] = times(z[i], nf[t]);
      put4(tK + t * kTile + c4, z[i]);
    }
    if constexpr (Erase) fetch(z, at_keys(p.a), p.a.stride);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int t = (tid >> 4) + 8 * i;
      if constexpr (kVector) x[i] = decayed(x[i], t, plus);
      if (kScalar && near) x[i] = times(x[i], pf[t]);
      put4(tR + t * kTile + c4, x[i]);
    }
    if constexpr (Erase) {
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        const int t = (tid >> 4) + 8 * i;
        if constexpr (kVector) y[i] = decayed(y[i], t, minus);
        if (kScalar && near) y[i] = times(y[i], nf[t]);
        put4(tB + t * kTile + c4, y[i]);
      }
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        const int t = (tid >> 4) + 8 * i;
        if constexpr (kVector) z[i] = decayed(z[i], t - 1, plus);
        if (kScalar && near && t > 0) z[i] = times(z[i], pf[t - 1]);
        put4(tA + t * kTile + c4, z[i]);
        if constexpr (!kVector) {  // the same rounded a everywhere
          const float2 lo = unpack(pack(z[i].x, z[i].y)), hi = unpack(pack(z[i].z, z[i].w));
          z[i] = make_float4(lo.x, lo.y, hi.x, hi.y);
        }
        *reinterpret_cast<float4*>(X + t * kSolve + c4) = z[i];
      }
    }
  }
  __syncthreads();

  // ---- 2. Lab, Lak V, Lrk V, Lrb ----
  Fragment fr, lrk, lrb;
  load_rows(fr, tR, kTile, row0, lane);
  const auto between = [&](int t, int from, bool before) {  // P(from, t), or P(from, t-1)
    if (before) return from < t ? (kScalar ? ex(gc[t - 1] - gc[from]) : 1.0f) : 0.0f;
    return from <= t ? (kScalar ? ex(gc[t] - gc[from]) : 1.0f) : 0.0f;
  };
  const auto masked = [&](Sums& c, bool before) {
    if (kScalar && !near) {
#pragma unroll 1
      for (int j = 0; j < 2; ++j) {
        const int t = row0 + g + 8 * j;
#pragma unroll
        for (int i = 0; i < 8; ++i)
#pragma unroll
          for (int e = 0; e < 2; ++e) {
            const float f = between(t, 8 * i + 2 * q + e, before);
            c[i][e] *= j == 0 ? f : 1.0f;
            c[i][2 + e] *= j == 1 ? f : 1.0f;
          }
      }
    }
#pragma unroll
    for (int i = 0; i < 8; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const int t = row0 + g + j / 2 * 8, from = 8 * i + 2 * q + j % 2;
        c[i][j] = (before ? from < t : from <= t) ? c[i][j] : 0.0f;
      }
  };
  Sums local;  // o but for S_0
  bool walked = false;
  if constexpr (kVector && !Mix) {
    if (slow) {
      walked = true;
      const float *r = at_keys(p.r), *k = at_keys(p.k), *w = at_keys(p.w);
      const float* a = Erase ? at_keys(p.a) : nullptr;
      const float* b = Erase ? at_keys(p.b) : nullptr;
      for (int t = row0; t < row0 + 16; ++t) {
        bf16* row_rk = reinterpret_cast<bf16*>(G + t * kG);
        float2 ya = make_float2(0, 0), yr = ya;
        if (t < n) {
          yr = load2(r + t * p.r.stride + 2 * lane);
          if (Erase) ya = load2(a + t * p.a.stride + 2 * lane);
        }
        for (int from = 63; from >= 0; --from) {
          float rk = 0, rb = 0, ak = 0, ab = 0;
          if (from <= t && t < n) {
            if (from < t) {
              const float2 l = load2(w + (from + 1) * p.w.stride + 2 * lane);
              const float wx = ex(l.x), wy = ex(l.y);
              yr.x *= wx, yr.y *= wy;
              if (from < t - 1) ya.x *= wx, ya.y *= wy;
            }
            const float2 k2 = load2(k + from * p.k.stride + 2 * lane);
            rk = yr.x * k2.x + yr.y * k2.y;
            if (Erase) {
              const float2 b2 = load2(b + from * p.b.stride + 2 * lane);
              rb = yr.x * b2.x + yr.y * b2.y;
              if (from < t) ak = ya.x * k2.x + ya.y * k2.y, ab = ya.x * b2.x + ya.y * b2.y;
            }
            rk = warp_sum(rk);
            if (Erase) rb = warp_sum(rb), ak = warp_sum(ak), ab = warp_sum(ab);
          }
          if (lane == 0) {
            row_rk[from] = __float2bfloat16(rk);
            if (Erase) {
              row_rk[64 + from] = __float2bfloat16(rb);
              tA[t * kTile + from] = __float2bfloat16(ak);
              L[t * kLower + from] = ab;
            }
          }
        }
      }
      __syncwarp();
      load_rows(lrk, reinterpret_cast<bf16*>(G), 2 * kG, row0, lane);
      if (Erase) load_rows(lrb, reinterpret_cast<bf16*>(G) + 64, 2 * kG, row0, lane);
      __syncwarp();
      if constexpr (Erase) {
        Fragment lak;
        load_rows(lak, tA, kTile, row0, lane);
        clear(local);
        multiply(local, lak, tV, warp, lane);
      }
    }
  }
  if (!walked) {
    if constexpr (Erase) {
      Fragment fa, lak;
      load_rows(fa, tA, kTile, row0, lane);
      clear(local);
      multiply_transposed(local, fa, tB, warp, lane);
      masked(local, true);
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        store2(L + (row0 + g) * kLower + 8 * i + 2 * q, local[i][0], local[i][1]);
        store2(L + (row0 + g + 8) * kLower + 8 * i + 2 * q, local[i][2], local[i][3]);
      }
      clear(local);
      multiply_transposed(local, fr, tB, warp, lane);
      masked(local, false);
      to_fragment(lrb, local);
      clear(local);
      multiply_transposed(local, fr, tK, warp, lane);
      masked(local, false);
      to_fragment(lrk, local);
      clear(local);
      multiply_transposed(local, fa, tK, warp, lane);
      masked(local, true);
      to_fragment(lak, local);
      clear(local);
      multiply(local, lak, tV, warp, lane);
    } else {
      clear(local);
      multiply_transposed(local, fr, tK, warp, lane);
      masked(local, false);
      to_fragment(lrk, local);
    }
  }
  if constexpr (Erase) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      store2(X + (row0 + g) * kSolve + 64 + 8 * i + 2 * q, local[i][0], local[i][1]);
      store2(X + (row0 + g + 8) * kSolve + 64 + 8 * i + 2 * q, local[i][2], local[i][3]);
    }
  }
  clear(local);
  multiply(local, lrk, tV, warp, lane);
  if (Erase || kScalar) __syncthreads();

  // ---- 3. K, B of a scalar decay; forward substitution, a column a thread ----
  if (kScalar && !near) {
    const float last = gc[63];
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int t = (tid >> 4) + 8 * i;
      const float e = ex(last - gc[t]);
      const auto by = [&](bf16* tile) {
        uint2* at = reinterpret_cast<uint2*>(tile + t * kTile + c4);
        const float2 lo = unpack(at->x), hi = unpack(at->y);
        *at = make_uint2(pack(lo.x * e, lo.y * e), pack(hi.x * e, hi.y * e));
      };
      by(tK);
      if constexpr (Erase) by(tB);
    }
  }
  if constexpr (Erase) {
    // In steps of 16 rows. First the inverses of the 16 x 16 blocks on the diagonal in their place, a warp each, a lane
    // for a column. Then a warp has 32 columns for itself: what the rows before take from the next 16 is a product
    // (tf32), and so is what the inverse makes of the rest.
    const int own = tid / 32, column0 = 32 * own;
    {
      float* l = L + 16 * own * kLower + 16 * own;
      float inverse[16];
#pragma unroll
      for (int i = 0; i < 16; ++i) {
        inverse[i] = lane % 16 == i ? 1.0f : 0.0f;
#pragma unroll
        for (int from = 0; from < i; from += 4) {
          const float4 f = *reinterpret_cast<const float4*>(l + i * kLower + from);
          inverse[i] = fmaf(-f.x, inverse[from], inverse[i]);
          if (from + 1 < i) inverse[i] = fmaf(-f.y, inverse[from + 1], inverse[i]);
          if (from + 2 < i) inverse[i] = fmaf(-f.z, inverse[from + 2], inverse[i]);
          if (from + 3 < i) inverse[i] = fmaf(-f.w, inverse[from + 3], inverse[i]);
        }
      }
      __syncwarp();
      if (lane < 16)
#pragma unroll
        for (int i = 0; i < 16; ++i) l[i * kLower + lane] = inverse[i];
    }
    if (kScalar && !near && tid < 64) {  // A of a
      for (int t = 1; t < C; ++t) X[t * kSolve + tid] *= pf[t - 1];
    }
    __syncthreads();
    bf16* out = column0 < 64 ? tA + column0 : tR + column0 - 64;  // -W and -U
#pragma unroll 1
    for (int block = 0; block < 4; ++block) {
      float* rows = X + 16 * block * kSolve + column0;
      const float* l = L + 16 * block * kLower;
      float sums[4][4];
      const auto keep = [&] {
#pragma unroll
        for (int m = 0; m < 4; ++m) {
          store2(rows + g * kSolve + 8 * m + 2 * q, sums[m][0], sums[m][1]);
          store2(rows + (g + 8) * kSolve + 8 * m + 2 * q, sums[m][2], sums[m][3]);
        }
      };
      const auto left = [&](int from, float(&a)[4]) {  // of the rows' factors, 8 from `from` on
        a[0] = l[g * kLower + from + q], a[1] = l[(g + 8) * kLower + from + q];
        a[2] = l[g * kLower + from + q + 4], a[3] = l[(g + 8) * kLower + from + q + 4];
      };
      float a[4];
      if (block != 0) {
#pragma unroll
        for (int m = 0; m < 4; ++m) {
          const float2 lo = load2(rows + g * kSolve + 8 * m + 2 * q),
                       hi = load2(rows + (g + 8) * kSolve + 8 * m + 2 * q);
          sums[m][0] = lo.x, sums[m][1] = lo.y, sums[m][2] = hi.x, sums[m][3] = hi.y;
        }
#pragma unroll 2
        for (int from = 0; from < 16 * block; from += 8) {
          left(from, a);
          const uint32_t minus_l[4] = {tf32(-a[0]), tf32(-a[1]), tf32(-a[2]), tf32(-a[3])};
#pragma unroll
          for (int m = 0; m < 4; ++m) {
            const float* at = X + (from + q) * kSolve + column0 + 8 * m + g;
            mma_tf32(sums[m], minus_l, tf32(at[0]), tf32(at[4 * kSolve]));
          }
        }
        keep();
        __syncwarp();
      }
#pragma unroll
      for (int m = 0; m < 4; ++m)
#pragma unroll
        for (int i = 0; i < 4; ++i) sums[m][i] = 0;
#pragma unroll
      for (int from = 0; from < 16; from += 8) {
        left(16 * block + from, a);
        const uint32_t inverse[4] = {tf32(a[0]), tf32(a[1]), tf32(a[2]), tf32(a[3])};
#pragma unroll
        for (int m = 0; m < 4; ++m) {
          const float* at = rows + (from + q) * kSolve + 8 * m + g;
          mma_tf32(sums[m], inverse, tf32(at[0]), tf32(at[4 * kSolve]));
        }
      }
      __syncwarp();
      if (block != 3) keep();
#pragma unroll
      for (int m = 0; m < 4; ++m) {
        put2(out + (16 * block + g) * kTile + 8 * m + 2 * q, -sums[m][0], -sums[m][1]);
        put2(out + (16 * block + g + 8) * kTile + 8 * m + 2 * q, -sums[m][2], -sums[m][3]);
      }
      __syncwarp();
    }
  }
  if (Erase || kScalar) __syncthreads();

  // ---- 4. What multiplies the state before the chunk, and what is added to it ----
  Fragment rq;
  {
    Sums c;
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const float2 r2 = unpack(fr[i][j]);
        const float e = kScalar && !near ? pf[row0 + g + j % 2 * 8] : 1.0f;
        c[2 * i + j / 2][j % 2 * 2] = r2.x * e;
        c[2 * i + j / 2][j % 2 * 2 + 1] = r2.y * e;
      }
    if constexpr (Erase) {
      multiply(local, lrb, tR, warp, lane);
      multiply(c, lrb, tA, warp, lane);
    }
    to_fragment(rq, c);
  }
  Sums add;
  clear(add);
  const float late = kScalar && near ? pf[63] : 1.0f;  // what K and B of a scalar decay are still to be multiplied with
  {
    Fragment f;
    if constexpr (Erase) {
      Sums c;
      clear(c);
      load_columns(f, tA, row0, lane);
      multiply(c, f, tB, 3, lane);
#pragma unroll
      for (int i = 0; i < 8; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          const int to = 8 * i + 2 * q + j % 2;
          const float e = kVector ? c[i][j] * nf[to] : c[i][j] * late;
          Mt[to * kErased + row0 + g + j / 2 * 8] = __uint_as_float(tf32(e));
        }
      load_columns(f, tR, row0, lane);
      multiply(add, f, tB, 3, lane);
    }
    load_columns(f, tV, row0, lane);
    multiply(add, f, tK, 3, lane);
  }
  if constexpr (kVector || kScalar)
#pragma unroll
    for (int i = 0; i < 8; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j) add[i][j] *= kVector ? nf[8 * i + 2 * q + j % 2] : late;
  __syncthreads();  // K and V are used up (V with Mix not yet)
  if constexpr (M == 2) {
    if (group == 0)
#pragma unroll
      for (int i = 0; i < 8; ++i)
        across[(warp * 8 + i) * 32 + lane] = make_float4(add[i][0], add[i][1], add[i][2], add[i][3]);
    __syncthreads();
  }
  const auto earlier = [&](const float* at) {
    return reinterpret_cast<const float*>(reinterpret_cast<const char*>(at) - kBytes);
  };
  const auto whole = [&](int i, int j, bool first) {  // P(0, C) of this chunk, or of the first of two
    if (kScalar) return (first ? earlier(pf) : pf)[63];
    if (kVector) return (first ? earlier(pf) : pf)[8 * i + 2 * q + j % 2];
    return 1.0f;
  };

  // ---- 5. The state: from the chunk before, to the chunk after; a warp's 16 values by themselves ----
  bf16* tS = Erase ? tK : tR;  // S_0, for the outputs
  if (group == M - 1) {
    Sums S;
    if constexpr (M == 2)
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        const float4 f = across[(warp * 8 + i) * 32 + lane];
        const float first[4] = {f.x, f.y, f.z, f.w};
#pragma unroll
        for (int j = 0; j < 4; ++j) add[i][j] = fmaf(first[j], whole(i, j, false), add[i][j]);
      }
    const int64_t place = h * static_cast<int64_t>(p.key) * p.value + static_cast<int64_t>(p.key_from) * p.value +
                          head % p.value_parts * N;
    constexpr bool kMayBeHalf = D != Decay::none || Erase;  // sums that only grow are not: fewer registers
    const bool half = kMayBeHalf && p.half;
    char* const state = seg.state + p.state + place * (half ? 2 : 4);
    float* const floats = reinterpret_cast<float*>(state);
    __half* const halves = reinterpret_cast<__half*>(state);
    const auto element = [&](int i, int j) {
      return static_cast<int64_t>(8 * i + 2 * q + j % 2) * p.value + row0 + g + j / 2 * 8;
    };
    // A segment has as many slots of the ring as it needs, up to kRing: those before it took no more than these.
    const int slots = min(s * kRing, static_cast<int>(seg.first / (C * M * blocks)) + s);
    const auto ring = [&](int at) {
      return p.ring + (static_cast<int64_t>(slots + at % kRing) * all_heads + head) * kStateFours + warp * 256 + lane;
    };
    int* reached = p.reached + (static_cast<int64_t>(s) * all_heads + head) * 4 + warp;
    if (chunk == 0) {
#pragma unroll
      for (int i = 0; i < 8; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) S[i][j] = half ? widen(halves[element(i, j)]) : floats[element(i, j)];
    } else if (rank != 0) {
      await(barriers + warp);
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        const float4 f = inbox[(warp * 8 + i) * 32 + lane];
        S[i][0] = f.x, S[i][1] = f.y, S[i][2] = f.z, S[i][3] = f.w;
      }
    } else {
      if (cluster > kNear) {  // not near yet: look seldom. What is near is not older than a round of the ring.
        const volatile int* now = reached;
        while (*now < cluster - kNear) __nanosleep(40);
      }
      const float4* from = ring(cluster - 1);
      const bool odd = ((cluster - 1) / kRing + 1) % 2 != 0;
      while (true) {
        uint32_t all = 1;
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          uint32_t bits[4];
          asm volatile("ld.volatile.global.v4.u32 {%0,%1,%2,%3}, [%4];"
                       : "=r"(bits[0]), "=r"(bits[1]), "=r"(bits[2]), "=r"(bits[3])
                       : "l"(from + 32 * i)
                       : "memory");
#pragma unroll
          for (int j = 0; j < 4; ++j) {
            all &= odd ? bits[j] : ~bits[j];
            S[i][j] = __uint_as_float(bits[j]);
          }
        }
        if (__all_sync(~0u, all & 1)) break;
      }
    }
    {
      Sums next;
#pragma unroll
      for (int i = 0; i < 8; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          const float w = M == 2 ? whole(i, j, true) * whole(i, j, false) : whole(i, j, false);
          next[i][j] = fmaf(S[i][j], w, add[i][j]);
        }
      if constexpr (Erase) {
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          const uint32_t f[4] = {tf32(S[i][0]), tf32(S[i][2]), tf32(S[i][1]), tf32(S[i][3])};
#pragma unroll
          for (int m = 0; m < 8; ++m) {
            const uint2 b = *reinterpret_cast<const uint2*>(Mt + (8 * m + g) * kErased + 8 * i + 2 * q);
            mma_tf32(next[m], f, b.x, b.y);
          }
        }
      }
      if (chunk == chunks - 1 && half) {
        const DeviceSegment& again = p.rows.segment[s];  // not kept in registers
        StateThresholds by = thresholds<__half>(again, 0, halves + element(0, 0) - kept_at<__half>(again, 0));
#pragma unroll
        for (int i = 0; i < 8; ++i)
#pragma unroll
          for (int j = 0; j < 4; j += 2)
            store_two(halves + element(i, j), halves + element(i, j + 1), true, next[i][j], next[i][j + 1], by);
      } else if (chunk == chunks - 1) {
#pragma unroll
        for (int i = 0; i < 8; ++i)
#pragma unroll
          for (int j = 0; j < 4; ++j) floats[element(i, j)] = next[i][j];
      } else if (rank < blocks - 1) {
        const uint32_t to = address_in(inbox + warp * 256 + lane, rank + 1);
        const uint32_t barrier = address_in(barriers + warp, rank + 1);
#pragma unroll
        for (int i = 0; i < 8; ++i) send4(to + i * 512, barrier, next[i]);
      } else {
        float4* to = ring(cluster);
        const uint32_t odd = (cluster / kRing + 1) & 1;
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          uint32_t bits[4];
#pragma unroll
          for (int j = 0; j < 4; ++j) bits[j] = (__float_as_uint(next[i][j]) & ~1u) | odd;
          asm volatile("st.volatile.global.v4.u32 [%0], {%1,%2,%3,%4};" ::"l"(to + 32 * i), "r"(bits[0]), "r"(bits[1]),
                       "r"(bits[2]), "r"(bits[3])
                       : "memory");
        }
        __threadfence();
        __syncwarp();
        if (lane == 0) atomicMax(reached, cluster + 1);  // never back
      }
    }
    if constexpr (M == 2) {  // the first chunk's state, then this one's
      bf16* to = tS - kBytes / 2;
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        put2(to + (row0 + g) * kTile + 8 * i + 2 * q, S[i][0], S[i][1]);
        put2(to + (row0 + g + 8) * kTile + 8 * i + 2 * q, S[i][2], S[i][3]);
        const float4 f = across[(warp * 8 + i) * 32 + lane];
        const float first[4] = {f.x, f.y, f.z, f.w};
#pragma unroll
        for (int j = 0; j < 4; ++j) S[i][j] = fmaf(S[i][j], whole(i, j, true), first[j]);
      }
    }
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      put2(tS + (row0 + g) * kTile + 8 * i + 2 * q, S[i][0], S[i][1]);
      put2(tS + (row0 + g + 8) * kTile + 8 * i + 2 * q, S[i][2], S[i][3]);
    }
  }
  __syncthreads();

  // ---- 6. Outputs ----
  multiply_transposed(local, rq, tS, 3, lane);
#pragma unroll
  for (int j = 0; j < 2; ++j) {
    const int t = row0 + g + 8 * j;
    float* o = p.o + (t0 + t) * p.o_stride + value_at + 2 * q;
    if constexpr (Mix) {
      const auto over_head = [](float sum) {  // of the 4 lanes that hold a token's values
        sum += __shfl_xor_sync(~0u, sum, 1);
        return sum + __shfl_xor_sync(~0u, sum, 2);
      };
      float sum = 0, square = 0;
#pragma unroll
      for (int i = 0; i < 8; ++i) sum += local[i][2 * j] + local[i][2 * j + 1];
      const float mean = over_head(sum) / N;
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        const float x0 = local[i][2 * j] - mean, x1 = local[i][2 * j + 1] - mean;
        square += x0 * x0 + x1 * x1;
      }
      const float scale = 1 / sqrtf(over_head(square) / N + mix.group_eps), bonus = gc[t];
      if (t >= n) continue;
      const float* gate = at_values(mix.gate) + t * mix.gate.stride + 2 * q;
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        const float2 w = load2(mix.ln_w + value_at + 8 * i + 2 * q), b = load2(mix.ln_b + value_at + 8 * i + 2 * q);
        const float2 v = unpack(*reinterpret_cast<const uint32_t*>(tV + t * kTile + 8 * i + 2 * q));
        const float2 by = load2(gate + 8 * i);
        const float y0 = ((local[i][2 * j] - mean) * scale * w.x + b.x + bonus * v.x) * by.x;
        const float y1 = ((local[i][2 * j + 1] - mean) * scale * w.y + b.y + bonus * v.y) * by.y;
        put_operand2(mix.operand, p.o, (t0 + t) * p.o_stride + value_at + 2 * q + 8 * i, y0, y1);
      }
    } else if (t < n) {
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        float o0 = local[i][2 * j], o1 = local[i][2 * j + 1];
        if (p.add) {
          const float2 others = load2(o + 8 * i);
          o0 += others.x, o1 += others.y;
        }
        store2(o + 8 * i, o0, o1);
      }
    }
  }
  if (blocks > 1) cluster_wait();
}

template <Decay D, bool Erase, bool Mix>
void run(gpu_exec& exec, ChunkIo p, const MixIo& mix) {
  const auto kernel = chunk_kernel<D, Erase, Mix>;
  constexpr int kTokens = C * kGroups<Erase>;
  const int chunks = static_cast<int>(ceil_div(p.rows.longest, kTokens));
  const int most = exec.device.properties.major < 9 ? 1 : kCluster<D, Erase>;
  p.cluster = most;
  while (p.cluster > chunks) p.cluster /= 2;
  const int bytes = shared_bytes<D, Erase>(p.cluster > 1);
  const int64_t heads = static_cast<int64_t>(p.heads) * p.value_parts, clusters = ceil_div(chunks, p.cluster);
  const int64_t slots = std::min<int64_t>(static_cast<int64_t>(p.rows.segments) * kRing,
                                          p.rows.count / (kTokens * p.cluster) + p.rows.segments + kRing);
  const int64_t ring_bytes = slots * heads * kStateFours * 16, reached_bytes = p.rows.segments * heads * 16;
  char* at = static_cast<char*>(exec.chain.need(static_cast<uint64_t>(ring_bytes + reached_bytes + 16)));
  p.ring = reinterpret_cast<float4*>(at);
  p.reached = reinterpret_cast<int*>(at + ring_bytes);
  p.ticket = reinterpret_cast<int*>(at + ring_bytes + reached_bytes);
  const int64_t blocks = clusters * heads * p.rows.segments * p.cluster;
  const Timed timed(exec, Mix ? "head_mix of chunks" : "scan of chunks", blocks);
  check(cudaMemsetAsync(at, 0, static_cast<size_t>(ring_bytes + reached_bytes + 16), exec.stream), "cudaMemsetAsync");
  // No more than is used: some devices have 99 KB for a block.
  static const cudaError_t allowed =
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes<D, Erase>(most > 1));
  check(allowed, "chunk_scan's shared memory");
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(128 * kGroups<Erase>);
  config.dynamicSmemBytes = static_cast<size_t>(bytes);
  config.stream = exec.stream;
  cudaLaunchAttribute cluster{};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {static_cast<unsigned>(p.cluster), 1, 1};
  config.attrs = &cluster;
  config.numAttrs = p.cluster > 1 ? 1 : 0;
  check(cudaLaunchKernelEx(&config, kernel, p, mix), "chunk_scan");
}

View view(const gpu_tensor& t) { return {t.data, t.stride}; }
bool aligned(const gpu_tensor& t) {
  return t.data == nullptr || (reinterpret_cast<uintptr_t>(t.data) % 16 == 0 && t.stride % 4 == 0);
}

}  // namespace

bool chunk_scan(gpu_exec& exec, const gpu_scan& io, const DeviceRows& rows) {
  const bool erase = io.erase != 0;
  if (!exec.device.bf16 || rows.longest < kLeastChunkTokens || io.value % N != 0 || io.key % N != 0) return false;
  if (erase && io.key != N) return false;
  if (io.half != 0 && !erase && static_cast<Decay>(io.decay) == Decay::none) return false;
  for (const gpu_tensor* t : {&io.o, &io.r, &io.k, &io.v})
    if (!aligned(*t)) return false;
  if (erase && (!aligned(io.a) || !aligned(io.b))) return false;
  const Decay decay = static_cast<Decay>(io.decay);
  if (decay == Decay::vector && !aligned(io.log_w)) return false;
  ChunkIo p{};
  p.r = view(io.r), p.k = view(io.k), p.v = view(io.v), p.a = view(io.a), p.b = view(io.b), p.w = view(io.log_w);
  p.o = io.o.data;
  p.o_stride = io.o.stride;
  p.rows = rows;
  p.state = io.state;
  p.half = io.half != 0;
  p.heads = static_cast<int>(io.heads);
  p.value_parts = static_cast<int>(io.value / N);
  p.key = static_cast<int>(io.key);
  p.value = static_cast<int>(io.value);
  for (; p.key_from < p.key; p.key_from += N) {  // without erase keys do not know of each other
    p.add = p.key_from != 0;
    switch (decay) {
      case Decay::none:
        erase ? run<Decay::none, true, false>(exec, p, {}) : run<Decay::none, false, false>(exec, p, {});
        break;
      case Decay::scalar:
        erase ? run<Decay::scalar, true, false>(exec, p, {}) : run<Decay::scalar, false, false>(exec, p, {});
        break;
      case Decay::vector:
        erase ? run<Decay::vector, true, false>(exec, p, {}) : run<Decay::vector, false, false>(exec, p, {});
        break;
    }
  }
  return true;
}

void chunk_head_mix(gpu_exec& exec, const gpu_head_mix& io, const DeviceRows& rows) {
  ChunkIo p{};
  p.r = view(io.r), p.k = view(io.k), p.v = view(io.v), p.a = view(io.a), p.w = view(io.w);
  p.o = io.o.data;
  p.o_stride = io.o.stride;
  const Operand operand = leave_operand(exec, io.o, io.reader);
  if (operand != Operand::f32) p.o_stride = round_up(io.o.cols, 8);
  p.rows = rows;
  p.state = io.state;
  p.half = io.half != 0;
  p.heads = static_cast<int>(io.heads);
  p.value_parts = 1;
  p.key = p.value = N;
  const MixIo mix{view(io.v_first),
                  view(io.b),
                  view(io.g),
                  io.k_k,
                  io.k_a,
                  io.ln_w,
                  io.ln_b,
                  io.r_k,
                  io.key_eps,
                  io.group_eps,
                  static_cast<int>(operand)};
  run<Decay::vector, true, true>(exec, p, mix);
}

}  // namespace recurra::gpu
