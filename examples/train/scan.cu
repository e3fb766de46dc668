// RWKV-7's recurrence for training, forward and backward, one block per sequence and head, one thread per row of the state.
//
//   S_t = S_{t-1} (diag(e^{lw_t}) + a_t b_t^T) + v_t k_t^T        y_t = S_t q_t           S: [V, K], N = 64
//
// lw, q, k, v, a, b, y: [B, T, H, N] bf16; s0, s1: [B, H, V, K] float32, before and after; kept: [B, H, T/every, K, V] float32, S
// after each `every` steps, a power of two up to 16; sa = S_{t-1} a: [B, T, H, N] float32. The backward pass walks back from each
// kept state by inverting the update, as BlinkDL's wkv7 kernel does (RWKV-LM, RWKV-v7/train_temp/cuda): exact enough in float32 while
// the decays of `every` steps multiply to no less than e^-10. RWKV-7's are at least e^-0.607, so 16 steps will do; those of others
// are not bounded. s0 gets no gradient: training truncates there. Without ERASE there are no a and b, nor anything made of them.
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <cstdint>

constexpr int N = 64, C = 16;
using bf = __nv_bfloat16;

// 16 rows of 64 bf16 (row t at p + t * stride) to float32 in shared memory, by 64 threads.
__device__ void fetch(float (*to)[N], const bf* p, int64_t stride, int i) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = i / 8 + 8 * half, column = (i % 8) * 8;
    const uint4 raw = *reinterpret_cast<const uint4*>(p + row * stride + column);
    const __nv_bfloat162* two = reinterpret_cast<const __nv_bfloat162*>(&raw);
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const float2 f = __bfloat1622float2(two[j]);
      to[row][column + 2 * j] = f.x;
      to[row][column + 2 * j + 1] = f.y;
    }
  }
}

template <bool ERASE>
__global__ void __launch_bounds__(N) forward(int T, int H, int every, const bf* lw_, const bf* q_, const bf* k_, const bf* v_, const bf* a_,
                                             const bf* b_, const float* s0, bf* y_, float* s1, float* kept, float* sa_) {
  const int h = blockIdx.x, bb = blockIdx.y, i = threadIdx.x;
  const int64_t stride = (int64_t)H * N, base = ((int64_t)bb * T * H + h) * N, head = (int64_t)bb * H + h;
  __shared__ __align__(16) float q[C][N], w[C][N], k[C][N], a[C][N], b[C][N], v[C][N];
  float s[N];
#pragma unroll
  for (int j = 0; j < N; j += 4) {
    const float4 x = *reinterpret_cast<const float4*>(s0 + head * N * N + i * N + j);
    s[j] = x.x; s[j + 1] = x.y; s[j + 2] = x.z; s[j + 3] = x.w;
  }
  for (int t0 = 0; t0 < T; t0 += C) {
    const int64_t at = base + t0 * stride;
    __syncthreads();
    fetch(w, lw_ + at, stride, i); fetch(q, q_ + at, stride, i); fetch(k, k_ + at, stride, i);
    fetch(v, v_ + at, stride, i);
    if (ERASE) { fetch(a, a_ + at, stride, i); fetch(b, b_ + at, stride, i); }
    __syncthreads();
#pragma unroll
    for (int t = 0; t < C; ++t) w[t][i] = expf(w[t][i]);
    __syncthreads();
#pragma unroll 1
    for (int t = 0; t < C; ++t) {
      float p0 = 0, p1 = 0, p2 = 0, p3 = 0;
      if (ERASE) {
#pragma unroll
        for (int j = 0; j < N; j += 4) {
          const float4 x = *reinterpret_cast<const float4*>(&a[t][j]);
          p0 += x.x * s[j]; p1 += x.y * s[j + 1]; p2 += x.z * s[j + 2]; p3 += x.w * s[j + 3];
        }
      }
      const float sa = (p0 + p1) + (p2 + p3), vi = v[t][i];
      p0 = p1 = p2 = p3 = 0;
#pragma unroll
      for (int j = 0; j < N; j += 4) {
        const float4 ww = *reinterpret_cast<const float4*>(&w[t][j]);
        const float4 bb4 = ERASE ? *reinterpret_cast<const float4*>(&b[t][j]) : make_float4(0, 0, 0, 0);
        const float4 kk = *reinterpret_cast<const float4*>(&k[t][j]), qq = *reinterpret_cast<const float4*>(&q[t][j]);
        s[j] = s[j] * ww.x + sa * bb4.x + vi * kk.x;             p0 += s[j] * qq.x;
        s[j + 1] = s[j + 1] * ww.y + sa * bb4.y + vi * kk.y;     p1 += s[j + 1] * qq.y;
        s[j + 2] = s[j + 2] * ww.z + sa * bb4.z + vi * kk.z;     p2 += s[j + 2] * qq.z;
        s[j + 3] = s[j + 3] * ww.w + sa * bb4.w + vi * kk.w;     p3 += s[j + 3] * qq.w;
      }
      y_[at + t * stride + i] = __float2bfloat16((p0 + p1) + (p2 + p3));
      if (ERASE && sa_) sa_[at + t * stride + i] = sa;
      if (kept && (t + 1) % every == 0) {
        float* to = kept + (head * (T / every) + (t0 + t) / every) * N * N + i;
#pragma unroll
        for (int j = 0; j < N; ++j) to[j * N] = s[j];
      }
    }
  }
#pragma unroll
  for (int j = 0; j < N; j += 4) *reinterpret_cast<float4*>(s1 + head * N * N + i * N + j) = make_float4(s[j], s[j + 1], s[j + 2], s[j + 3]);
}

template <bool ERASE>
__global__ void __launch_bounds__(N) backward(int T, int H, int every, const bf* lw_, const bf* q_, const bf* k_, const bf* v_, const bf* a_,
                                              const bf* b_, const bf* dy_, const float* kept, const float* sa_, bf* dlw_, bf* dq_,
                                              bf* dk_, bf* dv_, bf* da_, bf* db_) {
  const int h = blockIdx.x, bb = blockIdx.y, i = threadIdx.x;
  const int64_t stride = (int64_t)H * N, base = ((int64_t)bb * T * H + h) * N, head = (int64_t)bb * H + h;
  __shared__ __align__(16) float q[C][N], w[C][N], k[C][N], v[C][N], a[C][N], b[C][N], dy[C][N], sa[C][N], dsa[N];
  float sT[N], d[N], dT[N];  // S[:, i]; dS[i, :]; dS[:, i]
#pragma unroll
  for (int j = 0; j < N; ++j) sT[j] = d[j] = dT[j] = 0;
  for (int t0 = T - C; t0 >= 0; t0 -= C) {
    const int64_t at = base + t0 * stride;
    __syncthreads();
    fetch(w, lw_ + at, stride, i); fetch(q, q_ + at, stride, i); fetch(k, k_ + at, stride, i); fetch(v, v_ + at, stride, i);
    fetch(dy, dy_ + at, stride, i);
    if (ERASE) {
      fetch(a, a_ + at, stride, i); fetch(b, b_ + at, stride, i);
#pragma unroll
      for (int t = 0; t < C; ++t) sa[t][i] = sa_[at + t * stride + i];
    }
    __syncthreads();
#pragma unroll
    for (int t = 0; t < C; ++t) w[t][i] = expf(w[t][i]);
    __syncthreads();
#pragma unroll 1
    for (int t = C - 1; t >= 0; --t) {
      if ((t + 1) % every == 0) {
        const float* from = kept + (head * (T / every) + (t0 + t) / every) * N * N + i * N;
#pragma unroll
        for (int j = 0; j < N; j += 4) {
          const float4 x = *reinterpret_cast<const float4*>(from + j);
          sT[j] = x.x; sT[j + 1] = x.y; sT[j + 2] = x.z; sT[j + 3] = x.w;
        }
      }
      const float qi = q[t][i], wi = w[t][i], ki = k[t][i], dyi = dy[t][i], iwi = 1.f / wi;
      const float ai = ERASE ? a[t][i] : 0.f, bi = ERASE ? b[t][i] : 0.f;
      float dq = 0, dw = 0, dk = 0, dv = 0, db = 0, ds = 0;
#pragma unroll
      for (int j = 0; j < N; j += 4) {
        const float4 dy4 = *reinterpret_cast<const float4*>(&dy[t][j]), v4 = *reinterpret_cast<const float4*>(&v[t][j]);
        const float4 q4 = *reinterpret_cast<const float4*>(&q[t][j]), k4 = *reinterpret_cast<const float4*>(&k[t][j]);
        const float4 sa4 = ERASE ? *reinterpret_cast<const float4*>(&sa[t][j]) : make_float4(0, 0, 0, 0);
        const float4 b4 = ERASE ? *reinterpret_cast<const float4*>(&b[t][j]) : make_float4(0, 0, 0, 0);
        const float dyj[4] = {dy4.x, dy4.y, dy4.z, dy4.w}, vj[4] = {v4.x, v4.y, v4.z, v4.w}, saj[4] = {sa4.x, sa4.y, sa4.z, sa4.w};
        const float qj[4] = {q4.x, q4.y, q4.z, q4.w}, kj[4] = {k4.x, k4.y, k4.z, k4.w}, bj[4] = {b4.x, b4.y, b4.z, b4.w};
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const int J = j + e;
          dq += sT[J] * dyj[e];
          sT[J] = (ERASE ? sT[J] - ki * vj[e] - bi * saj[e] : sT[J] - ki * vj[e]) * iwi;
          d[J] += dyi * qj[e];
          dT[J] += qi * dyj[e];
          dw += dT[J] * sT[J];
          dk += dT[J] * vj[e];
          dv += d[J] * kj[e];
          if (ERASE) {
            db += dT[J] * saj[e];
            ds += d[J] * bj[e];
          }
        }
      }
      const int64_t o = at + t * stride + i;
      dq_[o] = __float2bfloat16(dq);
      dlw_[o] = __float2bfloat16(dw * wi);
      dk_[o] = __float2bfloat16(dk);
      dv_[o] = __float2bfloat16(dv);
      if (!ERASE) {
#pragma unroll
        for (int j = 0; j < N; j += 4) {
          const float4 w4 = *reinterpret_cast<const float4*>(&w[t][j]);
          d[j] *= w4.x; d[j + 1] *= w4.y; d[j + 2] *= w4.z; d[j + 3] *= w4.w;
          dT[j] *= wi; dT[j + 1] *= wi; dT[j + 2] *= wi; dT[j + 3] *= wi;
        }
        continue;
      }
      db_[o] = __float2bfloat16(db);
      __syncthreads();
      dsa[i] = ds;
      __syncthreads();
      float da = 0;
#pragma unroll
      for (int j = 0; j < N; j += 4) {
        const float4 x4 = *reinterpret_cast<const float4*>(&dsa[j]), w4 = *reinterpret_cast<const float4*>(&w[t][j]);
        const float4 a4 = *reinterpret_cast<const float4*>(&a[t][j]);
        const float x[4] = {x4.x, x4.y, x4.z, x4.w}, wj[4] = {w4.x, w4.y, w4.z, w4.w}, aj[4] = {a4.x, a4.y, a4.z, a4.w};
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const int J = j + e;
          da += sT[J] * x[e];
          d[J] = d[J] * wj[e] + ds * aj[e];
          dT[J] = dT[J] * wi + ai * x[e];
        }
      }
      da_[o] = __float2bfloat16(da);
    }
  }
}

// a null: no erase, and sa, da and db are not touched.
extern "C" int scan_forward(int B, int T, int H, int every, const void* lw, const void* q, const void* k, const void* v, const void* a,
                            const void* b, const float* s0, void* y, float* s1, float* kept, float* sa, void* stream) {
  (a ? forward<true> : forward<false>)<<<dim3(H, B), N, 0, (cudaStream_t)stream>>>(
      T, H, every, (const bf*)lw, (const bf*)q, (const bf*)k, (const bf*)v, (const bf*)a, (const bf*)b, s0, (bf*)y, s1, kept, sa);
  return (int)cudaGetLastError();
}
extern "C" int scan_backward(int B, int T, int H, int every, const void* lw, const void* q, const void* k, const void* v, const void* a,
                             const void* b, const void* dy, const float* kept, const float* sa, void* dlw, void* dq, void* dk, void* dv,
                             void* da, void* db, void* stream) {
  (a ? backward<true> : backward<false>)<<<dim3(H, B), N, 0, (cudaStream_t)stream>>>(
      T, H, every, (const bf*)lw, (const bf*)q, (const bf*)k, (const bf*)v, (const bf*)a, (const bf*)b, (const bf*)dy, kept, sa, (bf*)dlw,
      (bf*)dq, (bf*)dk, (bf*)dv, (bf*)da, (bf*)db);
  return (int)cudaGetLastError();
}
