// What happens to a row, or to one head of a row, between the matrix products.
#include <cmath>

#include "backend/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/row_kernels.cpp"
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

using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;

void norm(float* out, const float* in, const float* w, const float* b, float eps, Norm kind, int64_t n) {
  const float count = static_cast<float>(n);
  const auto sum_of = [=](auto f) HWY_ATTR {
    return sum_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR { return f(hn::MaskedLoad(m, d, in + i)); });
  };
  float mean = 0, scale = 1;
  if (kind == Norm::layer || kind == Norm::group) mean = sum_of([](VF x) HWY_ATTR { return x; }) / count;
  if (kind == Norm::l1) {
    scale = 1.0f / HWY_MAX(sum_of([](VF x) HWY_ATTR { return hn::Abs(x); }), eps);
  } else if (kind == Norm::sum) {
    scale = 1.0f / (sum_of([](VF x) HWY_ATTR { return x; }) + eps);
  } else {
    const float square = sum_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR {
      const VF x = hn::IfThenElseZero(m, hn::Sub(hn::MaskedLoad(m, d, in + i), hn::Set(d, mean)));
      return hn::Mul(x, x);
    });
    scale = 1.0f / std::sqrt((kind == Norm::l2 ? square : square / count) + eps);
  }
  for_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR {
    VF x = hn::Mul(hn::Sub(hn::MaskedLoad(m, d, in + i), hn::Set(d, mean)), hn::Set(d, scale));
    if (w != nullptr) x = hn::Mul(x, hn::MaskedLoad(m, d, w + i));
    if (b != nullptr) x = hn::Add(x, hn::MaskedLoad(m, d, b + i));
    hn::BlendedStore(x, m, d, out + i);
  });
}

void activate(float* y, const float* x, Act act, int64_t n) {
  for_lanes(n, [=](DF d, auto m, int64_t i)
                   HWY_ATTR { hn::BlendedStore(apply_act(d, hn::MaskedLoad(m, d, x + i), act), m, d, y + i); });
}

void gate(float* y, const float* x, const float* g, Act act, int64_t n) {
  for_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR {
    const VF factor = apply_act(d, hn::MaskedLoad(m, d, g + i), act);
    hn::BlendedStore(hn::Mul(hn::MaskedLoad(m, d, x + i), factor), m, d, y + i);
  });
}

void add_scaled(float* y, const float* x, const float* scale, int64_t n) {
  for_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR {
    const VF product = hn::Mul(hn::MaskedLoad(m, d, x + i), hn::MaskedLoad(m, d, scale + i));
    hn::BlendedStore(hn::Add(hn::MaskedLoad(m, d, y + i), product), m, d, y + i);
  });
}

void short_conv(float* y, const float* const* x, const float* w, int64_t stride, const float* bias, Act act,
                int64_t taps, int64_t n) {
  for_lanes(n, [=](DF d, auto m, int64_t i) HWY_ATTR {
    VF sum = bias != nullptr ? hn::MaskedLoad(m, d, bias + i) : hn::Zero(d);
    for (int64_t j = 0; j < taps; ++j)
      sum = hn::MulAdd(hn::MaskedLoad(m, d, w + j * stride + i), hn::MaskedLoad(m, d, x[j] + i), sum);
    hn::BlendedStore(apply_act(d, sum, act), m, d, y + i);
  });
}

void selective_scan(const SelectiveHead& h) {
  for_lanes(h.count, [&](DF d, auto m, int64_t lane) HWY_ATTR {
    const int64_t i = h.first + lane;
    for (int64_t t = 0; t < h.tokens; ++t) {
      const VF u = hn::MaskedLoad(m, d, h.u + t * h.u_stride + i);
      const VF step = softplus(d, hn::MaskedLoad(m, d, h.dt + t * h.dt_stride + i));
      const VF input = hn::Mul(step, u);
      VF y = hn::Zero(d);
      for (int64_t j = 0; j < h.states; ++j) {
        float* s = h.state + j * h.channels + i;
        const VF decay = exp_any(d, hn::Mul(step, hn::MaskedLoad(m, d, h.a + j * h.channels + i)));
        const VF kept = hn::Mul(decay, hn::MaskedLoad(m, d, s));
        const VF now = hn::MulAdd(input, hn::Set(d, h.b[t * h.b_stride + j]), kept);
        hn::BlendedStore(now, m, d, s);
        y = hn::MulAdd(now, hn::Set(d, h.c[t * h.c_stride + j]), y);
      }
      hn::BlendedStore(hn::MulAdd(hn::MaskedLoad(m, d, h.d + i), u, y), m, d, h.y + t * h.y_stride + i);
    }
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

void bonus_gate(float* y, const float* o, const float* r, const float* k, const float* v, const float* g,
                const float* r_k, int64_t n) {
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
  k.activate = activate;
  k.gate = gate;
  k.add_scaled = add_scaled;
  k.short_conv = short_conv;
  k.selective_scan = selective_scan;
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
