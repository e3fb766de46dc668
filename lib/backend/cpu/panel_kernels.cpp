// Products with weights by input (panels.h): the inputs that are not 0, in ascending order, each times its weights,
// added up per output.
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
// How many inputs ahead memory is asked for, and the inputs that a panel's rows go through before the next row.
constexpr int64_t kAhead = 16, kTogether = 256;

// The sums of a panel's outputs.
struct Sums {
  VF of[kVectors];
  HWY_INLINE void clear() {
    RECURRA_UNROLL
    for (int v = 0; v < kVectors; ++v) of[v] = hn::Zero(DF());
  }
  HWY_INLINE void load(const float* p) {
    RECURRA_UNROLL
    for (int v = 0; v < kVectors; ++v) of[v] = hn::LoadU(DF(), p + v * kQuantLanes);
  }
  HWY_INLINE void store(float* p) const {
    RECURRA_UNROLL
    for (int v = 0; v < kVectors; ++v) hn::StoreU(of[v], DF(), p + v * kQuantLanes);
  }
};

template <int kBytes>
HWY_INLINE void ask_for(const uint8_t* p) {
  RECURRA_UNROLL
  for (int at = 0; at < kBytes; at += 64) hwy::Prefetch(p + at);
}

// The input kAhead places behind place i of the list.
HWY_INLINE int64_t input_ahead(const ActiveInputs& x, int64_t i) { return x.index[HWY_MIN(i + kAhead, x.count - 1)]; }

// sums += the inputs at begin .. end-1 of the list.
template <class W>
HWY_INLINE void add(const W* w, const ActiveInputs& x, int64_t begin, int64_t end, Sums& s) {
  for (int64_t i = begin; i < end; ++i) {
    ask_for<kPanel * sizeof(W)>(reinterpret_cast<const uint8_t*>(w + input_ahead(x, i) * kPanel));
    const W* p = w + x.index[i] * kPanel;
    const VF value = hn::Set(DF(), x.values[x.index[i]]);
    RECURRA_UNROLL
    for (int v = 0; v < kVectors; ++v) s.of[v] = hn::MulAdd(value, load_weights(DF(), p + v * kQuantLanes), s.of[v]);
  }
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

struct Q8Panel {};
HWY_INLINE void add(const Q8Panel*, const uint8_t* w, const ActiveInputs& x, int64_t begin, int64_t end, Sums& s) {
  constexpr int64_t kBlock32 = 34 * kPanel;
  const auto weights_of = [&](int64_t j) { return w + j / 32 * kBlock32 + (2 + j % 32) * kPanel; };
  by_group(x, begin, end, 32, [&](int64_t first, int64_t from, int64_t to) HWY_ATTR {
    Sums part;
    part.clear();
    for (int64_t i = from; i < to; ++i) {
      ask_for<kPanel>(weights_of(input_ahead(x, i)));
      const auto* q = reinterpret_cast<const int8_t*>(weights_of(x.index[i]));
      const VF value = hn::Set(DF(), x.values[x.index[i]]);
      RECURRA_UNROLL
      for (int v = 0; v < kVectors; ++v)
        part.of[v] = hn::MulAdd(
            value, to_floats(hn::PromoteTo(DI(), hn::LoadU(DI8(), q + v * kQuantLanes))), part.of[v]);
    }
    const auto* d = reinterpret_cast<const hwy::float16_t*>(w + first / 32 * kBlock32);
    RECURRA_UNROLL
    for (int v = 0; v < kVectors; ++v) s.of[v] = hn::MulAdd(load_weights(DF(), d + v * kQuantLanes), part.of[v], s.of[v]);
  });
}

struct Q4KPanel {};
HWY_INLINE void add(const Q4KPanel*, const uint8_t* w, const ActiveInputs& x, int64_t begin, int64_t end, Sums& s) {
  constexpr int64_t kScales = 20 * kPanel, kBlock256 = kScales + 128 * kPanel;
  const auto weights_of = [&](int64_t j) { return w + j / 256 * kBlock256 + kScales + j % 256 * (kPanel / 2); };
  by_group(x, begin, end, 32, [&](int64_t first, int64_t from, int64_t to) HWY_ATTR {
    Sums part;
    part.clear();
    float total = 0;
    for (int64_t i = from; i < to; ++i) {
      hwy::Prefetch(weights_of(input_ahead(x, i)));
      const uint8_t* q = weights_of(x.index[i]);
      const float input = x.values[x.index[i]];
      total += input;
      const VF value = hn::Set(DF(), input);
      RECURRA_UNROLL
      for (int v = 0; v < kVectors / 2; ++v) {
        const VI b = bytes(q + v * kQuantLanes);
        part.of[v] = hn::MulAdd(value, to_floats(low(b)), part.of[v]);
        part.of[kVectors / 2 + v] = hn::MulAdd(value, to_floats(high(b)), part.of[kVectors / 2 + v]);
      }
    }
    const uint8_t* block = w + first / 256 * kBlock256;
    const auto* d = reinterpret_cast<const hwy::float16_t*>(block);
    const uint8_t *scale = block + 4 * kPanel + first % 256 / 32 * kPanel, *least = scale + 8 * kPanel;
    const VF sum = hn::Set(DF(), total);
    RECURRA_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const int at = v * kQuantLanes;
      const VF by = hn::Mul(load_weights(DF(), d + at), to_floats(bytes(scale + at)));
      const VF minus = hn::Mul(load_weights(DF(), d + kPanel + at), to_floats(bytes(least + at)));
      s.of[v] = hn::NegMulAdd(minus, sum, hn::MulAdd(by, part.of[v], s.of[v]));
    }
  });
}

template <class W>
HWY_INLINE void add(const W*, const uint8_t* w, const ActiveInputs& x, int64_t begin, int64_t end, Sums& s) {
  add(reinterpret_cast<const W*>(w), x, begin, end, s);
}

template <class W>
void rows_of(const void* panel, const ActiveInputs* x, int64_t rows, float* y) {
  const auto* w = static_cast<const uint8_t*>(panel);
  Sums s;
  if (rows == 1) {
    s.clear();
    add(static_cast<const W*>(nullptr), w, x[0], 0, x[0].count, s);
    return s.store(y);
  }
  constexpr int64_t kMost = 16;
  for (int64_t first = 0; first < rows; first += kMost, x += kMost, y += kMost * kPanel) {
    const int64_t n = HWY_MIN(kMost, rows - first);
    int64_t at[kMost] = {};
    for (int64_t r = 0; r < n; ++r) {
      s.clear();
      s.store(y + r * kPanel);
    }
    // All rows through some inputs, then through the next: the weights are read once.
    bool more = true;
    for (int64_t input = kTogether; more; input += kTogether) {
      more = false;
      for (int64_t r = 0; r < n; ++r) {
        int64_t end = at[r];
        while (end < x[r].count && x[r].index[end] < input) ++end;
        if (end > at[r]) {
          s.load(y + r * kPanel);
          add(static_cast<const W*>(nullptr), w, x[r], at[r], end, s);
          s.store(y + r * kPanel);
          at[r] = end;
        }
        more = more || end < x[r].count;
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

int64_t active(int32_t* index, const float* x, int64_t n) {
  int64_t count = 0, i = 0;
#if HWY_TARGET != HWY_SCALAR
  const DF d;
  for (; i + kQuantLanes <= n; i += kQuantLanes) {
    const auto keep = hn::RebindMask(DI(), hn::Ne(hn::LoadU(d, x + i), hn::Zero(d)));
    // Writes whole vectors: what lies behind the last place is written over, or is the caller's spare room.
    count += static_cast<int64_t>(hn::CompressStore(hn::Iota(DI(), static_cast<int32_t>(i)), keep, DI(), index + count));
  }
#endif
  for (; i < n; ++i)
    if (!(x[i] == 0)) index[count++] = static_cast<int32_t>(i);
  return count;
}

}  // namespace

void fill_panel(Kernels& k) {
  k.panel = panel;
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
