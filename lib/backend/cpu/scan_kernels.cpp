// The step form of the recurrence, for one head:
//     S_t = S_{t-1} (diag(w_t) - a_t b_t^T) + v_t k_t^T        o_t = S_t r_t
// with S kept as [K, V]. A few vectors of values are walked over all K: first  e = S_{t-1} a_t  (the part to erase), then,
// in one pass that reads and writes S once,  S = w S - e b + v k  and  o += S r.  While that pass goes on it also sums
// the next token's e, so that over many tokens S is touched once per token.
#include "backend/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/scan_kernels.cpp"
// clang-format off
#include "backend/cpu/highway.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

#include "backend/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace recurra {
namespace HWY_NAMESPACE {
namespace {

// One token for N vectors of values beginning at `first`. e: what to erase of this token; becomes the next token's.
template <Decay D, bool Erase, int N, class Access>
HWY_INLINE void step(const ScanHead& h, int64_t t, int64_t first, const float* w, bool more, VF* e, const Access& at) {
  const DF d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const float *r = h.r + t * h.r_stride, *k = h.k + t * h.k_stride;
  const float* b = Erase ? h.b + t * h.b_stride : nullptr;
  const float* next = Erase && more ? h.a + (t + 1) * h.a_stride : nullptr;
  VF v[N], o[N], erased[N];
  for (int n = 0; n < N; ++n) {
    v[n] = at.load(d, h.v + t * h.v_stride + first + n * lanes);
    o[n] = hn::Zero(d);
    erased[n] = e[n];
    e[n] = hn::Zero(d);
  }
  const VF all = D == Decay::scalar ? hn::Set(d, w[0]) : hn::Zero(d);
  for (int64_t j = 0; j < h.key; ++j) {
    float* s = h.state + j * h.value + first;
    for (int n = 0; n < N; ++n) {
      VF x = at.load(d, s + n * lanes);
      if (D == Decay::vector) x = hn::Mul(x, hn::Set(d, w[j]));
      if (D == Decay::scalar) x = hn::Mul(x, all);
      if (Erase) x = hn::NegMulAdd(erased[n], hn::Set(d, b[j]), x);
      x = hn::MulAdd(v[n], hn::Set(d, k[j]), x);
      at.store(x, d, s + n * lanes);
      o[n] = hn::MulAdd(x, hn::Set(d, r[j]), o[n]);
      if (Erase && next != nullptr) e[n] = hn::MulAdd(x, hn::Set(d, next[j]), e[n]);
    }
  }
  for (int n = 0; n < N; ++n) at.store(o[n], d, h.o + t * h.o_stride + first + n * lanes);
}

// Token t's decay factors.
template <Decay D>
HWY_INLINE void decays(const ScanHead& h, int64_t t, float* w) {
  if (D == Decay::none) return;
  const float* log_w = h.log_w + t * h.w_stride;
  for_lanes(D == Decay::vector ? h.key : 1, [=](DF d, auto m, int64_t i) HWY_ATTR {
    hn::BlendedStore(exp_any(d, hn::MaskedLoad(m, d, log_w + i)), m, d, w + i);
  });
}

template <Decay D, bool Erase, int N, class Access>
HWY_INLINE void first_erase(const ScanHead& h, int64_t first, VF* e, const Access& at) {
  const DF d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int n = 0; n < N; ++n) e[n] = hn::Zero(d);
  if (!Erase) return;
  for (int64_t j = 0; j < h.key; ++j)
    for (int n = 0; n < N; ++n)
      e[n] = hn::MulAdd(at.load(d, h.state + j * h.value + first + n * lanes), hn::Set(d, h.a[j]), e[n]);
}

// All tokens for N vectors of values. The tokens' decays are computed again for every group of values, which is cheap
// beside the K * V work; a head of 64 values is one group with AVX-512.
template <Decay D, bool Erase, int N, class Access>
HWY_INLINE void values(const ScanHead& h, int64_t first, const Access& at) {
  VF e[N];
  first_erase<D, Erase, N>(h, first, e, at);
  for (int64_t t = 0; t < h.tokens; ++t) {
    decays<D>(h, t, h.work);
    step<D, Erase, N>(h, t, first, h.work, t + 1 < h.tokens, e, at);
  }
}

template <Decay D, bool Erase>
void scan_of(const ScanHead& h) {
  const DF d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t v = 0;
  for (; v + 4 * lanes <= h.value; v += 4 * lanes) values<D, Erase, 4>(h, v, Full{});
  for (; v + lanes <= h.value; v += lanes) values<D, Erase, 1>(h, v, Full{});
  if (v < h.value) values<D, Erase, 1>(h, v, Part{hn::FirstN(d, static_cast<size_t>(h.value - v))});
}

void scan(const ScanHead& h) {
  switch (h.decay) {
    case Decay::none: return h.erase ? scan_of<Decay::none, true>(h) : scan_of<Decay::none, false>(h);
    case Decay::scalar: return h.erase ? scan_of<Decay::scalar, true>(h) : scan_of<Decay::scalar, false>(h);
    case Decay::vector: return h.erase ? scan_of<Decay::vector, true>(h) : scan_of<Decay::vector, false>(h);
  }
}

}  // namespace

void fill_scan(Kernels& k) { k.scan = scan; }

}  // namespace HWY_NAMESPACE
}  // namespace recurra
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace recurra {

void fill_scan_kernels(Level level, Kernels& k) { RECURRA_AT_LEVEL(level, fill_scan, k) }

}  // namespace recurra
#endif
