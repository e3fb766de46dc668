// Vector helpers that the kernel files share, compiled once per instruction set (hence no ordinary include guard).
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#if defined(RECURRA_BACKEND_CPU_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef RECURRA_BACKEND_CPU_MATH_INL_H
#undef RECURRA_BACKEND_CPU_MATH_INL_H
#else
#define RECURRA_BACKEND_CPU_MATH_INL_H
#endif

HWY_BEFORE_NAMESPACE();
namespace recurra {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;
using MF = hn::Mask<DF>;

// Loads and stores of full vectors, or of a vector's first lanes.
struct Full {
  HWY_INLINE VF load(DF d, const float* p) const { return hn::LoadU(d, p); }
  HWY_INLINE void store(VF v, DF d, float* p) const { hn::StoreU(v, d, p); }
};
struct Part {
  MF mask;
  HWY_INLINE VF load(DF d, const float* p) const { return hn::MaskedLoad(mask, d, p); }
  HWY_INLINE void store(VF v, DF d, float* p) const { hn::BlendedStore(v, mask, d, p); }
};

// e^x for any x: 0 far below, infinity far above; NaN stays NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_any(D d, V x) {
  const V e = hn::Exp(d, hn::Min(hn::Max(x, hn::Set(d, -104.0f)), hn::Set(d, 88.7f)));
  const V big = hn::IfThenElse(hn::Gt(x, hn::Set(d, 88.7f)), hn::Inf(d), e);
  return hn::IfThenElse(hn::IsNaN(x), x, big);
}

// 1 / (1 + e^-x)
template <class D, class V = hn::Vec<D>>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, exp_any(d, hn::Neg(x))));
}

// ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|)
template <class D, class V = hn::Vec<D>>
HWY_INLINE V softplus(D d, V x) {
  return hn::Add(hn::Max(x, hn::Zero(d)), hn::Log1p(d, exp_any(d, hn::Neg(hn::Abs(x)))));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V apply_act(D d, V x, Act act) {
  switch (act) {
    case Act::none:
      return x;
    case Act::relu2: {
      const V positive = hn::Max(x, hn::Zero(d));
      return hn::Mul(positive, positive);
    }
    case Act::sigmoid:
      return sigmoid(d, x);
    case Act::tanh:
      return hn::Tanh(d, x);
    case Act::silu:
      return hn::Mul(x, sigmoid(d, x));
    case Act::relu:
      return hn::Max(x, hn::Zero(d));
    case Act::elu1:
      return hn::IfThenElse(hn::Ge(x, hn::Zero(d)), hn::Add(x, hn::Set(d, 1.0f)), exp_any(d, x));
    case Act::softplus:
      return softplus(d, x);
  }
  return x;
}

// Calls f(d, mask, i) for i = 0, Lanes, ... below n; the mask has the lanes that are inside.
template <class F>
HWY_INLINE void for_lanes(int64_t n, const F& f) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto all = hn::FirstN(d, static_cast<size_t>(lanes));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(d, all, i);
  if (i < n) f(d, hn::FirstN(d, static_cast<size_t>(n - i)), i);
}

// The sum of f(d, mask, i) over all lanes; f gives 0 outside the mask.
template <class F>
HWY_INLINE float sum_lanes(int64_t n, const F& f) {
  const hn::ScalableTag<float> d;
  auto sum = hn::Zero(d);
  for_lanes(n, [&](auto dd, auto mask, int64_t i) HWY_ATTR { sum = hn::Add(sum, f(dd, mask, i)); });
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

#if HWY_TARGET != HWY_SCALAR
// out[i] = the sum of lanes i, 4 + i, 8 + i, ...
template <class D>
HWY_INLINE void sum_blocks(D d, hn::Vec<D> x, float* out) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    hn::StoreU(x, d, out);
  } else {
    const hn::Half<D> half;
    sum_blocks(half, hn::Add(hn::LowerHalf(half, x), hn::UpperHalf(half, x)), out);
  }
}
#endif

// out[i] = the sum of x_i's lanes, i < 4: a transpose of 4 x 4 in each block of 4 lanes, summed on the way.
HWY_INLINE void sum4(const VF* x, float* out) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < 4; ++i) out[i] = hn::GetLane(x[i]);
#else
  const DF d;
  const hn::RepartitionToWide<DF> pairs;
  const auto p = hn::BitCast(pairs, hn::Add(hn::InterleaveLower(d, x[0], x[1]), hn::InterleaveUpper(d, x[0], x[1])));
  const auto q = hn::BitCast(pairs, hn::Add(hn::InterleaveLower(d, x[2], x[3]), hn::InterleaveUpper(d, x[2], x[3])));
  sum_blocks(
      d, hn::Add(hn::BitCast(d, hn::InterleaveLower(pairs, p, q)), hn::BitCast(d, hn::InterleaveUpper(pairs, p, q))),
      out);
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace recurra
HWY_AFTER_NAMESPACE();
#endif
