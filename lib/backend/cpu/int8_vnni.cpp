// int8.h with AVX-512 and its VNNI, on panels of 16 outputs (int8_panels.h): a lane is an output, an instruction
// multiplies 4 of its weights with 4 activations that all lanes share. A group's weights are unpacked once for all
// rows.
#include <immintrin.h>

#include "backend/cpu/int8.h"

namespace recurra {
namespace {

// How many bytes ahead of the weights at hand memory is asked for.
constexpr int64_t kAhead = 4096;
constexpr int64_t kFoursAhead = 16;
constexpr float kLargest = 3.4e38f, kLeast = 1e-35f;

#include "backend/cpu/int8_panels-inl.h"

// Sums over 16 inputs of row x from i on, of half `half` of a group, and what the row adds for the weights' offset.
template <int kOffset>
inline __m512i dot16(const Int8Row& x, int64_t i, const Group& g, int half) {
  const auto four = [&](int j) {
    int32_t q;
    __builtin_memcpy(&q, x.q + i + 16 * half + 4 * j, 4);
    return _mm512_set1_epi32(q);
  };
  __m512i sum = kOffset != 0 ? _mm512_set1_epi32(x.minus[i / 16 + half]) : _mm512_setzero_si512();
  for (int j = 0; j < 4; ++j) sum = _mm512_dpbusd_epi32(sum, g.w[4 * half + j], four(j));
  return sum;
}

// sum += scale * d * (w . q) for inputs i .. i+31.
template <class Q, int R>
inline void add(__m512 (&sum)[R], const Int8Row* x, int64_t i, const Group& g, const Scales& s) {
  for (int r = 0; r < R; ++r) {
    const __m512 d = _mm512_set1_ps(x[r].d[i / 32]);
    const __m512i low = dot16<Q::kOffset>(x[r], i, g, 0), high = dot16<Q::kOffset>(x[r], i, g, 1);
    if (Q::kTwo) {
      const __m512 both = _mm512_mul_ps(_mm512_cvtepi32_ps(high), s.second);
      sum[r] = _mm512_fmadd_ps(_mm512_fmadd_ps(_mm512_cvtepi32_ps(low), s.first, both), d, sum[r]);
    } else {
      sum[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(low, high)), _mm512_mul_ps(s.first, d), sum[r]);
    }
    if (Q::kLeast) sum[r] = _mm512_fnmadd_ps(s.least, _mm512_set1_ps(x[r].sum[i / 32]), sum[r]);
  }
}

template <class Q, int R>
void rows(const uint8_t* w, int64_t count, int64_t in, int64_t stride, const Int8Row* x, float* y, int64_t ldy) {
  for (int64_t n = 0; n < count; n += 16, w += stride) {
    __m512 sum[R];
    for (__m512& s : sum) s = _mm512_setzero_ps();
    Q::template each_group<false>(w, in, [&](int64_t i, const Group& g, const Scales& s) { add<Q>(sum, x, i, g, s); });
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

// y += the `fours` of a group for R rows, whose activations of the first four are at q.
template <class Q, int R>
inline void add_group(float* y, const __m512i (*w)[4], int64_t fours, const Scales* s, const int32_t* q, int64_t stride,
                      const Int8Row* x, int64_t group) {
  __m512i dot[R][4];
  for (int r = 0; r < R; ++r) {
    const int minus = Q::kOffset != 0 ? x[r].minus[2 * group] + x[r].minus[2 * group + 1] : 0;
    for (__m512i& d : dot[r]) d = _mm512_set1_epi32(minus);
  }
  for (int64_t f = 0; f < fours; ++f)
    for (int r = 0; r < R; ++r) {
      const __m512i four = _mm512_set1_epi32(q[r * stride + f]);
      for (int k = 0; k < 4; ++k) dot[r][k] = _mm512_dpbusd_epi32(dot[r][k], w[f][k], four);
    }
  for (int r = 0; r < R; ++r)
    for (int k = 0; k < 4; ++k) add_to<Q>(y + r * kOutputs + 16 * k, dot[r][k], s[k], x[r], group);
}

template <class Q>
void by_input_of(const void* data, const ActiveFours& active, const Int8Row* x, int rows, float* y) {
  const auto* panel = static_cast<const uint8_t*>(data);
  for (int64_t i = 0; i < rows * kOutputs; i += 16) _mm512_storeu_ps(y + i, _mm512_setzero_ps());
  int64_t begin = 0;
  for (int64_t g = 0; g < active.count; ++g) {
    const int64_t group = active.groups[g].number, end = active.groups[g].end;
    __m512i w[kFoursOfGroup][4];
    gather<Q, false>(w, panel, active, begin, end);
    Scales s[4];
    Q::scales(s, panel, group);
    const int32_t* q = active.q + begin;
    const int64_t stride = active.stride;
    int r = 0;
    for (; r + 4 <= rows; r += 4)
      add_group<Q, 4>(y + r * kOutputs, w, end - begin, s, q + r * stride, stride, x + r, group);
    for (; r < rows; ++r) add_group<Q, 1>(y + r * kOutputs, w, end - begin, s, q + r * stride, stride, x + r, group);
    begin = end;
  }
  for (int r = 0; r < rows; ++r) reorder(y + r * kOutputs);
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

const Int8Kernels kInt8Vnni{takes, round, true, dot_of_type, by_input};

}  // namespace recurra
