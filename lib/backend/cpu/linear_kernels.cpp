// Dot products of weight rows with activation rows, and what follows a product.
//
// dot: each output is one accumulator of vector lanes that walks K from front to back, then one sum over the lanes.
// Several outputs and rows are computed side by side to hide the latency and to share loads, which changes no bit.
#include <type_traits>

#include "backend/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/linear_kernels.cpp"
// clang-format off
#include "backend/cpu/highway.h"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

#include "backend/cpu/math-inl.h"
#include "backend/cpu/quant-inl.h"

HWY_BEFORE_NAMESPACE();
namespace recurra {
namespace HWY_NAMESPACE {
namespace {

using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;

// The last count < Lanes values, zeros after them.
template <class W>
HWY_INLINE VF load_weights_tail(DF d, const W* p, size_t count) {
  HWY_ALIGN W padded[HWY_MAX_BYTES / sizeof(float)] = {};
  for (size_t i = 0; i < count; ++i) padded[i] = p[i];
  return load_weights(d, padded);
}

// Rows of quantised weights that stay in the first-level cache while all activation rows pass by.
constexpr int64_t kGroup = 16;

// One activation row by N weight rows that lie `apart` from each other, and `ahead` before those that are next (both in
// weights); their outputs lie ldy apart. Rows of some pages each: memory gives most where several pages are read at
// once.
template <int N, class W>
HWY_INLINE void tile(const W* w, int64_t apart, int64_t ahead, int64_t in, const float* x, float* y, int64_t ldy) {
  const DF d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  VF sum[N];
  for (int n = 0; n < N; ++n) sum[n] = hn::Zero(d);
  int64_t j = 0;
  for (; j + lanes <= in; j += lanes) {
    const VF a = hn::LoadU(d, x + j);
    for (int n = 0; n < N; ++n) {
      hwy::Prefetch(w + n * apart + ahead + j);
      sum[n] = hn::MulAdd(a, load_weights(d, w + n * apart + j), sum[n]);
    }
  }
  if (j < in) {
    const size_t rest = static_cast<size_t>(in - j);
    const VF a = hn::MaskedLoad(hn::FirstN(d, rest), d, x + j);
    for (int n = 0; n < N; ++n) sum[n] = hn::MulAdd(a, load_weights_tail(d, w + n * apart + j, rest), sum[n]);
  }
  for (int n = 0; n < N; ++n) y[n * ldy] = hn::GetLane(hn::SumOfLanes(d, sum[n]));
}

// Several activation rows: kTile weight rows by kMost of them have their sums in registers. For kInputs inputs the
// weights are widened to floats once and stay in the first-level cache.
constexpr int64_t kInputs = 1024;
#if HWY_TARGET == HWY_AVX3
constexpr int kTile = 4, kMost = 6;
#else
constexpr int kTile = 4, kMost = 3;
#endif

// Memory that is asked for little by little, into the second-level cache: the hardware's prefetcher does not see the
// next weights coming, and asked for all at once they would hold up what is wanted now.
struct Ahead {
  const char* at;
  int64_t step;  // bytes

  HWY_INLINE void ask() {
    for (int64_t i = 0; i < step; i += 64) __builtin_prefetch(at + i, 0, 2);
    at += step;
  }
};

// sums [M, kTile] of vectors, which begin at 0 where `first`, += M activation rows by kTile rows of w, `in` inputs. The
// weights as floats go to `wide`, unless it is null.
template <int M, class W>
HWY_NOINLINE void wide_tile(const W* w, int64_t ldw, float* wide, int64_t in, const float* x, int64_t ldx, float* sums,
                            bool first, Ahead& ahead) {
  const DF d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  VF sum[M][kTile];
  const auto each = [&](auto f) HWY_ATTR {
    RECURRA_UNROLL
    for (int m = 0; m < M; ++m) RECURRA_UNROLL
    for (int n = 0; n < kTile; ++n) f(sum[m][n], sums + (m * kTile + n) * lanes);
  };
  const auto add = [&](int64_t j, auto weights, auto inputs) HWY_ATTR {
    VF b[kTile];
    RECURRA_UNROLL
    for (int n = 0; n < kTile; ++n) {
      b[n] = weights(w + n * ldw + j);
      if (wide != nullptr) hn::Store(b[n], d, wide + n * kInputs + j);
    }
    RECURRA_UNROLL
    for (int m = 0; m < M; ++m) {
      const VF a = inputs(x + m * ldx + j);
      RECURRA_UNROLL
      for (int n = 0; n < kTile; ++n) sum[m][n] = hn::MulAdd(a, b[n], sum[m][n]);
    }
  };
  each([&](VF& v, const float* p) HWY_ATTR { v = first ? hn::Zero(d) : hn::Load(d, p); });
  int64_t j = 0;
  for (; j + lanes <= in; j += lanes) {
    ahead.ask();
    add(
        j, [=](const W* p) HWY_ATTR { return load_weights(d, p); },
        [=](const float* p) HWY_ATTR { return hn::LoadU(d, p); });
  }
  if (j < in) {
    const size_t rest = static_cast<size_t>(in - j);
    add(
        j, [=](const W* p) HWY_ATTR { return load_weights_tail(d, p, rest); },
        [=](const float* p) HWY_ATTR { return hn::MaskedLoad(hn::FirstN(d, rest), d, p); });
  }
  each([&](VF& v, float* p) HWY_ATTR { hn::Store(v, d, p); });
}

template <class W>
HWY_INLINE void wide_tile(int64_t rows, const W* w, int64_t ldw, float* wide, int64_t in, const float* x, int64_t ldx,
                          float* sums, bool first, Ahead& ahead) {
  switch (rows) {
#if HWY_TARGET == HWY_AVX3
    case 6:
      return wide_tile<6>(w, ldw, wide, in, x, ldx, sums, first, ahead);
    case 5:
      return wide_tile<5>(w, ldw, wide, in, x, ldx, sums, first, ahead);
    case 4:
      return wide_tile<4>(w, ldw, wide, in, x, ldx, sums, first, ahead);
#endif
    case 3:
      return wide_tile<3>(w, ldw, wide, in, x, ldx, sums, first, ahead);
    case 2:
      return wide_tile<2>(w, ldw, wide, in, x, ldx, sums, first, ahead);
    default:
      return wide_tile<1>(w, ldw, wide, in, x, ldx, sums, first, ahead);
  }
}

// M activation rows by N rows of quantised blocks, of which a row has whole ones. Each output has two accumulators,
// which take turns, to hide the latency.
template <int M, int N, class Q>
HWY_NOINLINE void tile_of_blocks(const uint8_t* w, int64_t in, const float* x, int64_t ldx, float* y, int64_t ldy) {
  const DF d;
  const int64_t blocks = in / Q::kValues, row = blocks * Q::kBytes;
  VF sum[M][N][2];
  RECURRA_UNROLL
  for (int m = 0; m < M; ++m) RECURRA_UNROLL
  for (int n = 0; n < N; ++n) sum[m][n][0] = sum[m][n][1] = hn::Zero(d);
  for (int64_t b = 0; b < blocks; ++b) {
    const float* a = x + b * Q::kValues;
    RECURRA_UNROLL
    for (int n = 0; n < N; ++n) {
      const uint8_t* block = w + n * row + b * Q::kBytes;
      if (M == 1)
        for (int at = 0; at < Q::kBytes; at += 64) hwy::Prefetch(block + N * row + at);
      Q::each(block, [&](int i, VF v) HWY_ATTR {
        RECURRA_UNROLL
        for (int m = 0; m < M; ++m) {
          VF& s = sum[m][n][i / kQuantLanes % 2];
          s = hn::MulAdd(hn::LoadU(d, a + m * ldx + i), v, s);
        }
      });
    }
  }
  for (int m = 0; m < M; ++m)
    for (int n = 0; n < N; ++n) y[m * ldy + n] = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum[m][n][0], sum[m][n][1])));
}

template <int M, class Q>
HWY_INLINE void columns_of_blocks(const uint8_t* w, int64_t count, int64_t in, const float* x, int64_t ldx, float* y,
                                  int64_t ldy) {
  constexpr int N = M == 1 ? 4 : 2;
  const int64_t row = in / Q::kValues * Q::kBytes;
  int64_t n = 0;
  for (; n + N <= count; n += N) tile_of_blocks<M, N, Q>(w + n * row, in, x, ldx, y + n, ldy);
  for (; n < count; ++n) tile_of_blocks<M, 1, Q>(w + n * row, in, x, ldx, y + n, ldy);
}

template <class Q>
void dot_of_blocks(const WeightRows& weights, int64_t n0, int64_t count, const float* x, int64_t ldx, int64_t rows,
                   float* y, int64_t ldy) {
  const int64_t in = weights.in, row = in / Q::kValues * Q::kBytes;
  const auto* w = static_cast<const uint8_t*>(weights.data) + n0 * row;
  const int64_t group = rows == 1 ? count : kGroup;
  for (int64_t n = 0; n < count; n += group) {
    const int64_t now = HWY_MIN(group, count - n);
    int64_t m = 0;
    for (; m + 4 <= rows; m += 4) columns_of_blocks<4, Q>(w + n * row, now, in, x + m * ldx, ldx, y + m * ldy + n, ldy);
    for (; m < rows; ++m) columns_of_blocks<1, Q>(w + n * row, now, in, x + m * ldx, ldx, y + m * ldy + n, ldy);
  }
}

// y[n] = the sum over the lanes of vector n of `sums`, in the order of SumOfLanes.
HWY_INLINE void sums_of_lanes(const float* sums, float* y) {
#if HWY_TARGET == HWY_AVX3
  static_assert(kTile == 4, "four vectors become one");
  const auto vector = [=](int n) { return _mm512_load_ps(sums + 16 * n); };
  const auto halves = [](__m512 a, __m512 b) HWY_ATTR {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
  };
  const __m512 a = halves(vector(0), vector(1)), b = halves(vector(2), vector(3));
  const __m512 quarters = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
  const __m512 pairs = _mm512_add_ps(quarters, _mm512_permute_ps(quarters, 0x4e));
  const __m512 all = _mm512_add_ps(pairs, _mm512_permute_ps(pairs, 0xb1));
  _mm_storeu_ps(y, _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, all)));
#else
  const DF d;
  for (int n = 0; n < kTile; ++n)
    y[n] = hn::GetLane(hn::SumOfLanes(d, hn::Load(d, sums + n * static_cast<int64_t>(hn::Lanes(d)))));
#endif
}

// Up to kMostRows activation rows by kTile weight rows.
constexpr int64_t kMostRows = 64;
template <class W>
HWY_INLINE void tiles_of_rows(const W* w, int64_t in, const float* x, int64_t ldx, int64_t rows, float* y,
                              int64_t ldy) {
  const DF d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), groups = (rows + kMost - 1) / kMost;
  HWY_ALIGN float sums[kMostRows * kTile * HWY_LANES(float)];
  constexpr bool kFloats = std::is_same<W, float>::value;
  HWY_ALIGN float wide[kFloats ? 1 : kTile * kInputs];
  // The next kTile rows, spread over all that is to be done with these.
  Ahead ahead{reinterpret_cast<const char*>(w + kTile * in),
              (kTile * static_cast<int64_t>(sizeof(W)) * lanes + groups - 1) / groups};
  for (int64_t j = 0; j < in; j += kInputs) {
    const int64_t now = HWY_MIN(kInputs, in - j);
    for (int64_t g = 0, m = 0, count = 0; g < groups; ++g, m += count) {
      count = (rows - m) / (groups - g);
      float* to = sums + m * kTile * lanes;
      const float* a = x + m * ldx + j;
      if (kFloats || g == 0)
        wide_tile(count, w + j, in, kFloats || groups == 1 ? nullptr : wide, now, a, ldx, to, j == 0, ahead);
      else
        wide_tile(count, static_cast<const float*>(wide), kInputs, nullptr, now, a, ldx, to, j == 0, ahead);
    }
  }
  for (int64_t m = 0; m < rows; ++m) sums_of_lanes(sums + m * kTile * lanes, y + m * ldy);
}

// What is asked for ahead when memory is read from one place: bytes.
constexpr int64_t kFar = 16384;

template <Reading kReading, class W>
void dot_of(const W* w, int64_t count, int64_t in, const float* x, int64_t ldx, int64_t rows, float* y, int64_t ldy) {
  constexpr int N = 8;
  constexpr int64_t far = kFar / static_cast<int64_t>(sizeof(W));
  int64_t n = 0;
  if (rows == 1 && kReading == Reading::several_places) {
    const int64_t each = count / N;  // rows of a stretch; behind its last row the next call's begins
    for (int64_t i = 0; i < each; ++i)
      tile<N>(w + i * in, each * in, (i + 1 < each ? 1 : count - i) * in, in, x, y + i, each);
    n = N * each;
  } else if (rows > 1) {
    for (; n + kTile <= count; n += kTile)
      for (int64_t m = 0; m < rows; m += kMostRows)
        tiles_of_rows(w + n * in, in, x + m * ldx, ldx, HWY_MIN(kMostRows, rows - m), y + m * ldy + n, ldy);
  }
  for (; n < count; ++n)
    for (int64_t m = 0; m < rows; ++m) tile<1>(w + n * in, in, far, in, x + m * ldx, y + m * ldy + n, 1);
}

template <Reading kReading>
void dot(const WeightRows& w, int64_t n0, int64_t n1, const float* x, int64_t ldx, int64_t rows, float* y,
         int64_t ldy) {
  const int64_t at = n0 * w.in, count = n1 - n0;
  switch (w.type) {
    case DType::f32:
      return dot_of<kReading>(static_cast<const float*>(w.data) + at, count, w.in, x, ldx, rows, y, ldy);
    case DType::f16:
      return dot_of<kReading>(static_cast<const hwy::float16_t*>(w.data) + at, count, w.in, x, ldx, rows, y, ldy);
    case DType::bf16:
      return dot_of<kReading>(static_cast<const hwy::bfloat16_t*>(w.data) + at, count, w.in, x, ldx, rows, y, ldy);
    case DType::q8_0:
      return dot_of_blocks<Q8_0>(w, n0, count, x, ldx, rows, y, ldy);
    case DType::q4_0:
      return dot_of_blocks<Q4_0>(w, n0, count, x, ldx, rows, y, ldy);
    case DType::q5_0:
      return dot_of_blocks<Q5_0>(w, n0, count, x, ldx, rows, y, ldy);
    case DType::q5_1:
      return dot_of_blocks<Q5_1>(w, n0, count, x, ldx, rows, y, ldy);
    case DType::q4_k:
      return dot_of_blocks<Q4_K>(w, n0, count, x, ldx, rows, y, ldy);
    case DType::q5_k:
      return dot_of_blocks<Q5_K>(w, n0, count, x, ldx, rows, y, ldy);
    case DType::q6_k:
      return dot_of_blocks<Q6_K>(w, n0, count, x, ldx, rows, y, ldy);
    default:
      return;  // CpuBackend::matrix refused it
  }
}

void epilogue(float* out, const float* in, const float* bias, Act act, bool add, int64_t n) {
  for_lanes(n, [=](DF d, auto mask, int64_t i) HWY_ATTR {
    VF v = hn::MaskedLoad(mask, d, in + i);
    if (bias != nullptr) v = hn::Add(v, hn::MaskedLoad(mask, d, bias + i));
    v = apply_act(d, v, act);
    if (add) v = hn::Add(hn::MaskedLoad(mask, d, out + i), v);
    hn::BlendedStore(v, mask, d, out + i);
  });
}

template <class W>
void widen(float* out, const W* in, int64_t n) {
  const DF d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(load_weights(d, in + i), d, out + i);
  if (i < n) {
    const size_t rest = static_cast<size_t>(n - i);
    hn::BlendedStore(load_weights_tail(d, in + i, rest), hn::FirstN(d, rest), d, out + i);
  }
}

template <class Q>
void widen_blocks(float* out, const void* in, int64_t n) {
  const auto* block = static_cast<const uint8_t*>(in);
  for (int64_t i = 0; i < n; i += Q::kValues, block += Q::kBytes)
    Q::each(block, [&](int at, VF v) HWY_ATTR { hn::StoreU(v, DF(), out + i + at); });
}

void to_float(float* out, DType type, const void* in, int64_t n) {
  switch (type) {
    case DType::f32:
      return widen(out, static_cast<const float*>(in), n);
    case DType::f16:
      return widen(out, static_cast<const hwy::float16_t*>(in), n);
    case DType::bf16:
      return widen(out, static_cast<const hwy::bfloat16_t*>(in), n);
    case DType::q8_0:
      return widen_blocks<Q8_0>(out, in, n);
    case DType::q4_0:
      return widen_blocks<Q4_0>(out, in, n);
    case DType::q4_k:
      return widen_blocks<Q4_K>(out, in, n);
    case DType::q6_k:
      return widen_blocks<Q6_K>(out, in, n);
    case DType::q5_0:
      return widen_blocks<Q5_0>(out, in, n);
    case DType::q5_1:
      return widen_blocks<Q5_1>(out, in, n);
    case DType::q5_k:
      return widen_blocks<Q5_K>(out, in, n);
    default:
      return;
  }
}

// Round to nearest even: add half of the last kept bit, less one unless that bit is odd.
void to_bf16(uint16_t* out, const float* in, int64_t n) {
  const hn::ScalableTag<uint32_t> du;
  const hn::ScalableTag<int32_t> di;
  const hn::Rebind<uint16_t, decltype(du)> dh;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(du));
  const auto rounded = [&](const uint32_t* p) HWY_ATTR {
    const auto u = hn::LoadU(du, p);
    const auto odd = hn::And(hn::ShiftRight<16>(u), hn::Set(du, 1));
    const auto r = hn::ShiftRight<16>(hn::Add(u, hn::Add(odd, hn::Set(du, 0x7fff))));
    return hn::DemoteTo(dh, hn::BitCast(di, r));
  };
  const auto* bits = reinterpret_cast<const uint32_t*>(in);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(rounded(bits + i), dh, out + i);
  if (i < n) {
    HWY_ALIGN uint32_t padded[HWY_MAX_BYTES / sizeof(uint32_t)] = {};
    HWY_ALIGN uint16_t result[HWY_MAX_BYTES / sizeof(uint16_t)];
    for (int64_t j = i; j < n; ++j) padded[j - i] = bits[j];
    hn::StoreU(rounded(padded), dh, result);
    for (int64_t j = i; j < n; ++j) out[j] = result[j - i];
  }
}

}  // namespace

void fill_linear(Reading reading, Kernels& k) {
  k.dot = reading == Reading::one_place ? dot<Reading::one_place> : dot<Reading::several_places>;
  k.epilogue = epilogue;
  k.to_float = to_float;
  k.to_bf16 = to_bf16;
}

}  // namespace HWY_NAMESPACE
}  // namespace recurra
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace recurra {

void fill_linear_kernels(Level level, Reading reading, Kernels& k) { RECURRA_AT_LEVEL(level, fill_linear, reading, k) }

}  // namespace recurra
#endif
