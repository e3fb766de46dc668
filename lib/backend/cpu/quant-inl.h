// Weights, in floats or in quantised blocks, as vectors of floats, compiled once per instruction set (hence no ordinary include
// guard). The values are those of dequantize() to the bit.
//
// A block type has kValues, kBytes and each(block, f), which calls f(i, vector of the values i, i + 1, ...) for
// i = 0, Lanes, ...; Lanes is at most 16.
#include <hwy/highway.h>

#include "core/half.h"

#if defined(RECURRA_BACKEND_CPU_QUANT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef RECURRA_BACKEND_CPU_QUANT_INL_H
#undef RECURRA_BACKEND_CPU_QUANT_INL_H
#else
#define RECURRA_BACKEND_CPU_QUANT_INL_H
#endif

// Loops over registers: without it the compiler may keep an array of vectors in memory.
#undef RECURRA_UNROLL
#define RECURRA_UNROLL _Pragma("GCC unroll 16")

HWY_BEFORE_NAMESPACE();
namespace recurra {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using DI = hn::Rebind<int32_t, DF>;
using DU = hn::Rebind<uint32_t, DF>;
using DU8 = hn::Rebind<uint8_t, DF>;
using DI8 = hn::Rebind<int8_t, DF>;
using VF = hn::Vec<DF>;
using VI = hn::Vec<DI>;
constexpr int kQuantLanes = HWY_LANES(float);

HWY_INLINE VF load_weights(DF d, const float* p) { return hn::LoadU(d, p); }
HWY_INLINE VF load_weights(DF d, const hwy::float16_t* p) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<hwy::float16_t, DF>(), p));
}
HWY_INLINE VF load_weights(DF d, const hwy::bfloat16_t* p) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<hwy::bfloat16_t, DF>(), p));
}

HWY_INLINE float half_at(const uint8_t* b) {
  uint16_t h;
  hwy::CopyBytes<sizeof h>(b, &h);
#if HWY_TARGET == HWY_SCALAR
  return f16_to_float(h);
#else
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
#endif
}

HWY_INLINE VI bytes(const uint8_t* p) { return hn::PromoteTo(DI(), hn::LoadU(DU8(), p)); }
HWY_INLINE VI low(VI q) { return hn::And(q, hn::Set(DI(), 15)); }
HWY_INLINE VI high(VI q) { return hn::ShiftRight<4>(q); }
HWY_INLINE VF to_floats(VI q) { return hn::ConvertTo(DF(), q); }

// Scales d and offsets m of a Q4_K block's 8 groups, from 6 bits each in 12 bytes (dequantize.cpp says where they are).
struct GroupScales {
  HWY_INLINE explicit GroupScales(const uint8_t* block) {
    uint32_t q[3];
    hwy::CopyBytes<sizeof q>(block + 4, q);
    const uint32_t six = 0x3f3f3f3f, four = 0x0f0f0f0f, two = 0x03030303;
    const uint32_t found[4] = {q[0] & six, (q[2] & four) | (q[0] >> 6 & two) << 4, q[1] & six,
                               (q[2] >> 4 & four) | (q[1] >> 6 & two) << 4};
    const auto* scales = reinterpret_cast<const uint8_t*>(found);
    const hn::CappedTag<float, 8> d8;
    const hn::Rebind<int32_t, decltype(d8)> i8;
    const hn::Rebind<uint8_t, decltype(d8)> u8;
    const auto spread = [&](float by, const uint8_t* from, float* to) HWY_ATTR {
      for (int i = 0; i < 8; i += static_cast<int>(hn::Lanes(d8)))
        hn::StoreU(hn::Mul(hn::Set(d8, by), hn::ConvertTo(d8, hn::PromoteTo(i8, hn::LoadU(u8, from + i)))), d8, to + i);
    };
    spread(half_at(block), scales, d);
    spread(half_at(block + 2), scales + 8, m);
  }
  float d[8], m[8];
};

// One value of each of 16, by the low 4 bits of q: a table in a register where there are that many lanes.
#if HWY_TARGET == HWY_AVX3
class Table16 {
 public:
  HWY_INLINE explicit Table16(VF values) : values_(values) {}
  HWY_INLINE VF low(VI q) const { return VF{_mm512_permutexvar_ps(q.raw, values_.raw)}; }
  HWY_INLINE VF high(VI q) const { return low(hn::ShiftRight<4>(q)); }

 private:
  VF values_;
};
#endif

// d * (q - bias)
struct Centred {
  float d;
  int bias;
  HWY_INLINE VF operator()(VI q) const { return hn::Mul(hn::Set(DF(), d), to_floats(hn::Sub(q, hn::Set(DI(), bias)))); }
};
// d * q - m
struct Shifted {
  float d, m;
  HWY_INLINE VF operator()(VI q) const { return hn::Sub(hn::Mul(hn::Set(DF(), d), to_floats(q)), hn::Set(DF(), m)); }
};

// The halves of the bytes at q, `bytes_` of them: f(at + i, low halves), f(at + bytes_ + i, high halves); `lower` and
// `upper` make values of them.
template <int kBytes_, class L, class U, class F>
HWY_INLINE void each_half(const uint8_t* q, int at, const L& lower, const U& upper, const F& f) {
  static_assert(kBytes_ % kQuantLanes == 0, "whole vectors");
#if HWY_TARGET == HWY_AVX3
  const VI all = hn::Iota(DI(), 0);
  const Table16 l(lower(all)), u(upper(all));
  RECURRA_UNROLL
  for (int i = 0; i < kBytes_; i += kQuantLanes) {
    const VI b = bytes(q + i);
    f(at + i, l.low(b));
    f(at + kBytes_ + i, u.high(b));
  }
#else
  RECURRA_UNROLL
  for (int i = 0; i < kBytes_; i += kQuantLanes) {
    const VI b = bytes(q + i);
    f(at + i, lower(low(b)));
    f(at + kBytes_ + i, upper(high(b)));
  }
#endif
}

struct Q8_0 {
  static constexpr int kValues = 32, kBytes = 34;
  template <class F>
  HWY_INLINE static void each(const uint8_t* b, const F& f) {
    const VF d = hn::Set(DF(), half_at(b));
    RECURRA_UNROLL
    for (int i = 0; i < 32; i += kQuantLanes) {
      const auto q = hn::LoadU(DI8(), reinterpret_cast<const int8_t*>(b) + 2 + i);
      f(i, hn::Mul(d, to_floats(hn::PromoteTo(DI(), q))));
    }
  }
};

struct Q4_0 {
  static constexpr int kValues = 32, kBytes = 18;
  template <class F>
  HWY_INLINE static void each(const uint8_t* b, const F& f) {
    const Centred value{half_at(b), 8};
    each_half<16>(b + 2, 0, value, value, f);
  }
};

struct Q4_K {
  static constexpr int kValues = 256, kBytes = 144;
  template <class F>
  HWY_INLINE static void each(const uint8_t* b, const F& f) {
    const GroupScales s(b);
    RECURRA_UNROLL
    for (int g = 0; g < 8; g += 2)
      each_half<32>(b + 16 + 16 * g, 32 * g, Shifted{s.d[g], s.m[g]}, Shifted{s.d[g + 1], s.m[g + 1]}, f);
  }
};

struct Q6_K {
  static constexpr int kValues = 256, kBytes = 210;
  template <class F>
  HWY_INLINE static void each(const uint8_t* b, const F& f) {
    const float d = half_at(b + 208);
    const VI two = hn::Set(DI(), 0x30);
    RECURRA_UNROLL
    for (int half = 0; half < 2; ++half) {
      const uint8_t *q = b + 64 * half, *upper = b + 128 + 32 * half;
      const auto* scales = reinterpret_cast<const int8_t*>(b + 192 + 8 * half);
      RECURRA_UNROLL
      for (int i = 0; i < 32; i += kQuantLanes) {
        const VI first = bytes(q + i), second = bytes(q + 32 + i), bits = bytes(upper + i);
        const auto value = [&](int part, VI lower, VI above) HWY_ATTR {
          const Centred scaled{d * static_cast<float>(scales[2 * part + i / 16]), 32};
          f(128 * half + 32 * part + i, scaled(hn::Or(lower, hn::And(above, two))));
        };
        value(0, low(first), hn::ShiftLeft<4>(bits));
        value(1, low(second), hn::ShiftLeft<2>(bits));
        value(2, high(first), bits);
        value(3, high(second), hn::ShiftRight<2>(bits));
      }
    }
  }
};

// 16 in lane i where bit `first` + i is set.
HWY_INLINE VI fifth(uint32_t bits, int first) {
  const VI shifted = hn::BitCast(DI(), hn::Shr(hn::Set(DU(), bits), hn::Iota(DU(), static_cast<uint32_t>(first))));
  return hn::ShiftLeft<4>(hn::And(shifted, hn::Set(DI(), 1)));
}

// Q5_0 and Q5_1: the fifth bits at b, then 16 bytes of halves.
template <class V, class F>
HWY_INLINE void each_of_five_bits(const uint8_t* b, const V& value, const F& f) {
  uint32_t bits;
  hwy::CopyBytes<sizeof bits>(b, &bits);
  RECURRA_UNROLL
  for (int i = 0; i < 16; i += kQuantLanes) {
    const VI q = bytes(b + 4 + i);
    f(i, value(hn::Or(low(q), fifth(bits, i))));
  }
  RECURRA_UNROLL
  for (int i = 0; i < 16; i += kQuantLanes) {
    const VI q = bytes(b + 4 + i);
    f(16 + i, value(hn::Or(high(q), fifth(bits, 16 + i))));
  }
}

struct Q5_0 {
  static constexpr int kValues = 32, kBytes = 22;
  template <class F>
  HWY_INLINE static void each(const uint8_t* b, const F& f) {
    each_of_five_bits(b + 2, Centred{half_at(b), 16}, f);
  }
};

struct Q5_1 {
  static constexpr int kValues = 32, kBytes = 24;
  template <class F>
  HWY_INLINE static void each(const uint8_t* b, const F& f) {
    each_of_five_bits(b + 4, Shifted{half_at(b), -half_at(b + 2)}, f);
  }
};

struct Q5_K {
  static constexpr int kValues = 256, kBytes = 176;
  template <class F>
  HWY_INLINE static void each(const uint8_t* b, const F& f) {
    const GroupScales s(b);
    const VI one = hn::Set(DI(), 16);
    RECURRA_UNROLL
    for (int g = 0; g < 8; ++g) {
      const Shifted value{s.d[g], s.m[g]};
      RECURRA_UNROLL
      for (int i = 0; i < 32; i += kQuantLanes) {
        const VI q = bytes(b + 48 + g / 2 * 32 + i), upper = hn::ShiftLeft<4>(bytes(b + 16 + i));
        const VI half = g % 2 == 0 ? low(q) : high(q);
        f(32 * g + i, value(hn::Or(half, hn::And(hn::ShiftRightSame(upper, g), one))));
      }
    }
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace recurra
HWY_AFTER_NAMESPACE();
#endif
