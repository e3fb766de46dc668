// Products of many rows with weights in floats (BatchKernels in kernels.h), to the bit those of `dot`.
//
// dot (linear_kernels.cpp) has for each output a sum in every lane of a vector, lane l of the inputs j with
// j % L = l, and adds these up at last: those that are L/2 apart, then L/4, ... Here an output is a lane, so that a
// weight is loaded and widened once for some rows and an activation is one broadcast for all outputs; and the sums over
// the inputs of l = 0, 1, ..., L-1 come one after the other, with their inputs lying together in
//   a panel      [L][T][outputs] weights in the file's type, T = in / L rounded up
//   activations  [L][T] of each row
// Taken in the order in which l's bits are turned around, 0, L/2, L/4, 3L/4, ..., two sums that belong together are
// next to each other, and so are then their sums: only one of each width has to be kept meanwhile.
//
// Only with AVX-512: half as many registers of half the width were no faster than dot (0.85 to 1.05 times).
#include <type_traits>

#include "backend/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/batch_kernels.cpp"
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

#if HWY_TARGET != HWY_AVX3

void fill_batch(Kernels& k) { k.batch = {}; }

#else

namespace {

constexpr int L = kQuantLanes;
static_assert(L == 16, "transpose");
// Rows by vectors of outputs whose sums, with the weights and an activation, fill the registers.
constexpr int kRows = 6, kVectors = 4;
constexpr int64_t kOutputs = kVectors * L;
// Rows that share what a panel's part takes to bring into the first-level cache; more of them would leave it.
constexpr int64_t kTogether = 3 * kRows;
constexpr int kWidths = 4;  // of sums that wait for another of their width

HWY_INLINE int64_t steps_of(int64_t in) { return (in + L - 1) / L; }

int64_t panel_bytes(const WeightRows& w) { return steps_of(w.in) * L * kOutputs * info(w.type).block_bytes; }
int64_t row_floats(int64_t in) { return steps_of(in) * L; }

// What lies behind the last output, or the last input, stays 0.
template <class T>
void make_panel_of(T* panel, const T* w, int64_t in, int64_t first, int64_t out) {
  const int64_t steps = steps_of(in), count = HWY_MIN(kOutputs, out - first);
  for (int64_t t = 0; t < steps; ++t)
    for (int64_t l = 0; l < L; ++l) {
      T* to = panel + (l * steps + t) * kOutputs;
      const int64_t j = t * L + l, n = j < in ? count : 0;
      for (int64_t o = 0; o < n; ++o) to[o] = w[(first + o) * in + j];
    }
}

void make_panel(void* panel, const WeightRows& w, int64_t first, int64_t out) {
  if (w.type == DType::f32)
    make_panel_of(static_cast<uint32_t*>(panel), static_cast<const uint32_t*>(w.data), w.in, first, out);
  else
    make_panel_of(static_cast<uint16_t*>(panel), static_cast<const uint16_t*>(w.data), w.in, first, out);
}

// v[i] lane j and v[j] lane i change places.
HWY_INLINE void transpose(VF (&v)[L]) {
  const DF d;
  VF u[L];
  RECURRA_UNROLL
  for (int i = 0; i < L; i += 4) {
    const VF a = hn::InterleaveLower(d, v[i], v[i + 2]), b = hn::InterleaveLower(d, v[i + 1], v[i + 3]);
    const VF e = hn::InterleaveUpper(d, v[i], v[i + 2]), f = hn::InterleaveUpper(d, v[i + 1], v[i + 3]);
    u[i] = hn::InterleaveLower(d, a, b);
    u[i + 1] = hn::InterleaveUpper(d, a, b);
    u[i + 2] = hn::InterleaveLower(d, e, f);
    u[i + 3] = hn::InterleaveUpper(d, e, f);
  }
  // Blocks of four lanes.
  RECURRA_UNROLL
  for (int c = 0; c < 4; ++c) {
    const auto pick = [](VF a, VF b, auto which)
                          HWY_ATTR { return VF{_mm512_shuffle_f32x4(a.raw, b.raw, decltype(which)::value)}; };
    const std::integral_constant<int, 0x44> low;
    const std::integral_constant<int, 0xee> high;
    const std::integral_constant<int, 0x88> even;
    const std::integral_constant<int, 0xdd> odd;
    const VF a = pick(u[c], u[4 + c], low), b = pick(u[8 + c], u[12 + c], low);
    const VF e = pick(u[c], u[4 + c], high), f = pick(u[8 + c], u[12 + c], high);
    v[c] = pick(a, b, even);
    v[4 + c] = pick(a, b, odd);
    v[8 + c] = pick(e, f, even);
    v[12 + c] = pick(e, f, odd);
  }
}

void order_row(float* to, const float* x, int64_t in) {
  const DF d;
  const int64_t steps = steps_of(in);
  const auto first = [&](int64_t n) HWY_ATTR { return hn::FirstN(d, static_cast<size_t>(HWY_MIN(L, HWY_MAX(n, 0)))); };
  for (int64_t t = 0; t < steps; t += L) {
    VF v[L];
    for (int64_t i = 0; i < L; ++i) v[i] = hn::MaskedLoad(first(in - (t + i) * L), d, x + HWY_MIN((t + i) * L, in));
    transpose(v);
    for (int64_t l = 0; l < L; ++l) hn::BlendedStore(v[l], first(steps - t), d, to + l * steps + t);
  }
}

// Memory that is asked for meanwhile, into the second-level cache: a line at each step.
struct Ahead {
  const char* at;
  int64_t lines;
};

// sums [R][kOutputs] = a panel's part of one l, for R rows; added to what is there, unless `first`.
template <int R, class W>
HWY_NOINLINE void add_part(const W* w, const float* x, int64_t ldx, int64_t steps, float* sums, bool first,
                           Ahead ahead) {
  const DF d;
  VF sum[R][kVectors];
  RECURRA_UNROLL
  for (int r = 0; r < R; ++r) RECURRA_UNROLL
  for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
  for (int64_t t = 0; t < steps; ++t, w += kOutputs) {
    VF b[kVectors];
    RECURRA_UNROLL
    for (int v = 0; v < kVectors; ++v) b[v] = load_weights(d, w + v * L);
    if (t < ahead.lines) __builtin_prefetch(ahead.at + 64 * t, 0, 2);
    RECURRA_UNROLL
    for (int r = 0; r < R; ++r) {
      const VF a = hn::Set(d, x[r * ldx + t]);
      RECURRA_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(a, b[v], sum[r][v]);
    }
  }
  RECURRA_UNROLL
  for (int r = 0; r < R; ++r) RECURRA_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    float* to = sums + r * kOutputs + v * L;
    hn::Store(first ? sum[r][v] : hn::Add(hn::Load(d, to), sum[r][v]), d, to);
  }
}

template <class W>
HWY_INLINE void add_part(int64_t rows, const W* w, const float* x, int64_t ldx, int64_t steps, float* sums, bool first,
                         Ahead ahead) {
  switch (rows) {
    case 6:
      return add_part<6>(w, x, ldx, steps, sums, first, ahead);
    case 5:
      return add_part<5>(w, x, ldx, steps, sums, first, ahead);
    case 4:
      return add_part<4>(w, x, ldx, steps, sums, first, ahead);
    case 3:
      return add_part<3>(w, x, ldx, steps, sums, first, ahead);
    case 2:
      return add_part<2>(w, x, ldx, steps, sums, first, ahead);
    default:
      return add_part<1>(w, x, ldx, steps, sums, first, ahead);
  }
}

// i with its bits turned around, as many as L's lanes take.
HWY_INLINE int turned(int i) {
  int to = 0;
  for (int bit = 1; bit < L; bit *= 2) to = 2 * to + ((i & bit) != 0 ? 1 : 0);
  return to;
}

// Up to kTogether rows by a panel. kept: sums of so many lanes each as the bits of the lanes so far say, the widest
// first.
template <class W>
void rows_of(const W* panel, int64_t in, const float* x, int64_t ldx, int64_t rows, float* y, int64_t ldy) {
  const DF d;
  HWY_ALIGN float kept[kWidths][kTogether * kOutputs];
  const int64_t steps = steps_of(in), part = steps * kOutputs, groups = (rows + kRows - 1) / kRows;
  // While this part is at work, the one of the next panel in its place: an equal share in each group.
  const int64_t lines = (part * static_cast<int64_t>(sizeof(W)) / 64 + groups - 1) / groups;
  int count = 0;  // of kept
  for (int i = 0; i < L; ++i) {
    const W* w = panel + turned(i) * part;
    const char* next = reinterpret_cast<const char*>(w + L * part);
    const bool first = i % 2 == 0;
    if (first) ++count;
    for (int64_t g = 0, m = 0, now = 0; g < groups; ++g, m += now) {
      now = (rows - m) / (groups - g);
      add_part(now, w, x + m * ldx + turned(i) * steps, ldx, steps, kept[count - 1] + m * kOutputs, first,
               Ahead{next + g * lines * 64, lines});
    }
    for (int bits = i / 2; !first && bits % 2 == 1; bits /= 2, --count) {
      float *to = kept[count - 2], *from = kept[count - 1];
      for (int64_t at = 0; at < rows * kOutputs; at += L)
        hn::Store(hn::Add(hn::Load(d, to + at), hn::Load(d, from + at)), d, to + at);
    }
  }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t v = 0; v < kVectors; ++v)
      hn::StoreU(hn::Load(d, kept[0] + r * kOutputs + v * L), d, y + r * ldy + v * L);
}

template <class W>
void panel_of(const W* panel, int64_t in, const float* x, int64_t ldx, int64_t rows, float* y, int64_t ldy) {
  const int64_t parts = (rows + kTogether - 1) / kTogether;
  for (int64_t p = 0, m = 0, now = 0; p < parts; ++p, m += now) {
    now = (rows - m) / (parts - p);
    rows_of(panel, in, x + m * ldx, ldx, now, y + m * ldy, ldy);
  }
}

void dot(DType type, const void* panel, int64_t in, const float* x, int64_t ldx, int64_t rows, float* y, int64_t ldy) {
  switch (type) {
    case DType::f32:
      return panel_of(static_cast<const float*>(panel), in, x, ldx, rows, y, ldy);
    case DType::f16:
      return panel_of(static_cast<const hwy::float16_t*>(panel), in, x, ldx, rows, y, ldy);
    case DType::bf16:
      return panel_of(static_cast<const hwy::bfloat16_t*>(panel), in, x, ldx, rows, y, ldy);
    default:
      return;  // takes refused it
  }
}

bool takes(DType type) { return type == DType::f32 || type == DType::f16 || type == DType::bf16; }

}  // namespace

void fill_batch(Kernels& k) { k.batch = {{kOutputs, panel_bytes, make_panel}, takes, row_floats, order_row, dot}; }

#endif

}  // namespace HWY_NAMESPACE
}  // namespace recurra
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace recurra {

void fill_batch_kernels(Level level, Kernels& k) { RECURRA_AT_LEVEL(level, fill_batch, k) }

}  // namespace recurra
#endif
