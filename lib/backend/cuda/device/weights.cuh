// Weights as a file has them or as packed.h lays them out, 8 values at a time, to the bit what backend/dequantize.cpp
// makes of them: products and sums of a value are rounded one by one, never fused. `k`, the first value's place in its
// row of `in` values, is a multiple of 8; of a plain type whole rows of 8 may be read (gpu_matrix pads them with
// zeros).
#pragma once

#include "backend/cuda/device/math.cuh"
#include "backend/cuda/device/packed.h"

namespace recurra::gpu {

__device__ inline float half_at(const unsigned char* p) { return __half2float(*reinterpret_cast<const __half*>(p)); }
// 8 bytes that begin at an even address.
__device__ inline void bytes8(const unsigned char* p, unsigned char (&b)[8]) {
  const auto* h = reinterpret_cast<const unsigned short*>(p);
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    b[2 * i] = static_cast<unsigned char>(h[i] & 255);
    b[2 * i + 1] = static_cast<unsigned char>(h[i] >> 8);
  }
}
// The low (0) or the high (1) halves of 8 bytes.
__device__ inline void halves(const unsigned char (&b)[8], int high, float (&q)[8]) {
#pragma unroll
  for (int i = 0; i < 8; ++i) q[i] = static_cast<float>((b[i] >> (4 * high)) & 15);
}
__device__ inline unsigned fifth_bits(const unsigned char* p) {
  const auto* h = reinterpret_cast<const unsigned short*>(p);
  return h[0] | static_cast<unsigned>(h[1]) << 16;
}

// Byte i of four, plus 2^23, as a float: exact, and without a conversion, of which a multiprocessor does few at a time.
constexpr float kByteBias = 8388608.0f;
__device__ inline float biased_byte(unsigned four, int i) {
  return __uint_as_float(__byte_perm(four, 0x4b000000u, 0x7540u | static_cast<unsigned>(i)));
}

template <DType T>
struct Load;

template <>
struct Load<DType::f32> {
  __device__ static void at(const unsigned char* r, int64_t, int64_t k, float (&w)[8]) {
    const auto* p = reinterpret_cast<const float4*>(r + k * 4);
    const float4 a = p[0], b = p[1];
    w[0] = a.x, w[1] = a.y, w[2] = a.z, w[3] = a.w, w[4] = b.x, w[5] = b.y, w[6] = b.z, w[7] = b.w;
  }
};

template <>
struct Load<DType::f16> {
  __device__ static void at(const unsigned char* r, int64_t, int64_t k, float (&w)[8]) {
    const uint4 raw = *reinterpret_cast<const uint4*>(r + k * 2);
    const auto* h = reinterpret_cast<const __half2*>(&raw);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float2 f = __half22float2(h[i]);
      w[2 * i] = f.x;
      w[2 * i + 1] = f.y;
    }
  }
};

template <>
struct Load<DType::bf16> {
  __device__ static void at(const unsigned char* r, int64_t, int64_t k, float (&w)[8]) {
    const uint4 raw = *reinterpret_cast<const uint4*>(r + k * 2);
    const unsigned u[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      w[2 * i] = __uint_as_float(u[i] << 16);
      w[2 * i + 1] = __uint_as_float(u[i] & 0xffff0000u);
    }
  }
};

template <>
struct Load<DType::q4_0> {
  __device__ static void at(const unsigned char* r, int64_t, int64_t k, float (&w)[8]) {
    const unsigned char* b = r + k / 32 * 18;
    const int i0 = static_cast<int>(k % 32);
    unsigned char q[8];
    bytes8(b + 2 + i0 % 16, q);
    halves(q, i0 / 16, w);
    const float d = half_at(b);
#pragma unroll
    for (int i = 0; i < 8; ++i) w[i] = d * (w[i] - 8);
  }
};

// q + 16 of the fifth bits of values i0 and on.
__device__ inline void add_fifth(unsigned fifth, int i0, float (&q)[8]) {
#pragma unroll
  for (int i = 0; i < 8; ++i) q[i] += static_cast<float>((fifth >> (i0 + i)) & 1) * 16;
}

template <>
struct Load<DType::q5_0> {
  __device__ static void at(const unsigned char* r, int64_t, int64_t k, float (&w)[8]) {
    const unsigned char* b = r + k / 32 * 22;
    const int i0 = static_cast<int>(k % 32);
    unsigned char q[8];
    bytes8(b + 6 + i0 % 16, q);
    halves(q, i0 / 16, w);
    add_fifth(fifth_bits(b + 2), i0, w);
    const float d = half_at(b);
#pragma unroll
    for (int i = 0; i < 8; ++i) w[i] = d * (w[i] - 16);
  }
};

template <>
struct Load<DType::q5_1> {
  __device__ static void at(const unsigned char* r, int64_t, int64_t k, float (&w)[8]) {
    const unsigned char* b = r + k / 32 * 24;
    const int i0 = static_cast<int>(k % 32);
    unsigned char q[8];
    bytes8(b + 8 + i0 % 16, q);
    halves(q, i0 / 16, w);
    add_fifth(fifth_bits(b + 4), i0, w);
    const float d = half_at(b), m = half_at(b + 2);
#pragma unroll
    for (int i = 0; i < 8; ++i) w[i] = __fadd_rn(__fmul_rn(d, w[i]), m);
  }
};

// 8 values of a packed type (packed.h): part `part` of group g of a row of `groups`, in words as memory has them.
template <DType T>
struct PackedEight {
  unsigned low[2], upper, block;
  unsigned short scales;

  __device__ static PackedEight get(const unsigned char* r, int groups, int g, int part) {
    PackedEight p{};
    const unsigned char* low = r + g * 16;
    if constexpr (T == DType::q8_0) {
      const uint2 q =
          __ldg(reinterpret_cast<const uint2*>((part < 2 ? low : low + packed_upper_at(groups)) + part % 2 * 8));
      p.low[0] = q.x, p.low[1] = q.y;
    } else {
      p.low[0] = __ldg(reinterpret_cast<const unsigned*>(low) + part);
      p.scales = __ldg(reinterpret_cast<const unsigned short*>(r + packed_scales_at(T, groups)) + g);
    }
    const auto* upper = reinterpret_cast<const unsigned*>(r + packed_upper_at(groups));
    if constexpr (T == DType::q5_k) p.upper = __ldg(upper + g);
    if constexpr (T == DType::q6_k) p.upper = __ldg(upper + g * 2 + part / 2);
    const unsigned char* block = r + packed_block_at(T, groups);
    if constexpr (packed_block_bytes(T) == 4)
      p.block = __ldg(reinterpret_cast<const unsigned*>(block) + g / 8);
    else
      p.block = __ldg(reinterpret_cast<const unsigned short*>(block) + g / packed_block_groups(T));
    return p;
  }

  __device__ void unpack(int part, float (&w)[8]) const {
    unsigned q[2] = {low[0], low[1]};
    if constexpr (T != DType::q8_0) q[0] = low[0] & 0x0f0f0f0fu, q[1] = low[0] >> 4 & 0x0f0f0f0fu;
    const float2 d = __half22float2(*reinterpret_cast<const __half2*>(&block));
    if constexpr (T == DType::q4_k || T == DType::q5_k) {
      if constexpr (T == DType::q5_k) {
        const unsigned u = upper >> 2 * part;
        q[0] |= (u & 0x01010101u) << 4;
        q[1] |= (u >> 1 & 0x01010101u) << 4;
      }
      const float s = __fmul_rn(d.x, static_cast<float>(scales & 255)),
                  m = __fmul_rn(d.y, static_cast<float>(scales >> 8));
      const float bias = -s * kByteBias;  // exact, so that what is left is s * q, rounded once
#pragma unroll
      for (int i = 0; i < 8; ++i) w[i] = __fsub_rn(fmaf(s, biased_byte(q[i / 4], i % 4), bias), m);
    } else {
      float s = d.x, zero = kByteBias + 128;
      if constexpr (T == DType::q6_k) {
        const unsigned u = upper >> part % 2 * 4;
        q[0] |= (u & 0x03030303u) << 4;
        q[1] |= (u >> 2 & 0x03030303u) << 4;
        s = __fmul_rn(s, static_cast<float>(static_cast<signed char>(part < 2 ? scales & 255 : scales >> 8)));
        zero = kByteBias + 32;
      } else {
        q[0] ^= 0x80808080u, q[1] ^= 0x80808080u;  // + 128
      }
#pragma unroll
      for (int i = 0; i < 8; ++i) w[i] = s * (biased_byte(q[i / 4], i % 4) - zero);
    }
  }
};
template <DType T>
struct LoadPacked {
  __device__ static void at(const unsigned char* r, int64_t in, int64_t k, float (&w)[8]) {
    const int g = static_cast<int>(k / kPackedGroup), part = static_cast<int>(k % kPackedGroup / 8);
    PackedEight<T>::get(r, static_cast<int>(in / kPackedGroup), g, part).unpack(part, w);
  }
};
template <>
struct Load<DType::q4_k> : LoadPacked<DType::q4_k> {};
template <>
struct Load<DType::q5_k> : LoadPacked<DType::q5_k> {};
template <>
struct Load<DType::q6_k> : LoadPacked<DType::q6_k> {};
template <>
struct Load<DType::q8_0> : LoadPacked<DType::q8_0> {};

// The same in two steps, so that many reads are under way at once: what memory has, and what that means.
template <DType T>
struct Fetch {
  struct Raw {
    float v[8];
  };
  __device__ static Raw none() { return {}; }
  __device__ static Raw get(const unsigned char* r, int64_t in, int64_t k) {
    Raw raw;
    Load<T>::at(r, in, k, raw.v);
    return raw;
  }
  __device__ static void unpack(const Raw& raw, int64_t, float (&w)[8]) {
#pragma unroll
    for (int i = 0; i < 8; ++i) w[i] = raw.v[i];
  }
};
// Read once, by nobody else: no place in the first cache.
__device__ inline uint4 stream16(const unsigned char* p) {
  uint4 v;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "l"(p));
  return v;
}
template <DType T>
struct FetchHalf {
  using Raw = uint4;
  __device__ static Raw none() { return {}; }
  __device__ static Raw get(const unsigned char* r, int64_t, int64_t k) { return stream16(r + k * 2); }
  __device__ static void unpack(const Raw& raw, int64_t, float (&w)[8]) {
    Load<T>::at(reinterpret_cast<const unsigned char*>(&raw), 0, 0, w);
  }
};
template <>
struct Fetch<DType::f16> : FetchHalf<DType::f16> {};
template <>
struct Fetch<DType::bf16> : FetchHalf<DType::bf16> {};
template <DType T>
struct FetchPacked {
  using Raw = PackedEight<T>;
  __device__ static Raw none() { return {}; }
  __device__ static Raw get(const unsigned char* r, int64_t in, int64_t k) {
    const int at = static_cast<int>(k);
    return Raw::get(r, static_cast<int>(in) / kPackedGroup, at / kPackedGroup, at % kPackedGroup / 8);
  }
  __device__ static void unpack(const Raw& raw, int64_t k, float (&w)[8]) {
    raw.unpack(static_cast<int>(k) % kPackedGroup / 8, w);
  }
};
template <>
struct Fetch<DType::q4_k> : FetchPacked<DType::q4_k> {};
template <>
struct Fetch<DType::q5_k> : FetchPacked<DType::q5_k> {};
template <>
struct Fetch<DType::q6_k> : FetchPacked<DType::q6_k> {};
template <>
struct Fetch<DType::q8_0> : FetchPacked<DType::q8_0> {};

// 8 values of a row of `in` from k on, by a type that all lanes have in common.
__device__ inline void load8(DType type, const unsigned char* r, int64_t in, int64_t k, float (&w)[8]) {
  switch (type) {
    case DType::f32:
      return Load<DType::f32>::at(r, in, k, w);
    case DType::f16:
      return Load<DType::f16>::at(r, in, k, w);
    case DType::bf16:
      return Load<DType::bf16>::at(r, in, k, w);
    case DType::q8_0:
      return Load<DType::q8_0>::at(r, in, k, w);
    case DType::q4_0:
      return Load<DType::q4_0>::at(r, in, k, w);
    case DType::q5_0:
      return Load<DType::q5_0>::at(r, in, k, w);
    case DType::q5_1:
      return Load<DType::q5_1>::at(r, in, k, w);
    case DType::q4_k:
      return Load<DType::q4_k>::at(r, in, k, w);
    case DType::q5_k:
      return Load<DType::q5_k>::at(r, in, k, w);
    case DType::q6_k:
      return Load<DType::q6_k>::at(r, in, k, w);
    default:
      return;
  }
}

}  // namespace recurra::gpu
