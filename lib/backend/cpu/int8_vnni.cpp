// int8.h with AVX-512 and its VNNI, on panels of 16 outputs (int8_panels.h): a lane is an output, an instruction
// multiplies 4 of its weights with 4 activations that all lanes share. A group's weights are unpacked once for all
// rows.
#include <immintrin.h>

#include "backend/cpu/int8.h"

namespace recurra {
namespace {

// How many bytes ahead of the weights at hand memory is asked for.
constexpr int64_t kAhead = 4096;
constexpr float kLargest = 3.4e38f, kLeast = 1e-35f;

// Constants as arguments: templates of lambdas are not in C++17.
template <int N>
struct Number {
  static constexpr int value = N;
};

__m512i load(const uint8_t* p) { return _mm512_loadu_si512(p); }

__m512 halves(const uint8_t* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }

__m128i bytes16(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

__m512 times_unsigned(__m512 d, const uint8_t* p) {
  return _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes16(p))));
}

__m512 times_signed(__m512 d, const uint8_t* p) {
  return _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes16(p))));
}

void ask_for(const uint8_t* p, int64_t bytes) {
  for (int64_t at = 0; at < bytes; at += 64) _mm_prefetch(reinterpret_cast<const char*>(p + kAhead + at), _MM_HINT_T0);
}

// 32 inputs of 16 outputs, 4 inputs a register.
struct Group {
  __m512i w[8];
};

// Sums over 16 inputs of row x from i on, of half `half` of a group, and what the row adds for the weights' offset.
template <bool kOffset>
inline __m512i dot16(const Int8Row& x, int64_t i, const Group& g, int half) {
  const auto four = [&](int j) {
    int32_t q;
    __builtin_memcpy(&q, x.q + i + 16 * half + 4 * j, 4);
    return _mm512_set1_epi32(q);
  };
  __m512i sum = kOffset ? _mm512_set1_epi32(x.minus[i / 16 + half]) : _mm512_setzero_si512();
  for (int j = 0; j < 4; ++j) sum = _mm512_dpbusd_epi32(sum, g.w[4 * half + j], four(j));
  return sum;
}

// sum += scale * d * (w . q) for inputs i .. i+31.
template <int R, bool kOffset>
inline void add(__m512 (&sum)[R], const Int8Row* x, int64_t i, const Group& g, __m512 scale) {
  for (int r = 0; r < R; ++r) {
    const __m512i dot = _mm512_add_epi32(dot16<kOffset>(x[r], i, g, 0), dot16<kOffset>(x[r], i, g, 1));
    sum[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(scale, _mm512_set1_ps(x[r].d[i / 32])), sum[r]);
  }
}

// sum -= least * (the sum of the 32 activations)
template <int R>
inline void subtract(__m512 (&sum)[R], const Int8Row* x, int64_t i, __m512 least) {
  for (int r = 0; r < R; ++r) sum[r] = _mm512_fnmadd_ps(least, _mm512_set1_ps(x[r].sum[i / 32]), sum[r]);
}

struct Q8_0 {
  template <int R>
  static void dot(__m512 (&sum)[R], const Int8Row* x, int64_t in, const uint8_t* panel) {
    const uint8_t* w = panel + (in / 32 * 32 + 63) / 64 * 64;
    for (int64_t i = 0; i < in; i += 32, w += 512) {
      ask_for(w, 512);
      Group g;
      for (int j = 0; j < 8; ++j) g.w[j] = load(w + 64 * j);
      add<R, true>(sum, x, i, g, halves(panel + i));
    }
  }
};

// Blocks of 256 inputs: a head of 320 bytes, then kRegisters registers of weights.
template <class Q>
struct Blocks {
  template <int R>
  static void dot(__m512 (&sum)[R], const Int8Row* x, int64_t in, const uint8_t* b) {
    for (int64_t i = 0; i < in; i += 256, b += 320 + 64 * Q::kRegisters) Q::block(sum, x, i, b);
  }
};

// Low or high halves of 8 registers.
template <bool kHigh>
inline __m512i half_of(const uint8_t* q) {
  const __m512i both = load(q);
  return _mm512_and_si512(kHigh ? _mm512_srli_epi16(both, 4) : both, _mm512_set1_epi8(15));
}

// Bits kFrom .. of each byte to bits kTo .. (others remain beside them).
template <int kFrom, int kTo>
inline __m512i move_bits(__m512i v) {
  if constexpr (kFrom < kTo) return _mm512_slli_epi16(v, kTo - kFrom);
  if constexpr (kFrom > kTo) return _mm512_srli_epi16(v, kFrom - kTo);
  return v;
}

struct Q4_K : Blocks<Q4_K> {
  static constexpr int kRegisters = 32;
  template <int R>
  static void block(__m512 (&sum)[R], const Int8Row* x, int64_t i, const uint8_t* b) {
    const __m512 d = halves(b), dmin = halves(b + 32);
    ask_for(b, 320);
    const auto group = [&](auto high, int n) {
      const uint8_t* q = b + 320 + n / 2 * 512;
      Group g;
      for (int j = 0; j < 8; ++j) g.w[j] = half_of<decltype(high)::value == 1>(q + 64 * j);
      add<R, false>(sum, x, i + 32 * n, g, times_unsigned(d, b + 64 + 16 * n));
      subtract<R>(sum, x, i + 32 * n, times_unsigned(dmin, b + 192 + 16 * n));
    };
    for (int n = 0; n < 8; n += 2) {
      ask_for(b + 320 + n / 2 * 512, 512);
      group(Number<0>{}, n);
      group(Number<1>{}, n + 1);
    }
  }
};

struct Q5_K : Blocks<Q5_K> {
  static constexpr int kRegisters = 40;
  template <int R>
  static void block(__m512 (&sum)[R], const Int8Row* x, int64_t i, const uint8_t* b) {
    const __m512 d = halves(b), dmin = halves(b + 32);
    ask_for(b, 320 + 64 * kRegisters);
    const auto group = [&](auto number) {
      constexpr int n = decltype(number)::value;
      const uint8_t *q = b + 320 + n / 2 * 512, *fifth = b + 320 + 2048;
      Group g;
      for (int j = 0; j < 8; ++j) {
        const __m512i bit = _mm512_and_si512(move_bits<n, 4>(load(fifth + 64 * j)), _mm512_set1_epi8(16));
        g.w[j] = _mm512_or_si512(half_of<n % 2 == 1>(q + 64 * j), bit);
      }
      add<R, false>(sum, x, i + 32 * n, g, times_unsigned(d, b + 64 + 16 * n));
      subtract<R>(sum, x, i + 32 * n, times_unsigned(dmin, b + 192 + 16 * n));
    };
    group(Number<0>{});
    group(Number<1>{});
    group(Number<2>{});
    group(Number<3>{});
    group(Number<4>{});
    group(Number<5>{});
    group(Number<6>{});
    group(Number<7>{});
  }
};

struct Q6_K : Blocks<Q6_K> {
  static constexpr int kRegisters = 48;
  template <int R>
  static void block(__m512 (&sum)[R], const Int8Row* x, int64_t i, const uint8_t* b) {
    const __m512 d = halves(b);
    for (int half = 0; half < 2; ++half) {
      const uint8_t *low = b + 320 + half * 24 * 64, *upper = low + 16 * 64;
      ask_for(low, 24 * 64);
      const auto group = [&](auto number) {
        constexpr int part = decltype(number)::value;
        Group g;
        for (int j = 0; j < 8; ++j) {
          const __m512i bits = _mm512_and_si512(move_bits<2 * part, 4>(load(upper + 64 * j)), _mm512_set1_epi8(48));
          g.w[j] = _mm512_or_si512(half_of<part / 2 == 1>(low + part % 2 * 512 + 64 * j), bits);
        }
        const int64_t at = i + 128 * half + 32 * part;
        const uint8_t* scales = b + 64 + 16 * (8 * half + 2 * part);
        const __m512 first = times_signed(d, scales), second = times_signed(d, scales + 16);
        for (int r = 0; r < R; ++r) {
          const __m512 dx = _mm512_set1_ps(x[r].d[at / 32]);
          const __m512 low16 = _mm512_cvtepi32_ps(dot16<true>(x[r], at, g, 0));
          const __m512 high16 = _mm512_cvtepi32_ps(dot16<true>(x[r], at, g, 1));
          sum[r] = _mm512_fmadd_ps(_mm512_fmadd_ps(low16, first, _mm512_mul_ps(high16, second)), dx, sum[r]);
        }
      };
      group(Number<0>{});
      group(Number<1>{});
      group(Number<2>{});
      group(Number<3>{});
    }
  }
};

template <class Q, int R>
void rows(const uint8_t* w, int64_t count, int64_t in, int64_t stride, const Int8Row* x, float* y, int64_t ldy) {
  for (int64_t n = 0; n < count; n += 16, w += stride) {
    __m512 sum[R];
    for (__m512& s : sum) s = _mm512_setzero_ps();
    Q::dot(sum, x, in, w);
    for (int r = 0; r < R; ++r) _mm512_storeu_ps(y + r * ldy + n, sum[r]);
  }
}

// Many rows at a time, as many as the registers hold.
template <class Q>
void dot_of(const void* data, int64_t count, int64_t in, int64_t stride, const Int8Row* x, int n, float* y,
            int64_t ldy) {
  const auto* w = static_cast<const uint8_t*>(data);
  const auto some = [&](auto number) {
    constexpr int kRows = decltype(number)::value;
    for (; n >= kRows; n -= kRows, x += kRows, y += kRows * ldy) rows<Q, kRows>(w, count, in, stride, x, y, ldy);
  };
  some(Number<8>{});
  some(Number<4>{});
  some(Number<2>{});
  some(Number<1>{});
}

// Weights by input: the 64 outputs of 4 inputs become 4 registers of 16 outputs with 4 weights each, as above, where
// lane 4 l + m of register k is output 16 l + 4 k + m.
constexpr int64_t kOutputs = 64, kFoursAhead = 16;
constexpr int kFoursOfGroup = 8;

inline void interleave(__m512i* to, const __m512i* w) {
  const __m512i low01 = _mm512_unpacklo_epi8(w[0], w[1]), high01 = _mm512_unpackhi_epi8(w[0], w[1]);
  const __m512i low23 = _mm512_unpacklo_epi8(w[2], w[3]), high23 = _mm512_unpackhi_epi8(w[2], w[3]);
  to[0] = _mm512_unpacklo_epi16(low01, low23);
  to[1] = _mm512_unpackhi_epi16(low01, low23);
  to[2] = _mm512_unpacklo_epi16(high01, high23);
  to[3] = _mm512_unpackhi_epi16(high01, high23);
}

// Between that order of outputs and the natural one, either way.
inline void reorder(__m512* v) {
  const __m512 even01 = _mm512_shuffle_f32x4(v[0], v[1], 0x88), odd01 = _mm512_shuffle_f32x4(v[0], v[1], 0xdd);
  const __m512 even23 = _mm512_shuffle_f32x4(v[2], v[3], 0x88), odd23 = _mm512_shuffle_f32x4(v[2], v[3], 0xdd);
  v[0] = _mm512_shuffle_f32x4(even01, even23, 0x88);
  v[1] = _mm512_shuffle_f32x4(odd01, odd23, 0x88);
  v[2] = _mm512_shuffle_f32x4(even01, even23, 0xdd);
  v[3] = _mm512_shuffle_f32x4(odd01, odd23, 0xdd);
}

// What a group of 32 inputs multiplies with: weights as unsigned bytes, scale * (w . q) - least * sum of x.
struct Q8Inputs {
  static constexpr bool kOffset = true, kLeast = false;
  static const uint8_t* weights(const uint8_t* panel, int64_t input) {
    return panel + input / 32 * 34 * kOutputs + (2 + input % 32) * kOutputs;
  }
  static __m512i load(const uint8_t* w) { return _mm512_xor_si512(_mm512_loadu_si512(w), _mm512_set1_epi8(-128)); }
  static void scales(__m512* scale, __m512*, const uint8_t* panel, int64_t group) {
    for (int k = 0; k < 4; ++k) scale[k] = halves(panel + group * 34 * kOutputs + 32 * k);
    reorder(scale);
  }
};

struct Q4Inputs {
  static constexpr bool kOffset = false, kLeast = true;
  static constexpr int64_t kHead = 20 * kOutputs, kBlock = kHead + 128 * kOutputs;
  static const uint8_t* weights(const uint8_t* panel, int64_t input) {
    return panel + input / 256 * kBlock + kHead + input % 256 * (kOutputs / 2);
  }
  static __m512i load(const uint8_t* w) {
    const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w));
    const __m512i wide = _mm512_inserti64x4(_mm512_castsi256_si512(both), _mm256_srli_epi16(both, 4), 1);
    return _mm512_and_si512(wide, _mm512_set1_epi8(15));
  }
  static void scales(__m512* scale, __m512* least, const uint8_t* panel, int64_t group) {
    const uint8_t *block = panel + group / 8 * kBlock, *by = block + 4 * kOutputs + group % 8 * kOutputs;
    for (int k = 0; k < 4; ++k) {
      scale[k] = times_unsigned(halves(block + 32 * k), by + 16 * k);
      least[k] = times_unsigned(halves(block + 2 * kOutputs + 32 * k), by + 8 * kOutputs + 16 * k);
    }
    reorder(scale);
    reorder(least);
  }
};

// y += the `fours` of a group for R rows, whose activations of the first four are at q.
template <class Q, int R>
inline void add_group(float* y, const __m512i (*w)[4], int64_t fours, const __m512* scale, const __m512* least,
                      const int32_t* q, int64_t stride, const Int8Row* x, int64_t group) {
  __m512i dot[R][4];
  for (int r = 0; r < R; ++r) {
    const int minus = Q::kOffset ? x[r].minus[2 * group] + x[r].minus[2 * group + 1] : 0;
    for (__m512i& d : dot[r]) d = _mm512_set1_epi32(minus);
  }
  for (int64_t f = 0; f < fours; ++f)
    for (int r = 0; r < R; ++r) {
      const __m512i four = _mm512_set1_epi32(q[r * stride + f]);
      for (int k = 0; k < 4; ++k) dot[r][k] = _mm512_dpbusd_epi32(dot[r][k], w[f][k], four);
    }
  for (int r = 0; r < R; ++r) {
    const __m512 d = _mm512_set1_ps(x[r].d[group]), total = _mm512_set1_ps(x[r].sum[group]);
    for (int k = 0; k < 4; ++k) {
      float* to = y + r * kOutputs + 16 * k;
      __m512 sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[r][k]), _mm512_mul_ps(scale[k], d), _mm512_loadu_ps(to));
      if (Q::kLeast) sum = _mm512_fnmadd_ps(least[k], total, sum);
      _mm512_storeu_ps(to, sum);
    }
  }
}

template <class Q>
void by_input_of(const void* data, const ActiveFours& active, const Int8Row* x, int rows, float* y) {
  const auto* panel = static_cast<const uint8_t*>(data);
  for (int64_t i = 0; i < rows * kOutputs; i += 16) _mm512_storeu_ps(y + i, _mm512_setzero_ps());
  const int64_t last = active.count == 0 ? 0 : active.groups[active.count - 1].end - 1;
  int64_t begin = 0;
  for (int64_t g = 0; g < active.count; ++g) {
    const int64_t group = active.groups[g].number, fours = active.groups[g].end - begin;
    __m512i w[kFoursOfGroup][4];
    for (int64_t f = 0; f < fours; ++f) {
      const int64_t at = begin + f, ahead = at + kFoursAhead < last ? at + kFoursAhead : last;
      __m512i lines[4];
      for (int k = 0; k < 4; ++k) {
        _mm_prefetch(reinterpret_cast<const char*>(Q::weights(panel, active.index[4 * ahead + k])), _MM_HINT_T0);
        lines[k] = Q::load(Q::weights(panel, active.index[4 * at + k]));
      }
      interleave(w[f], lines);
    }
    __m512 scale[4], least[4];
    Q::scales(scale, least, panel, group);
    const int32_t* q = active.q + begin;
    int r = 0;
    for (; r + 4 <= rows; r += 4)
      add_group<Q, 4>(y + r * kOutputs, w, fours, scale, least, q + r * active.stride, active.stride, x + r, group);
    for (; r < rows; ++r)
      add_group<Q, 1>(y + r * kOutputs, w, fours, scale, least, q + r * active.stride, active.stride, x + r, group);
    begin += fours;
  }
  for (int r = 0; r < rows; ++r) {
    __m512 v[4];
    for (int k = 0; k < 4; ++k) v[k] = _mm512_loadu_ps(y + r * kOutputs + 16 * k);
    reorder(v);
    for (int k = 0; k < 4; ++k) _mm512_storeu_ps(y + r * kOutputs + 16 * k, v[k]);
  }
}

void by_input(DType type, const void* panel, const ActiveFours& active, const Int8Row* x, int rows, float* y) {
  return type == DType::q8_0 ? by_input_of<Q8Inputs>(panel, active, x, rows, y)
                             : by_input_of<Q4Inputs>(panel, active, x, rows, y);
}

void round(const Int8Row& to, const float* x, int64_t n, DType type) {
  const int offset = type == DType::q8_0 ? 128 : 32;
  for (int64_t i = 0; i < n; i += 32) {
    const __m512 a = _mm512_loadu_ps(x + i), b = _mm512_loadu_ps(x + i + 16);
    const float most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b)));
    const bool finite = _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q) == 0 && most <= kLargest;
    // Values that are not finite make the whole group NaN; values near 2^-126 are 0.
    const float d = finite ? most / 127 : __builtin_nanf(""), by = finite && most > kLeast ? 127 / most : 0;
    const __m512 zero = _mm512_setzero_ps(), scale = _mm512_set1_ps(by);
    const __m512i p = _mm512_cvtps_epi32(_mm512_mul_ps(finite ? a : zero, scale));
    const __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(finite ? b : zero, scale));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to.q + i), _mm512_cvtsepi32_epi8(p));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to.q + i + 16), _mm512_cvtsepi32_epi8(q));
    const int first = _mm512_reduce_add_epi32(p), second = _mm512_reduce_add_epi32(q);
    to.minus[i / 16] = -offset * first;
    to.minus[i / 16 + 1] = -offset * second;
    to.sum[i / 32] = d * static_cast<float>(first + second);
    to.d[i / 32] = d;
  }
}

#include "backend/cpu/int8-inl.h"

}  // namespace

const Int8Kernels kInt8Vnni{takes, round, true, dot, by_input};

}  // namespace recurra
