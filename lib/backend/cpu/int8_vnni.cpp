// int8.h with AVX-512 and its VNNI, on panels of 16 outputs (int8_panels.h): a lane is an output, an instruction
// multiplies 4 of its weights with 4 activations that all lanes share. A group's weights are unpacked once for all
// rows.
#include <immintrin.h>

#include "backend/cpu/int8.h"

namespace recurra {
namespace {

constexpr float kLargest = 3.4e38f, kLeast = 1e-35f;

#include "backend/cpu/int8_panels-inl.h"

// How rows read their panels (see Reading in level.h). A single one so many at once, asking for those behind them; or
// all panel by panel, asking for what lies so many bytes further on. In stretches an EPYC of family 26 gives 39 GB/s of
// Q4_K to one thread, 50 to two, which is what it gives at all; in pieces 36 and 39.
struct OnePlace {
  static constexpr int kPanels = 1;
  static constexpr int64_t kAhead = 8192;
  using Ask = AskForStretches;
};
struct SeveralPlaces {
  static constexpr int kPanels = 4;
  static constexpr int64_t kAhead = 4096;
  using Ask = AskForPieces;
};

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

// R rows by P panels, a step of each in turn, and what lies `ahead` bytes further on asked for.
template <class Q, class Ask, int R, int P>
void rows(const uint8_t* w, int64_t in, int64_t stride, Ask ask, const Int8Row* x, float* y, int64_t ldy) {
  __m512 sum[P][R];
  for (auto& panel : sum)
    for (__m512& s : panel) s = _mm512_setzero_ps();
  for (int64_t block = 0; block < in; block += Q::kInputs)
    for_each_number<Q::kSteps>([&](auto n) {
      for (int p = 0; p < P; ++p)
        Q::template step<false, decltype(n)::value>(
            w + p * stride, in, block, ask,
            [&](int64_t i, const Group& g, const Scales& s) { add<Q>(sum[p], x, i, g, s); });
    });
  for (int p = 0; p < P; ++p)
    for (int r = 0; r < R; ++r) _mm512_storeu_ps(y + r * ldy + 16 * p, sum[p][r]);
}

// Many rows at a time, as many as the registers hold; one row by several panels.
template <class Q, class How>
void dot_of(const void* data, int64_t count, int64_t in, int64_t stride, const Int8Row* x, int n, float* y,
            int64_t ldy) {
  const auto* weights = static_cast<const uint8_t*>(data);
  const auto panels = [&](auto number, auto together, int64_t& o) {
    constexpr int kRows = decltype(number)::value, kPanels = decltype(together)::value;
    const int64_t left = (count - o + 15) / 16;  // the last one may be filled up with zeros
    for (int64_t p = 0; p + kPanels <= left; p += kPanels, o += 16 * kPanels)
      rows<Q, typename How::Ask, kRows, kPanels>(weights + o / 16 * stride, in, stride,
                                                 {kPanels > 1 ? kPanels * stride : How::kAhead}, x, y + o, ldy);
  };
  const auto some = [&](auto number) {
    constexpr int kRows = decltype(number)::value;
    for (; n >= kRows; n -= kRows, x += kRows, y += kRows * ldy) {
      int64_t o = 0;
      if constexpr (kRows == 1 && How::kPanels == 4) {
        panels(number, Number<4>{}, o);
        panels(number, Number<2>{}, o);
      }
      panels(number, Number<1>{}, o);
    }
  };
  some(Number<8>{});
  some(Number<4>{});
  some(Number<2>{});
  some(Number<1>{});
}

// What a row adds for the weights' offset.
template <class Q>
inline __m512i minus_of(const Int8Row& x, int64_t group) {
  return Q::kOffset != 0 ? _mm512_set1_epi32(x.minus[2 * group] + x.minus[2 * group + 1]) : _mm512_setzero_si512();
}

// One row: its sums stay in registers, and its weights go nowhere else.
template <class Q>
void row_by_input(const uint8_t* panel, const ActiveFours& active, const Int8Row& x, float* y) {
  __m512 sum[kHalves][4];
  for (auto& half : sum)
    for (__m512& s : half) s = _mm512_setzero_ps();
  int64_t f = 0;
  for (int64_t g = 0; g < active.count; ++g) {
    const int64_t group = active.groups[g].number, end = active.groups[g].end;
    ask_for_scales<Q>(panel, group);
    __m512i dot[kHalves][4];
    for (auto& half : dot)
      for (__m512i& d : half) d = minus_of<Q>(x, group);
    for (; f < end; ++f) {
      const int32_t* line = active.line + 4 * f;
      ask_for_lines<Q>(panel, line);
      const __m512i four = _mm512_set1_epi32(active.q[f]);
      for (int h = 0; h < kHalves; ++h) {
        const uint8_t* p = panel + h * (Q::kLine / kHalves);
        __m512i w[4];
        Q::template fours<false>(w, p + line[0], p + line[1], p + line[2], p + line[3]);
        for (int k = 0; k < 4; ++k) dot[h][k] = _mm512_dpbusd_epi32(dot[h][k], w[k], four);
      }
    }
    for (int h = 0; h < kHalves; ++h)
      for (int k = 0; k < 4; ++k) {
        const Scales s = Q::scales(panel, group, kHalf * h + 16 * k);
        sum[h][k] = add_group_sums<Q>(sum[h][k], Q::exact(k, dot[h][k]), s, x, group);
      }
  }
  for (int h = 0; h < kHalves; ++h)
    for (int k = 0; k < 4; ++k) _mm512_storeu_ps(y + kHalf * h + 16 * k, sum[h][k]);
}

// y += a half of a group for R rows, whose activations of the first four are at q.
template <class Q, int R>
inline void add_group(float* y, const __m512i (*w)[4], int64_t fours, const Scales* s, const int32_t* q, int64_t stride,
                      const Int8Row* x, int64_t group) {
  __m512i dot[R][4];
  for (int r = 0; r < R; ++r)
    for (__m512i& d : dot[r]) d = minus_of<Q>(x[r], group);
  for (int64_t f = 0; f < fours; ++f)
    for (int r = 0; r < R; ++r) {
      const __m512i four = _mm512_set1_epi32(q[r * stride + f]);
      for (int k = 0; k < 4; ++k) dot[r][k] = _mm512_dpbusd_epi32(dot[r][k], w[f][k], four);
    }
  for (int r = 0; r < R; ++r)
    for (int k = 0; k < 4; ++k) {
      float* at = y + r * kInt8Inputs + 16 * k;
      _mm512_storeu_ps(at, add_group_sums<Q>(_mm512_loadu_ps(at), Q::exact(k, dot[r][k]), s[k], x[r], group));
    }
}

template <class Q>
void by_input_of(const void* data, const ActiveFours& active, const Int8Row* x, int rows, float* y) {
  const auto* panel = static_cast<const uint8_t*>(data);
  if (rows == 1) return row_by_input<Q>(panel, active, *x, y);
  for (int64_t i = 0; i < rows * kInt8Inputs; i += 16) _mm512_storeu_ps(y + i, _mm512_setzero_ps());
  int64_t begin = 0;
  for (int64_t g = 0; g < active.count; ++g) {
    const int64_t group = active.groups[g].number, end = active.groups[g].end, stride = active.stride;
    const int32_t* q = active.q + begin;
    ask_for_scales<Q>(panel, group);
    for (int h = 0; h < kHalves; ++h) {
      __m512i w[kFoursOfGroup][4];
      gather<Q, false>(w, panel, h * (Q::kLine / kHalves), active.line, begin, end);
      Scales s[4];
      for (int k = 0; k < 4; ++k) s[k] = Q::scales(panel, group, kHalf * h + 16 * k);
      float* to = y + kHalf * h;
      int r = 0;
      for (; r + 4 <= rows; r += 4)
        add_group<Q, 4>(to + r * kInt8Inputs, w, end - begin, s, q + r * stride, stride, x + r, group);
      for (; r < rows; ++r)
        add_group<Q, 1>(to + r * kInt8Inputs, w, end - begin, s, q + r * stride, stride, x + r, group);
    }
    begin = end;
  }
}

void by_input(DType type, const void* panel, const ActiveFours& active, const Int8Row* x, int rows, float* y) {
  return type == DType::q8_0 ? by_input_of<Q8Inputs>(panel, active, x, rows, y)
                             : by_input_of<Q4Inputs>(panel, active, x, rows, y);
}

// Which of inputs i .. i+15 are not 0 in one of the rows.
inline uint32_t some_of(const Int8Row* x, int rows, int64_t i) {
  __m128i any = _mm_setzero_si128();
  for (int r = 0; r < rows; ++r) any = _mm_or_si128(any, _mm_loadu_si128(reinterpret_cast<const __m128i*>(x[r].q + i)));
  return _mm_test_epi8_mask(any, any);
}

inline bool some_nan(const Int8Row* x, int rows, int64_t group) {
  for (int r = 0; r < rows; ++r)
    if (x[r].d[group] != x[r].d[group]) return true;
  return false;
}

template <class Q>
void list_of(ActiveFours* to, const Int8Row* x, int rows, int64_t n) {
  const __m512i lines = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                           _mm512_set1_epi32(static_cast<int>(Q::kLine)));
  int64_t at = 0;  // of the lists
  to->count = 0;
  for (int64_t i = 0; i < n; i += 32) {
    uint32_t some = some_of(x, rows, i) | some_of(x, rows, i + 16) << 16;
    if (some == 0 && some_nan(x, rows, i / 32)) some = 1;  // with 0 for its activation
    if (some == 0) continue;
    const auto first = static_cast<int32_t>(i * Q::kLine + (i / Q::kInputs + 1) * Q::kHead);
    for (int half = 0; half < 2; ++half) {
      const auto mask = static_cast<__mmask16>(some >> 16 * half);
      const __m512i of = _mm512_add_epi32(lines, _mm512_set1_epi32(first + 16 * half * static_cast<int>(Q::kLine)));
      _mm512_storeu_si512(to->line + at, _mm512_maskz_compress_epi32(mask, of));
      for (int r = 0; r < rows; ++r) {
        const __m512i wide =
            _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x[r].q + i + 16 * half)));
        const __m128i found = _mm512_cvtepi32_epi8(_mm512_maskz_compress_epi32(mask, wide));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(reinterpret_cast<int8_t*>(to->q + r * to->stride) + at), found);
      }
      at += __builtin_popcount(mask);
    }
    // Four places at least are the caller's spare room, or will be written over.
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to->line + at), _mm_set1_epi32(to->line[at - 1]));
    for (int r = 0; r < rows; ++r) __builtin_memset(reinterpret_cast<int8_t*>(to->q + r * to->stride) + at, 0, 4);
    at = (at + 3) / 4 * 4;
    to->groups[to->count++] = {static_cast<int32_t>(i / 32), static_cast<int32_t>(at / 4)};
  }
  if (at > 0)
    for (int64_t i = 0; i < 4 * kFoursAhead; ++i) to->line[at + i] = to->line[at - 1];
}

void list(ActiveFours* to, DType type, const Int8Row* x, int rows, int64_t n) {
  return type == DType::q8_0 ? list_of<Q8Inputs>(to, x, rows, n) : list_of<Q4Inputs>(to, x, rows, n);
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

const Int8Kernels kInt8Vnni{takes, round, true, dot_of_type<SeveralPlaces>, list, by_input};
const Int8Kernels kInt8VnniOnePlace{takes, round, true, dot_of_type<OnePlace>, list, by_input};

}  // namespace recurra
