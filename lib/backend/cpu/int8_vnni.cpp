// int8.h with AVX-512 and its VNNI: 64 products in 16 lanes of 4 each, so that lanes 0-7 belong to one group of 32
// values and lanes 8-15 to the next.
#include <immintrin.h>

#include "backend/cpu/int8.h"

namespace recurra {
namespace {

// How many bytes ahead of the weights at hand memory is asked for.
constexpr int64_t kAhead = 2048;
constexpr float kLargest = 3.4e38f, kLeast = 1e-35f;

float half_at(const uint8_t* b) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_loadu_si16(b))); }

__m512i join(__m256i low, __m256i high) { return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1); }

__m256i load32(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }

// [a x 8, b x 8], of groups a and b.
__m512 pair(__m512 scales, int a, int b) {
  return _mm512_permutexvar_ps(_mm512_setr_epi32(a, a, a, a, a, a, a, a, b, b, b, b, b, b, b, b), scales);
}

// What a tile of R rows adds up.
template <int R>
struct Sums {
  __m512 sum[R];
  __m256 offset[R];  // of the types with a minimum
};

// sum += scale * d * (w . q) over values i .. i+63, where the weights are w, or w less what `minus` is for.
template <int R, bool kBias>
inline void take(Sums<R>& s, const Int8Row* x, int64_t i, __m512i w, __m512 scale) {
  for (int r = 0; r < R; ++r) {
    __m512i dot = kBias ? _mm512_loadu_si512(x[r].minus + i / 4) : _mm512_setzero_si512();
    dot = _mm512_dpbusd_epi32(dot, w, _mm512_loadu_si512(x[r].q + i));
    const __m512 by = _mm512_mul_ps(scale, _mm512_loadu_ps(x[r].d + i / 4));
    s.sum[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), by, s.sum[r]);
  }
}

struct Q8_0 {
  static constexpr int kValues = 64, kBytes = 68;  // two blocks
  template <int R>
  static void add(Sums<R>& s, const Int8Row* x, int64_t i, const uint8_t* b) {
    const __m512i w = _mm512_xor_si512(join(load32(b + 2), load32(b + 36)), _mm512_set1_epi8(-128));
    const __m128i halves = _mm_unpacklo_epi16(_mm_loadu_si16(b), _mm_loadu_si16(b + 34));
    take<R, true>(s, x, i, w, pair(_mm512_castps128_ps512(_mm_cvtph_ps(halves)), 0, 1));
  }
  // A last single block.
  template <int R>
  static void add_half(Sums<R>& s, const Int8Row* x, int64_t i, const uint8_t* b) {
    const __m256i w = _mm256_xor_si256(load32(b + 2), _mm256_set1_epi8(-128));
    for (int r = 0; r < R; ++r) {
      const auto* q = reinterpret_cast<const uint8_t*>(x[r].q + i);
      const __m256i minus = load32(reinterpret_cast<const uint8_t*>(x[r].minus + i / 4));
      const __m256i dot = _mm256_dpbusd_epi32(minus, w, load32(q));
      const __m256 by = _mm256_mul_ps(_mm256_set1_ps(half_at(b)), _mm256_loadu_ps(x[r].d + i / 4));
      s.offset[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), by, s.offset[r]);
    }
  }
};

// 8 scales and 8 minima of a Q4_K or Q5_K block, in this order (dequantize.cpp says where their bits are).
inline __m512 group_scales(const uint8_t* b) {
  uint32_t q[3];
  __builtin_memcpy(q, b + 4, sizeof q);
  const uint32_t six = 0x3f3f3f3f, four = 0x0f0f0f0f, two = 0x03030303;
  const __m128i found =
      _mm_setr_epi32(static_cast<int>(q[0] & six), static_cast<int>((q[2] & four) | (q[0] >> 6 & two) << 4),
                     static_cast<int>(q[1] & six), static_cast<int>((q[2] >> 4 & four) | (q[1] >> 6 & two) << 4));
  const __m512 by = _mm512_insertf32x8(_mm512_set1_ps(half_at(b)), _mm256_set1_ps(half_at(b + 2)), 1);
  return _mm512_mul_ps(by, _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(found)));
}

template <int R>
inline void take_minima(Sums<R>& s, const Int8Row* x, int64_t i, __m512 scales) {
  const __m256 minima = _mm512_extractf32x8_ps(scales, 1);
  for (int r = 0; r < R; ++r) s.offset[r] = _mm256_fnmadd_ps(minima, _mm256_loadu_ps(x[r].sum + i / 32), s.offset[r]);
}

// Of 64 bytes the low halves are groups g and g + 2, the high halves g + 1 and g + 3. The activations of a block are
// rounded into this order, 0 2 1 3 4 6 5 7, so that no lane has to move.
inline int64_t place_of(int64_t group) {
  constexpr int kPlaces[] = {0, 2, 1, 3, 4, 6, 5, 7};
  return group / 8 * 8 + kPlaces[group % 8];
}

struct Q4_K {
  static constexpr int kValues = 256, kBytes = 144;
  template <int R>
  static void add(Sums<R>& s, const Int8Row* x, int64_t i, const uint8_t* b) {
    const __m512 scales = group_scales(b);
    take_minima(s, x, i, scales);
    const __m512i half = _mm512_set1_epi8(15);
    const __m512i q = _mm512_loadu_si512(b + 16), p = _mm512_loadu_si512(b + 80);
    take<R, false>(s, x, i, _mm512_and_si512(q, half), pair(scales, 0, 2));
    take<R, false>(s, x, i + 64, _mm512_and_si512(_mm512_srli_epi16(q, 4), half), pair(scales, 1, 3));
    take<R, false>(s, x, i + 128, _mm512_and_si512(p, half), pair(scales, 4, 6));
    take<R, false>(s, x, i + 192, _mm512_and_si512(_mm512_srli_epi16(p, 4), half), pair(scales, 5, 7));
  }
};

struct Q5_K {
  static constexpr int kValues = 256, kBytes = 176;
  template <int R>
  static void add(Sums<R>& s, const Int8Row* x, int64_t i, const uint8_t* b) {
    const __m512 scales = group_scales(b);
    take_minima(s, x, i, scales);
    const __m512i half = _mm512_set1_epi8(15), fifth = _mm512_broadcast_i64x4(load32(b + 16));
    const auto part = [&](int64_t at, __m512i lower, int first, int second) {
      const __m512i by = _mm512_setr_epi64(first, first, first, first, second, second, second, second);
      const __m512i bit = _mm512_and_si512(_mm512_srlv_epi64(fifth, by), _mm512_set1_epi8(1));
      const __m512i w = _mm512_or_si512(_mm512_and_si512(lower, half), _mm512_slli_epi16(bit, 4));
      take<R, false>(s, x, i + at, w, pair(scales, first, second));
    };
    const __m512i q = _mm512_loadu_si512(b + 48), p = _mm512_loadu_si512(b + 112);
    part(0, q, 0, 2);
    part(64, _mm512_srli_epi16(q, 4), 1, 3);
    part(128, p, 4, 6);
    part(192, _mm512_srli_epi16(p, 4), 5, 7);
  }
};

struct Q6_K {
  static constexpr int kValues = 256, kBytes = 210;
  template <int R>
  static void add(Sums<R>& s, const Int8Row* x, int64_t i, const uint8_t* b) {
    const __m128i raw = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + 192));
    const __m512 scales =
        _mm512_mul_ps(_mm512_set1_ps(half_at(b + 208)), _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(raw)));
    const __m512i quarters = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m512i low = _mm512_set1_epi8(15), two = _mm512_set1_epi8(3);
    for (int half = 0; half < 2; ++half) {
      const __m512i q = _mm512_loadu_si512(b + 64 * half), upper = _mm512_broadcast_i64x4(load32(b + 128 + 32 * half));
      for (int part = 0; part < 4; part += 2) {
        const __m512i by = _mm512_setr_epi64(2 * part, 2 * part, 2 * part, 2 * part, 2 * part + 2, 2 * part + 2,
                                             2 * part + 2, 2 * part + 2);
        const __m512i bits = _mm512_slli_epi16(_mm512_and_si512(_mm512_srlv_epi64(upper, by), two), 4);
        const __m512i lower = _mm512_and_si512(part == 0 ? q : _mm512_srli_epi16(q, 4), low);
        const __m512i at = _mm512_add_epi32(quarters, _mm512_set1_epi32(8 * half + 2 * part));
        take<R, true>(s, x, i + 128 * half + 32 * part, _mm512_or_si512(lower, bits),
                      _mm512_permutexvar_ps(at, scales));
      }
    }
  }
};

template <class Q, int R>
void rows(const uint8_t* w, int64_t in, int64_t row, int64_t count, const Int8Row* x, float* y, int64_t ldy) {
  for (int64_t n = 0; n < count; ++n, w += row) {
    Sums<R> s;
    for (int r = 0; r < R; ++r) {
      s.sum[r] = _mm512_setzero_ps();
      s.offset[r] = _mm256_setzero_ps();
    }
    const uint8_t* b = w;
    int64_t i = 0;
    for (; i + Q::kValues <= in; i += Q::kValues, b += Q::kBytes) {
      for (int at = 0; at < Q::kBytes; at += 64)
        _mm_prefetch(reinterpret_cast<const char*>(b + kAhead + at), _MM_HINT_T0);
      Q::add(s, x, i, b);
    }
    if constexpr (Q::kValues == 64)
      if (i < in) Q::add_half(s, x, i, b);
    for (int r = 0; r < R; ++r)
      y[r * ldy + n] = _mm512_reduce_add_ps(_mm512_add_ps(s.sum[r], _mm512_zextps256_ps512(s.offset[r])));
  }
}

void round(const Int8Row& to, const float* x, int64_t n, DType type) {
  const bool placed = type == DType::q4_k || type == DType::q5_k;
  const unsigned bias_bits = type == DType::q8_0 ? 7 : 5;
  for (int64_t i = 0; i < n; i += 32) {
    const int64_t at = placed ? 32 * place_of(i / 32) : i;
    const __m512 a = _mm512_loadu_ps(x + i), b = _mm512_loadu_ps(x + i + 16);
    const float most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b)));
    const bool finite = _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q) == 0 && most <= kLargest;
    // Values that are not finite make the whole group NaN; values near 2^-126 are 0.
    const float d = finite ? most / 127 : __builtin_nanf(""), by = finite && most > kLeast ? 127 / most : 0;
    const __m512 zero = _mm512_setzero_ps(), scale = _mm512_set1_ps(by);
    const __m512i p = _mm512_cvtps_epi32(_mm512_mul_ps(finite ? a : zero, scale));
    const __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(finite ? b : zero, scale));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to.q + at), _mm512_cvtsepi32_epi8(p));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to.q + at + 16), _mm512_cvtsepi32_epi8(q));
    const __m256i all = load32(reinterpret_cast<const uint8_t*>(to.q + at));
    const __m256i fours = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), all);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to.minus + at / 4),
                        _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_slli_epi32(fours, bias_bits)));
    to.sum[i / 32] = d * static_cast<float>(_mm512_reduce_add_epi32(_mm512_zextsi256_si512(fours)));
    _mm256_storeu_ps(to.d + at / 4, _mm256_set1_ps(d));
  }
}

#include "backend/cpu/int8-inl.h"

}  // namespace

const Int8Kernels kInt8Vnni{takes, round, dot};

}  // namespace recurra
