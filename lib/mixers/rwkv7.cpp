// RWKV-7 (Peng et al. 2025, arXiv:2503.14456, section 4): a layer is a time mix and a channel mix.
//
// Time mix, per token; x_prev is the row before, lerp_j(x) = x + (x_prev - x) * mu_j:
//     r, k, v = R lerp_r(x), K lerp_k(x), V lerp_v(x)
//     log w   = -exp(-1/2) sigmoid(w0 + W2 tanh(W1 lerp_w(x)))
//     a       = sigmoid(a0 + A2 (A1 lerp_a(x)))                   in-context learning rate
//     g       = G2 sigmoid(G1 lerp_g(x))
//     v       = v + (v_first - v) sigmoid(v0 + V2 (V1 lerp_v(x)))     but in layer 0, where v_first = v
//     kk      = l2(k * k_k) per head;  k = k * (1 + (a - 1) * k_a)
//     S       = S (diag(w) - kk (kk * a)^T) + v k^T;  o = S r         per head, S in R^{V x K}
//     y       = O ((group_norm(o) + (r . (k * r_k)) v) * g)
// Channel mix:
//     y       = V relu(K lerp_k(x))^2
#include "mixers/rwkv7.h"

namespace recurra {
namespace {

class TimeMix final : public Mixer {
 public:
  TimeMix(TimeMixWeights weights, const Rwkv7Dims& dims, bool first, size_t shift, size_t state, DType memory)
      : l_(std::move(weights)), d_(dims), first_(first), shift_(shift), state_(state), memory_(memory) {}

  void apply(Pass& pass, Tensor x) override {
    Exec& be = pass.exec;
    const Rows& rows = pass.rows;
    const Frame frame(be);
    const auto row = [&] { return be.scratch(x.rows, d_.width); };
    const Tensor xr = row(), xw = row(), xk = row(), xv = row(), xa = row(), xg = row();
    const Tensor mixed[] = {xr, xw, xk, xv, xa, xg};
    const Matrix* const readers[] = {l_.r.get(), l_.w.a.get(), l_.k.get(), l_.v.get(), l_.a.a.get(), l_.g.a.get()};
    be.norm_shift_lerp({{mixed, 6}, x, l_.norm.kind, &l_.norm.w, &l_.norm.b, l_.norm.eps, &l_.mu, shift_, {readers, 6}},
                       rows);

    const Tensor r = row(), k = row(), v = first_ ? pass.v_first : row(), w = row(), a = row(), g = row();
    const auto low = [&](const LowRank& m) { return be.scratch(x.rows, m.a->out()); };
    const auto down = [](Tensor y, Tensor in, const LowRank& m) {
      return Product{y, in, m.a.get(), {m.act, nullptr, false, m.b.get()}};
    };
    const auto up = [](Tensor y, Tensor in, const LowRank& m) {
      return Product{y, in, m.b.get(), {Act::none, &m.bias, false}};
    };
    const size_t residual = first_ ? 0 : 1;  // of the values: the last of each list
    const Tensor w1 = low(l_.w), a1 = low(l_.a), g1 = low(l_.g), v1 = first_ ? Tensor{} : low(l_.residual);
    const Product from_x[] = {{r, xr, l_.r.get(), {}},  {k, xk, l_.k.get(), {}}, {v, xv, l_.v.get(), {}},
                              down(w1, xw, l_.w),       down(a1, xa, l_.a),      down(g1, xg, l_.g),
                              down(v1, xv, l_.residual)};
    be.linears({from_x, 6 + residual}, rows);
    const Tensor kk = xr, b = xw, o = xk;  // the lerps are used up: their memory serves again
    const Product from_low[] = {up(w, w1, l_.w), up(a, a1, l_.a), up(g, g1, l_.g), up(b, v1, l_.residual)};
    be.linears({from_low, 3 + residual}, rows);
    be.head_mix({o,
                 r,
                 w,
                 k,
                 v,
                 a,
                 kk,
                 b,
                 g,
                 first_ ? Tensor{} : pass.v_first,
                 &l_.k_k,
                 &l_.k_a,
                 &l_.ln_w,
                 &l_.ln_b,
                 &l_.r_k,
                 d_.heads,
                 d_.head,
                 l_.key_eps,
                 l_.group_eps,
                 state_,
                 memory_,
                 l_.o.get()},
                rows);
    be.linear(x, o, *l_.o, rows, {Act::none, nullptr, true});
  }

 private:
  TimeMixWeights l_;
  Rwkv7Dims d_;
  bool first_;
  size_t shift_, state_;
  DType memory_;
};

class ChannelMix final : public Mixer {
 public:
  ChannelMix(ChannelMixWeights weights, const Rwkv7Dims& dims, size_t shift)
      : l_(std::move(weights)), d_(dims), shift_(shift) {}

  void apply(Pass& pass, Tensor x) override {
    Exec& be = pass.exec;
    const Frame frame(be);
    const Tensor xk = be.scratch(x.rows, d_.width);
    const Tensor hidden = be.scratch(x.rows, d_.hidden);
    const Matrix* const reader = l_.k.get();
    be.norm_shift_lerp({{&xk, 1}, x, l_.norm.kind, &l_.norm.w, &l_.norm.b, l_.norm.eps, &l_.mu, shift_, {&reader, 1}},
                       pass.rows);
    be.linear(hidden, xk, *l_.k, pass.rows, {l_.act, nullptr, false, l_.v.get()});
    be.linear(x, hidden, *l_.v, pass.rows, {Act::none, nullptr, true});
  }

 private:
  ChannelMixWeights l_;
  Rwkv7Dims d_;
  size_t shift_;
};

}  // namespace

std::unique_ptr<Mixer> make_time_mix(TimeMixWeights weights, const Rwkv7Dims& d, int64_t layer, StateLayout& layout) {
  const std::string name = "layers." + std::to_string(layer) + ".time_mix.";
  const size_t shift = layout.add(name + "shift", shape(d.width));
  const size_t state = layout.add(name + "state", shape(d.heads, d.head, d.head));
  return std::make_unique<TimeMix>(std::move(weights), d, layer == 0, shift, state, layout.memories());
}

std::unique_ptr<Mixer> make_channel_mix(ChannelMixWeights weights, const Rwkv7Dims& d, int64_t layer,
                                        StateLayout& layout) {
  const size_t shift = layout.add("layers." + std::to_string(layer) + ".channel_mix.shift", shape(d.width));
  return std::make_unique<ChannelMix>(std::move(weights), d, shift);
}

}  // namespace recurra
