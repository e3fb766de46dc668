// What happens to a row, or to one head of a row, between the matrix products.
#include "backend/cpu/kernels.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/row_kernels.cpp"
#include "backend/cpu/highway.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backend/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace recurra {
namespace HWY_NAMESPACE {
namespace {

using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;

// (x - mean) / sqrt(mean((x - mean)^2) + eps) * w + b, or without the mean.
void norm(float* out, const float* in, const float* w, const float* b, float eps, bool subtract_mean, int64_t n) {
  const float count = static_cast<float>(n);
  float mean = 0;
  if (subtract_mean)
    mean = sum_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR { return hn::MaskedLoad(m, d, in + i); }) / count;
  const float square = sum_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR {
    const VF x = hn::IfThenElseZero(m, hn::Sub(hn::MaskedLoad(m, d, in + i), hn::Set(d, mean)));
    return hn::Mul(x, x);
  });
  const float scale = 1.0f / std::sqrt(square / count + eps);
  for_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR {
    VF x = hn::Mul(hn::Sub(hn::MaskedLoad(m, d, in + i), hn::Set(d, mean)), hn::Set(d, scale));
    if (w != nullptr) x = hn::Mul(x, hn::MaskedLoad(m, d, w + i));
    if (b != nullptr) x = hn::Add(x, hn::MaskedLoad(m, d, b + i));
    hn::BlendedStore(x, m, d, out + i);
  });
}

void lerp(float* out, const float* now, const float* before, const float* mu, int64_t n) {
  for_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR {
    const VF x = hn::MaskedLoad(m, d, now + i);
    const VF step = hn::Sub(hn::MaskedLoad(m, d, before + i), x);
    hn::BlendedStore(hn::MulAdd(step, hn::MaskedLoad(m, d, mu + i), x), m, d, out + i);
  });
}

void value_residual(float* v, const float* v_first, const float* gate, int64_t n) {
  for_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR {
    const VF x = hn::MaskedLoad(m, d, v + i);
    const VF step = hn::Sub(hn::MaskedLoad(m, d, v_first + i), x);
    hn::BlendedStore(hn::MulAdd(step, sigmoid(d, hn::MaskedLoad(m, d, gate + i)), x), m, d, v + i);
  });
}

void delta_inputs(float* w, float* a, float* k, float* kk, float* b, const float* k_k, const float* k_a, float eps,
                  int64_t n) {
  const float square = sum_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR {
    const VF x = hn::Mul(hn::MaskedLoad(m, d, k + i), hn::MaskedLoad(m, d, k_k + i));
    return hn::Mul(x, x);
  });
  const float length = eps == 0.0f ? HWY_MAX(std::sqrt(square), 1e-12f) : std::sqrt(square + eps);
  const float scale = 1.0f / length;
  for_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR {
    const VF one = hn::Set(d, 1.0f);
    const VF key = hn::MaskedLoad(m, d, k + i);
    const VF rate = sigmoid(d, hn::MaskedLoad(m, d, a + i));
    const VF direction = hn::Mul(hn::Mul(key, hn::MaskedLoad(m, d, k_k + i)), hn::Set(d, scale));
    const VF grown = hn::MulAdd(hn::Sub(rate, one), hn::MaskedLoad(m, d, k_a + i), one);
    const VF decay = hn::Mul(hn::Set(d, -0.60653066f), sigmoid(d, hn::MaskedLoad(m, d, w + i)));
    hn::BlendedStore(rate, m, d, a + i);
    hn::BlendedStore(direction, m, d, kk + i);
    hn::BlendedStore(hn::Mul(direction, rate), m, d, b + i);
    hn::BlendedStore(hn::Mul(key, grown), m, d, k + i);
    hn::BlendedStore(decay, m, d, w + i);
  });
}

void bonus_gate(float* y, const float* o, const float* r, const float* k, const float* v, const float* g, const float* r_k,
                int64_t n) {
  const float bonus = sum_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR {
    return hn::Mul(hn::Mul(hn::MaskedLoad(m, d, r + i), hn::MaskedLoad(m, d, k + i)), hn::MaskedLoad(m, d, r_k + i));
  });
  for_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR {
    const VF sum = hn::MulAdd(hn::Set(d, bonus), hn::MaskedLoad(m, d, v + i), hn::MaskedLoad(m, d, o + i));
    hn::BlendedStore(hn::Mul(sum, hn::MaskedLoad(m, d, g + i)), m, d, y + i);
  });
}

}  // namespace

void fill_row(Kernels& k) {
  k.norm = norm;
  k.lerp = lerp;
  k.value_residual = value_residual;
  k.delta_inputs = delta_inputs;
  k.bonus_gate = bonus_gate;
}

}  // namespace HWY_NAMESPACE
}  // namespace recurra
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace recurra {

void fill_row_kernels(Level level, Kernels& k) { RECURRA_AT_LEVEL(level, fill_row, k) }

}  // namespace recurra
#endif
