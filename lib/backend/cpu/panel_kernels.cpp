// Products with weights by input (panels.h): the inputs that are not 0, in ascending order, each times its weights,
// added up per output.
//
// Rows of a group share the loads and conversions of weights. An input that is 0 in one of them and not in another adds
// a weight times 0 there: weights are finite, so that this changes no bit.
#include <algorithm>
#include <type_traits>

#include "backend/cpu/kernels.h"
#include "backend/cpu/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/panel_kernels.cpp"
// clang-format off
#include "backend/cpu/highway.h"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

#include "backend/cpu/quant-inl.h"

HWY_BEFORE_NAMESPACE();
namespace recurra {
namespace HWY_NAMESPACE {
namespace {

constexpr int kVectors = static_cast<int>(kPanel) / kQuantLanes;
// Rows of a group: their sums must fit into registers, with quantised weights those of a group of inputs, too.
#if HWY_TARGET == HWY_AVX3
constexpr int kRows = 6, kQuantRows = 4;
#else
constexpr int kRows = 1, kQuantRows = 1;
#endif
struct Q8Panel {};
struct Q4KPanel {};
template <class W>
constexpr int rows_in_group() {
  return std::is_same<W, Q8Panel>::value || std::is_same<W, Q4KPanel>::value ? kQuantRows : kRows;
}
// Memory is asked for kBurst inputs at once, which lie kAhead inputs further on in the list: 1.2 times as fast as one
// by one. kTogether: the inputs that a panel's rows go through before the next group.
constexpr int64_t kAhead = 32, kBurst = 8, kTogether = 256;
static_assert(kAhead + kBurst <= ActiveInputs::kSpare, "lists end before what is asked for");

// The sums of a panel's outputs, for R rows.
template <int R>
struct Sums {
  VF of[R][kVectors];
  HWY_INLINE void clear() {
    RECURRA_UNROLL
    for (int r = 0; r < R; ++r) RECURRA_UNROLL
    for (int v = 0; v < kVectors; ++v) of[r][v] = hn::Zero(DF());
  }
  HWY_INLINE void load(const float* p) {
    RECURRA_UNROLL
    for (int r = 0; r < R; ++r) RECURRA_UNROLL
    for (int v = 0; v < kVectors; ++v) of[r][v] = hn::LoadU(DF(), p + r * kPanel + v * kQuantLanes);
  }
  HWY_INLINE void store(float* p) const {
    RECURRA_UNROLL
    for (int r = 0; r < R; ++r) RECURRA_UNROLL
    for (int v = 0; v < kVectors; ++v) hn::StoreU(of[r][v], DF(), p + r * kPanel + v * kQuantLanes);
  }
  // The v-th vectors of all rows, each by its input.
  HWY_INLINE void add(int v, const VF* input, VF weights) {
    RECURRA_UNROLL
    for (int r = 0; r < R; ++r) of[r][v] = hn::MulAdd(input[r], weights, of[r][v]);
  }
};

template <int R>
HWY_INLINE void inputs_at(VF* input, const ActiveInputs& x, int64_t j) {
  RECURRA_UNROLL
  for (int r = 0; r < R; ++r) input[r] = hn::Set(DF(), x.values[r * x.stride + j]);
}

template <int kBytes>
HWY_INLINE void ask_for(const uint8_t* p) {
  RECURRA_UNROLL
  for (int at = 0; at < kBytes; at += 64) hwy::Prefetch(p + at);
}

// step(i) for begin <= i < end; before each kBurst of them, ask(input) for the inputs that come kAhead places later.
template <class Ask, class Step>
HWY_INLINE void in_bursts(const ActiveInputs& x, int64_t begin, int64_t end, const Ask& ask, const Step& step) {
  while (begin < end) {
    const int64_t stop = HWY_MIN(begin + kBurst, end);
    for (int64_t i = begin; i < stop; ++i) ask(x.index[i + kAhead]);
    for (; begin < stop; ++begin) step(begin);
  }
}

// sums += the inputs at begin .. end-1 of the list.
template <int R, class W>
HWY_INLINE void add(const W* w, const ActiveInputs& x, int64_t begin, int64_t end, Sums<R>& s) {
  in_bursts(
      x, begin, end,
      [&](int64_t j) HWY_ATTR { ask_for<kPanel * sizeof(W)>(reinterpret_cast<const uint8_t*>(w + j * kPanel)); },
      [&](int64_t i) HWY_ATTR {
        const W* p = w + x.index[i] * kPanel;
        VF input[R];
        inputs_at<R>(input, x, x.index[i]);
        RECURRA_UNROLL
        for (int v = 0; v < kVectors; ++v) s.add(v, input, load_weights(DF(), p + v * kQuantLanes));
      });
}

// Calls group(first input of the group, begin, end) for the places of the list that lie in one group of `inputs`.
template <class F>
HWY_INLINE void by_group(const ActiveInputs& x, int64_t begin, int64_t end, int64_t inputs, const F& group) {
  while (begin < end) {
    const int64_t first = x.index[begin] / inputs * inputs;
    int64_t stop = begin + 1;
    while (stop < end && x.index[stop] < first + inputs) ++stop;
    group(first, begin, stop);
    begin = stop;
  }
}

template <int R>
HWY_INLINE void add(const Q8Panel*, const uint8_t* w, const ActiveInputs& x, int64_t begin, int64_t end, Sums<R>& s) {
  constexpr int64_t kBlock32 = 34 * kPanel;
  const auto weights_of = [&](int64_t j) { return w + j / 32 * kBlock32 + (2 + j % 32) * kPanel; };
  by_group(x, begin, end, 32, [&](int64_t first, int64_t from, int64_t to) HWY_ATTR {
    Sums<R> part;
    part.clear();
    in_bursts(
        x, from, to, [&](int64_t j) HWY_ATTR { ask_for<kPanel>(weights_of(j)); },
        [&](int64_t i) HWY_ATTR {
          const auto* q = reinterpret_cast<const int8_t*>(weights_of(x.index[i]));
          VF input[R];
          inputs_at<R>(input, x, x.index[i]);
          RECURRA_UNROLL
          for (int v = 0; v < kVectors; ++v)
            part.add(v, input, to_floats(hn::PromoteTo(DI(), hn::LoadU(DI8(), q + v * kQuantLanes))));
        });
    const auto* d = reinterpret_cast<const hwy::float16_t*>(w + first / 32 * kBlock32);
    RECURRA_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const VF by = load_weights(DF(), d + v * kQuantLanes);
      RECURRA_UNROLL
      for (int r = 0; r < R; ++r) s.of[r][v] = hn::MulAdd(by, part.of[r][v], s.of[r][v]);
    }
  });
}

template <int R>
HWY_INLINE void add(const Q4KPanel*, const uint8_t* w, const ActiveInputs& x, int64_t begin, int64_t end, Sums<R>& s) {
  constexpr int64_t kScales = 20 * kPanel, kBlock256 = kScales + 128 * kPanel;
  const auto weights_of = [&](int64_t j) { return w + j / 256 * kBlock256 + kScales + j % 256 * (kPanel / 2); };
  by_group(x, begin, end, 32, [&](int64_t first, int64_t from, int64_t to) HWY_ATTR {
    Sums<R> part;
    part.clear();
    float total[R] = {};
    in_bursts(
        x, from, to, [&](int64_t j) HWY_ATTR { hwy::Prefetch(weights_of(j)); },
        [&](int64_t i) HWY_ATTR {
          const uint8_t* q = weights_of(x.index[i]);
          VF input[R];
          inputs_at<R>(input, x, x.index[i]);
          RECURRA_UNROLL
          for (int r = 0; r < R; ++r) total[r] += x.values[r * x.stride + x.index[i]];
          RECURRA_UNROLL
          for (int v = 0; v < kVectors / 2; ++v) {
            const VI b = bytes(q + v * kQuantLanes);
            part.add(v, input, to_floats(low(b)));
            part.add(kVectors / 2 + v, input, to_floats(high(b)));
          }
        });
    const uint8_t* block = w + first / 256 * kBlock256;
    const auto* d = reinterpret_cast<const hwy::float16_t*>(block);
    const uint8_t *scale = block + 4 * kPanel + first % 256 / 32 * kPanel, *least = scale + 8 * kPanel;
    RECURRA_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const int at = v * kQuantLanes;
      const VF by = hn::Mul(load_weights(DF(), d + at), to_floats(bytes(scale + at)));
      const VF minus = hn::Mul(load_weights(DF(), d + kPanel + at), to_floats(bytes(least + at)));
      RECURRA_UNROLL
      for (int r = 0; r < R; ++r)
        s.of[r][v] = hn::NegMulAdd(minus, hn::Set(DF(), total[r]), hn::MulAdd(by, part.of[r][v], s.of[r][v]));
    }
  });
}

template <int R, class W>
HWY_INLINE void add(const W*, const uint8_t* w, const ActiveInputs& x, int64_t begin, int64_t end, Sums<R>& s) {
  add(reinterpret_cast<const W*>(w), x, begin, end, s);
}

// One group, its list from `begin` to `end`; y [R, kPanel] goes on from what is there where begin is not 0.
template <int R, class W>
HWY_NOINLINE void group_of(const uint8_t* w, const ActiveInputs& x, int64_t begin, int64_t end, float* y) {
  Sums<R> s;
  if (begin == 0)
    s.clear();
  else
    s.load(y);
  add(static_cast<const W*>(nullptr), w, x, begin, end, s);
  s.store(y);
}

template <class W>
HWY_INLINE void group_of_rows(int64_t rows, const uint8_t* w, const ActiveInputs& x, int64_t begin, int64_t end,
                              float* y) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (rows_in_group<W>() == 6) {
    if (rows == 6) return group_of<6, W>(w, x, begin, end, y);
    if (rows == 5) return group_of<5, W>(w, x, begin, end, y);
  }
  if (rows == 4) return group_of<4, W>(w, x, begin, end, y);
  if (rows == 3) return group_of<3, W>(w, x, begin, end, y);
  if (rows == 2) return group_of<2, W>(w, x, begin, end, y);
#endif
  (void)rows;
  group_of<1, W>(w, x, begin, end, y);
}

template <class W>
void rows_of(const void* panel, const ActiveInputs* x, int64_t rows, float* y) {
  const auto* w = static_cast<const uint8_t*>(panel);
  constexpr int64_t kMost = 16;  // groups
  constexpr int64_t each = rows_in_group<W>();
  if (rows <= each) return group_of_rows<W>(rows, w, *x, 0, x->count, y);
  for (; rows > 0; rows -= kMost * each, x += kMost, y += kMost * each * kPanel) {
    const int64_t groups = HWY_MIN(kMost, (rows + each - 1) / each);
    int64_t at[kMost] = {};
    // All groups through some inputs, then through the next: the weights are read once.
    bool more = true;
    for (int64_t input = kTogether; more; input += kTogether) {
      more = false;
      for (int64_t g = 0; g < groups; ++g) {
        int64_t end = at[g];
        while (end < x[g].count && x[g].index[end] < input) ++end;
        if (end > at[g] || input == kTogether)
          group_of_rows<W>(HWY_MIN(each, rows - g * each), w, x[g], at[g], end, y + g * each * kPanel);
        at[g] = end;
        more = more || end < x[g].count;
      }
    }
  }
}

void panel(DType type, const void* w, const ActiveInputs* x, int64_t rows, float* y) {
  switch (type) {
    case DType::f32:
      return rows_of<float>(w, x, rows, y);
    case DType::f16:
      return rows_of<hwy::float16_t>(w, x, rows, y);
    case DType::bf16:
      return rows_of<hwy::bfloat16_t>(w, x, rows, y);
    case DType::q8_0:
      return rows_of<Q8Panel>(w, x, rows, y);
    case DType::q4_k:
      return rows_of<Q4KPanel>(w, x, rows, y);
    default:
      return;  // has_panels refused it
  }
}

int64_t panel_rows(DType type) { return type == DType::q8_0 || type == DType::q4_k ? kQuantRows : kRows; }

int64_t active(int32_t* index, const float* x, int64_t stride, int64_t rows, int64_t n) {
  int64_t count = 0, i = 0;
#if HWY_TARGET != HWY_SCALAR
  const DF d;
  for (; i + kQuantLanes <= n; i += kQuantLanes) {
    // Not "unequal", which a NaN is not either.
    auto none = hn::Eq(hn::LoadU(d, x + i), hn::Zero(d));
    for (int64_t r = 1; r < rows; ++r) none = hn::And(none, hn::Eq(hn::LoadU(d, x + r * stride + i), hn::Zero(d)));
    const auto some = hn::Not(none);
    // Writes whole vectors: what lies behind the last place is written over, or is the caller's spare room.
    count += static_cast<int64_t>(
        hn::CompressStore(hn::Iota(DI(), static_cast<int32_t>(i)), hn::RebindMask(DI(), some), DI(), index + count));
  }
#endif
  for (; i < n; ++i) {
    bool some = false;
    for (int64_t r = 0; r < rows; ++r) some = some || !(x[r * stride + i] == 0);
    if (some) index[count++] = static_cast<int32_t>(i);
  }
  if (count > 0) std::fill_n(index + count, ActiveInputs::kSpare, index[count - 1]);
  return count;
}

}  // namespace

void fill_panel(Kernels& k) {
  k.panel = panel;
  k.panel_rows = panel_rows;
  k.active = active;
}

}  // namespace HWY_NAMESPACE
}  // namespace recurra
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace recurra {

void fill_panel_kernels(Level level, Kernels& k) { RECURRA_AT_LEVEL(level, fill_panel, k) }

}  // namespace recurra
#endif
