// int8.h with AVX2: 32 products in 8 lanes of 4 each, one group of 32 values. The unsigned weights are at most 127 (of
// Q8_0: at most 128, their signs moved to the activations), so that two products fit into 16 bits.
#include <immintrin.h>

#include "backend/cpu/int8.h"

namespace recurra {
namespace {

// How many bytes ahead of the weights at hand memory is asked for.
constexpr int64_t kAhead = 2048;
constexpr float kLargest = 3.4e38f, kLeast = 1e-35f;

float half_at(const uint8_t* b) {
  uint16_t h;
  __builtin_memcpy(&h, b, sizeof h);
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
}

__m256i load32(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

__m256i dot4(__m256i w, __m256i q) { return _mm256_madd_epi16(_mm256_maddubs_epi16(w, q), _mm256_set1_epi16(1)); }

template <int R>
struct Sums {
  __m256 sum[R];
  __m256 offset[R];  // of the types with a minimum
};

// sum += scale * d * products over 32 values from i on.
inline __m256 take(__m256 sum, const Int8Row& x, int64_t i, __m256i products, __m256 scale) {
  return _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), _mm256_mul_ps(scale, _mm256_loadu_ps(x.d + i / 4)), sum);
}

struct Q8_0 {
  static constexpr int kValues = 32, kBytes = 34;
  template <int R>
  static void add(Sums<R>& s, const Int8Row* x, int64_t i, const uint8_t* b) {
    const __m256i w = load32(b + 2), size = _mm256_abs_epi8(w);
    const __m256 scale = _mm256_set1_ps(half_at(b));
    for (int r = 0; r < R; ++r)
      s.sum[r] = take(s.sum[r], x[r], i, dot4(size, _mm256_sign_epi8(load32(x[r].q + i), w)), scale);
  }
};

// 8 scales, then 8 minima of a Q4_K or Q5_K block (dequantize.cpp says where their bits are).
inline void group_scales(const uint8_t* b, float* scales, __m256* minima) {
  uint32_t q[3];
  __builtin_memcpy(q, b + 4, sizeof q);
  const uint32_t six = 0x3f3f3f3f, four = 0x0f0f0f0f, two = 0x03030303;
  const __m128i low =
      _mm_setr_epi32(static_cast<int>(q[0] & six), static_cast<int>((q[2] & four) | (q[0] >> 6 & two) << 4), 0, 0);
  const __m128i high =
      _mm_setr_epi32(static_cast<int>(q[1] & six), static_cast<int>((q[2] >> 4 & four) | (q[1] >> 6 & two) << 4), 0, 0);
  _mm256_storeu_ps(scales, _mm256_mul_ps(_mm256_set1_ps(half_at(b)), _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(low))));
  *minima = _mm256_mul_ps(_mm256_set1_ps(half_at(b + 2)), _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(high)));
}

template <int R>
inline void take_minima(Sums<R>& s, const Int8Row* x, int64_t i, __m256 minima) {
  for (int r = 0; r < R; ++r) s.offset[r] = _mm256_fnmadd_ps(minima, _mm256_loadu_ps(x[r].sum + i / 32), s.offset[r]);
}

struct Q4_K {
  static constexpr int kValues = 256, kBytes = 144;
  template <int R>
  static void add(Sums<R>& s, const Int8Row* x, int64_t i, const uint8_t* b) {
    float scales[8];
    __m256 minima;
    group_scales(b, scales, &minima);
    take_minima(s, x, i, minima);
    const __m256i half = _mm256_set1_epi8(15);
    for (int g = 0; g < 8; g += 2) {
      const __m256i raw = load32(b + 16 + 16 * g);
      const __m256i low = _mm256_and_si256(raw, half), high = _mm256_and_si256(_mm256_srli_epi16(raw, 4), half);
      for (int r = 0; r < R; ++r) {
        const int64_t at = i + 32 * g;
        s.sum[r] = take(s.sum[r], x[r], at, dot4(low, load32(x[r].q + at)), _mm256_set1_ps(scales[g]));
        s.sum[r] = take(s.sum[r], x[r], at + 32, dot4(high, load32(x[r].q + at + 32)), _mm256_set1_ps(scales[g + 1]));
      }
    }
  }
};

struct Q5_K {
  static constexpr int kValues = 256, kBytes = 176;
  template <int R>
  static void add(Sums<R>& s, const Int8Row* x, int64_t i, const uint8_t* b) {
    float scales[8];
    __m256 minima;
    group_scales(b, scales, &minima);
    take_minima(s, x, i, minima);
    const __m256i half = _mm256_set1_epi8(15), one = _mm256_set1_epi8(1), fifth = load32(b + 16);
    for (int g = 0; g < 8; ++g) {
      __m256i raw = load32(b + 48 + g / 2 * 32);
      if (g % 2 == 1) raw = _mm256_srli_epi16(raw, 4);
      const __m256i bit = _mm256_and_si256(_mm256_srli_epi16(fifth, g), one);
      const __m256i w = _mm256_or_si256(_mm256_and_si256(raw, half), _mm256_slli_epi16(bit, 4));
      for (int r = 0; r < R; ++r) {
        const int64_t at = i + 32 * g;
        s.sum[r] = take(s.sum[r], x[r], at, dot4(w, load32(x[r].q + at)), _mm256_set1_ps(scales[g]));
      }
    }
  }
};

struct Q6_K {
  static constexpr int kValues = 256, kBytes = 210;
  template <int R>
  static void add(Sums<R>& s, const Int8Row* x, int64_t i, const uint8_t* b) {
    const float d = half_at(b + 208);
    const auto* scales = reinterpret_cast<const int8_t*>(b + 192);
    const __m256i low = _mm256_set1_epi8(15), two = _mm256_set1_epi8(3);
    for (int half = 0; half < 2; ++half)
      for (int part = 0; part < 4; ++part) {
        __m256i raw = load32(b + 64 * half + 32 * (part % 2));
        if (part >= 2) raw = _mm256_srli_epi16(raw, 4);
        const __m256i upper = load32(b + 128 + 32 * half);
        const __m256i bits = _mm256_and_si256(_mm256_srli_epi16(upper, 2 * part), two);
        const __m256i w = _mm256_or_si256(_mm256_and_si256(raw, low), _mm256_slli_epi16(bits, 4));
        const int8_t* two_scales = scales + 8 * half + 2 * part;
        const __m256 scale = _mm256_set_m128(_mm_set1_ps(d * static_cast<float>(two_scales[1])),
                                             _mm_set1_ps(d * static_cast<float>(two_scales[0])));
        const int64_t at = i + 128 * half + 32 * part;
        for (int r = 0; r < R; ++r) {
          const __m256i products = _mm256_add_epi32(load32(x[r].minus + at / 4), dot4(w, load32(x[r].q + at)));
          s.sum[r] = take(s.sum[r], x[r], at, products, scale);
        }
      }
  }
};

float add_lanes(__m256 v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

template <class Q, int R>
void rows(const uint8_t* w, int64_t in, int64_t row, int64_t count, const Int8Row* x, float* y, int64_t ldy) {
  for (int64_t n = 0; n < count; ++n, w += row) {
    Sums<R> s;
    for (int r = 0; r < R; ++r) s.sum[r] = s.offset[r] = _mm256_setzero_ps();
    const uint8_t* b = w;
    for (int64_t i = 0; i < in; i += Q::kValues, b += Q::kBytes) {
      for (int at = 0; at < Q::kBytes; at += 64)
        _mm_prefetch(reinterpret_cast<const char*>(b + kAhead + at), _MM_HINT_T0);
      Q::add(s, x, i, b);
    }
    for (int r = 0; r < R; ++r) y[r * ldy + n] = add_lanes(_mm256_add_ps(s.sum[r], s.offset[r]));
  }
}

__m256 absolute(__m256 v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }

void round(const Int8Row& to, const float* x, int64_t n, DType) {
  for (int64_t i = 0; i < n; i += 32) {
    __m256 v[4], most = _mm256_setzero_ps(), strange = _mm256_setzero_ps();
    for (int k = 0; k < 4; ++k) {
      v[k] = _mm256_loadu_ps(x + i + 8 * k);
      most = _mm256_max_ps(most, absolute(v[k]));
      strange = _mm256_or_ps(strange, _mm256_cmp_ps(v[k], v[k], _CMP_UNORD_Q));
    }
    float lanes[8], largest = 0;
    _mm256_storeu_ps(lanes, most);
    for (const float lane : lanes) largest = lane > largest ? lane : largest;
    const bool finite = _mm256_movemask_ps(strange) == 0 && largest <= kLargest;
    // Values that are not finite make the whole group NaN; values near 2^-126 are 0.
    const float d = finite ? largest / 127 : __builtin_nanf(""), by = finite && largest > kLeast ? 127 / largest : 0;
    __m256i q[4];
    for (int k = 0; k < 4; ++k)
      q[k] = _mm256_cvtps_epi32(_mm256_mul_ps(finite ? v[k] : _mm256_setzero_ps(), _mm256_set1_ps(by)));
    // Packing works within halves of 128 bits: put the fours back into their order.
    const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
    const __m256i all = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to.q + i), all);
    const __m256i fours = dot4(_mm256_set1_epi8(1), all);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to.minus + i / 4),
                        _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_slli_epi32(fours, 5)));
    to.sum[i / 32] = d * add_lanes(_mm256_cvtepi32_ps(fours));
    _mm256_storeu_ps(to.d + i / 4, _mm256_set1_ps(d));
  }
}

template <class Q>
void dot_of(const void* data, int64_t count, int64_t in, int64_t stride, const Int8Row* x, int n, float* y,
            int64_t ldy) {
  const auto* w = static_cast<const uint8_t*>(data);
  for (; n > 3; n -= 4, x += 4, y += 4 * ldy) rows<Q, 4>(w, in, stride, count, x, y, ldy);
  if (n == 3) rows<Q, 3>(w, in, stride, count, x, y, ldy);
  if (n == 2) rows<Q, 2>(w, in, stride, count, x, y, ldy);
  if (n == 1) rows<Q, 1>(w, in, stride, count, x, y, ldy);
}

#include "backend/cpu/int8-inl.h"

}  // namespace

const Int8Kernels kInt8Avx2{takes, round, false, dot_of_type<>, nullptr, nullptr};

}  // namespace recurra
