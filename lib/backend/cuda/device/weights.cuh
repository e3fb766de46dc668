// Weights as a file has them, 8 values at a time, to the bit what backend/dequantize.cpp makes of them: products and
// sums of a value are rounded one by one, never fused. `k`, the first value's place in its row, is a multiple of 8; of
// a plain type whole rows of 8 may be read (gpu_matrix pads them with zeros).
#pragma once

#include "backend/cuda/device/math.cuh"

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
  __device__ static void at(const unsigned char* r, int64_t k, float (&w)[8]) {
    const auto* p = reinterpret_cast<const float4*>(r + k * 4);
    const float4 a = p[0], b = p[1];
    w[0] = a.x, w[1] = a.y, w[2] = a.z, w[3] = a.w, w[4] = b.x, w[5] = b.y, w[6] = b.z, w[7] = b.w;
  }
};

template <>
struct Load<DType::f16> {
  __device__ static void at(const unsigned char* r, int64_t k, float (&w)[8]) {
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
  __device__ static void at(const unsigned char* r, int64_t k, float (&w)[8]) {
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
struct Load<DType::q8_0> {
  __device__ static void at(const unsigned char* r, int64_t k, float (&w)[8]) {
    const unsigned char* b = r + k / 32 * 34;
    const auto* h = reinterpret_cast<const unsigned short*>(b + 2 + k % 32);
    const float d = half_at(b);
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const unsigned four = (h[2 * j] | static_cast<unsigned>(h[2 * j + 1]) << 16) ^ 0x80808080u;  // + 128
#pragma unroll
      for (int i = 0; i < 4; ++i) w[4 * j + i] = d * (biased_byte(four, i) - (kByteBias + 128));
    }
  }
};

template <>
struct Load<DType::q4_0> {
  __device__ static void at(const unsigned char* r, int64_t k, float (&w)[8]) {
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
  __device__ static void at(const unsigned char* r, int64_t k, float (&w)[8]) {
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
  __device__ static void at(const unsigned char* r, int64_t k, float (&w)[8]) {
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

// Scale and offset of group g of 32 values in a Q4_K or Q5_K block.
__device__ inline float2 group_scale(const unsigned char* b, int g) {
  const unsigned char* q = b + 4;
  const int scale = g < 4 ? q[g] & 63 : (q[g + 4] & 15) | (q[g - 4] >> 6) << 4;
  const int least = g < 4 ? q[g + 4] & 63 : q[g + 4] >> 4 | (q[g] >> 6) << 4;
  return {__fmul_rn(half_at(b), static_cast<float>(scale)), __fmul_rn(half_at(b + 2), static_cast<float>(least))};
}

template <>
struct Load<DType::q4_k> {
  __device__ static void at(const unsigned char* r, int64_t k, float (&w)[8]) {
    const unsigned char* b = r + k / 256 * 144;
    const int in = static_cast<int>(k % 256), g = in / 32;
    const float2 s = group_scale(b, g);
    unsigned char q[8];
    bytes8(b + 16 + g / 2 * 32 + in % 32, q);
    halves(q, g % 2, w);
#pragma unroll
    for (int i = 0; i < 8; ++i) w[i] = __fsub_rn(__fmul_rn(s.x, w[i]), s.y);
  }
};

template <>
struct Load<DType::q5_k> {
  __device__ static void at(const unsigned char* r, int64_t k, float (&w)[8]) {
    const unsigned char* b = r + k / 256 * 176;
    const int in = static_cast<int>(k % 256), g = in / 32;
    const float2 s = group_scale(b, g);
    unsigned char q[8], fifth[8];
    bytes8(b + 48 + g / 2 * 32 + in % 32, q);
    bytes8(b + 16 + in % 32, fifth);
    halves(q, g % 2, w);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      w[i] += static_cast<float>((fifth[i] >> g) & 1) * 16;
      w[i] = __fsub_rn(__fmul_rn(s.x, w[i]), s.y);
    }
  }
};

template <>
struct Load<DType::q6_k> {
  __device__ static void at(const unsigned char* r, int64_t k, float (&w)[8]) {
    const unsigned char* b = r + k / 256 * 210;
    const int in = static_cast<int>(k % 256), half = in / 128, part = in % 128 / 32, i0 = in % 32;
    unsigned char q[8], upper[8];
    bytes8(b + 64 * half + 32 * (part % 2) + i0, q);
    bytes8(b + 128 + 32 * half + i0, upper);
    const auto scale = static_cast<signed char>(b[192 + 8 * half + 2 * part + i0 / 16]);
    const float d = __fmul_rn(half_at(b + 208), static_cast<float>(scale));
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int bits = ((q[i] >> (part < 2 ? 0 : 4)) & 15) | (upper[i] >> (2 * part) & 3) << 4;
      w[i] = d * static_cast<float>(bits - 32);
    }
  }
};

// The same in two steps, so that many reads are under way at once: what memory has, and what that means.
template <DType T>
struct Fetch {
  struct Raw {
    float v[8];
  };
  __device__ static Raw none() { return {}; }
  __device__ static Raw get(const unsigned char* r, int64_t k) {
    Raw raw;
    Load<T>::at(r, k, raw.v);
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
  __device__ static Raw get(const unsigned char* r, int64_t k) { return stream16(r + k * 2); }
  __device__ static void unpack(const Raw& raw, int64_t, float (&w)[8]) {
    Load<T>::at(reinterpret_cast<const unsigned char*>(&raw), 0, w);
  }
};
template <>
struct Fetch<DType::f16> : FetchHalf<DType::f16> {};
template <>
struct Fetch<DType::bf16> : FetchHalf<DType::bf16> {};
// Blocks are 144 bytes and begin at multiples of 16.
template <>
struct Fetch<DType::q4_k> {
  struct Raw {
    uint4 head;
    uint2 q;
  };
  __device__ static Raw none() { return {}; }
  __device__ static Raw get(const unsigned char* r, int64_t k) {
    const unsigned char* b = r + k / 256 * 144;
    const int in = static_cast<int>(k % 256);
    return {__ldg(reinterpret_cast<const uint4*>(b)),
            __ldg(reinterpret_cast<const uint2*>(b + 16 + in / 64 * 32 + in % 32))};
  }
  __device__ static void unpack(const Raw& raw, int64_t k, float (&w)[8]) {
    // Bytes 4 .. 15 of the block, by shifts: an array of registers is not to be indexed by a variable.
    const int g = static_cast<int>(k % 256) / 32, by = g % 4 * 8;
    const unsigned one = raw.head.y >> by, two = raw.head.z >> by, three = raw.head.w >> by;
    const unsigned scale = g < 4 ? one & 63 : (three & 15) | (one & 0xc0) >> 2;
    const unsigned least = g < 4 ? two & 63 : (three >> 4 & 15) | (two & 0xc0) >> 2;
    const float2 d = __half22float2(*reinterpret_cast<const __half2*>(&raw.head.x));
    const float s = __fmul_rn(d.x, static_cast<float>(scale)), m = __fmul_rn(d.y, static_cast<float>(least));
    const unsigned q[2] = {raw.q.x >> (g % 2 * 4) & 0x0f0f0f0fu, raw.q.y >> (g % 2 * 4) & 0x0f0f0f0fu};
    const float bias = -s * kByteBias;  // exact, so that what is left is s * q, rounded once
#pragma unroll
    for (int i = 0; i < 8; ++i) w[i] = __fsub_rn(fmaf(s, biased_byte(q[i / 4], i % 4), bias), m);
  }
};

// 8 values of a row from k on, by a type that all lanes have in common.
__device__ inline void load8(DType type, const unsigned char* r, int64_t k, float (&w)[8]) {
  switch (type) {
    case DType::f32:
      return Load<DType::f32>::at(r, k, w);
    case DType::f16:
      return Load<DType::f16>::at(r, k, w);
    case DType::bf16:
      return Load<DType::bf16>::at(r, k, w);
    case DType::q8_0:
      return Load<DType::q8_0>::at(r, k, w);
    case DType::q4_0:
      return Load<DType::q4_0>::at(r, k, w);
    case DType::q5_0:
      return Load<DType::q5_0>::at(r, k, w);
    case DType::q5_1:
      return Load<DType::q5_1>::at(r, k, w);
    case DType::q4_k:
      return Load<DType::q4_k>::at(r, k, w);
    case DType::q5_k:
      return Load<DType::q5_k>::at(r, k, w);
    case DType::q6_k:
      return Load<DType::q6_k>::at(r, k, w);
    default:
      return;
  }
}

}  // namespace recurra::gpu
