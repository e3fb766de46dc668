// DeltaNet (Schlag, Irie, Schmidhuber 2021, arXiv:2102.11174; Yang et al. 2024, arXiv:2406.06484), as fla's delta_net.
// Per token, H heads of K and V:
//     q, k, v = act(conv(Q h)), act(conv(K h)), silu(conv(V h)),  h = norm(x)
//     q, k    = q / |q|, k / |k|                             per head, l2 or sum of magnitudes
//     beta    = sigmoid(W_b h)                               doubled where eigenvalues may be negative
//     S       = S (I - beta k k^T) + beta v k^T              the scan with erase, without decay, S in R^{V x K}
//     o       = S q / sqrt(K)
//     x      += O (rms(o) * silu(G h))                       the gate only with use_gate
#include <cmath>

#include "mixers/fla.h"
#include "mixers/registry.h"

namespace recurra {
namespace {

struct Weights {
  NormWeights norm, o_norm;                  // o_norm: [H * V]
  std::unique_ptr<Matrix> q, k, v, b, g, o;  // b, g: or null
  Vector conv_bias;                          // [2 H*K + H*V], or empty
  Vector conv;                               // [taps, 2 H*K + H*V], q, k, v side by side; or empty
};

struct Dims {
  int64_t heads, key, value, taps;
  Act qk_act = Act::silu;
  Norm qk_norm = Norm::l2;
  float beta_scale = 1;
};

class DeltaNet final : public Mixer {
 public:
  DeltaNet(Weights weights, const Dims& dims, size_t conv, size_t state, DType memory)
      : l_(std::move(weights)), n_(dims), conv_(conv), state_(state), memory_(memory) {}

  void apply(Pass& pass, Tensor x) override {
    Exec& be = pass.exec;
    const Rows& rows = pass.rows;
    const Frame frame(be);
    const auto row = [&](int64_t cols) { return be.scratch(x.rows, cols); };
    const int64_t keys = n_.heads * n_.key, values = n_.heads * n_.value;
    const Tensor h = row(x.cols), projected = row(2 * keys + values), r = row(keys), a = row(keys), b = row(keys);
    const Tensor v = row(values), o = row(values);
    be.norm_for(*l_.q, h, x, l_.norm.kind, &l_.norm.w, nullptr, l_.norm.eps, 1);
    const Tensor beta = l_.b ? row(n_.heads) : Tensor{}, gate = l_.g ? row(values) : Tensor{};
    Product all[5] = {{columns(projected, 0, keys), h, l_.q.get(), {}},
                      {columns(projected, keys, keys), h, l_.k.get(), {}},
                      {columns(projected, 2 * keys, values), h, l_.v.get(), {}}};
    size_t products = 3;
    if (l_.b) all[products++] = {beta, h, l_.b.get(), {}};
    if (l_.g) all[products++] = {gate, h, l_.g.get(), {}};
    be.linears({all, products}, rows);
    Tensor qkv = projected;
    if (n_.taps > 0) {
      qkv = row(2 * keys + values);
      be.short_conv(qkv, projected, l_.conv, &l_.conv_bias, Act::none, rows, conv_);
    }
    const Tensor q = columns(qkv, 0, keys), k = columns(qkv, keys, keys);
    const Tensor qk = columns(qkv, 0, 2 * keys);
    be.activate(qk, qk, n_.qk_act);
    be.activate(v, columns(qkv, 2 * keys, values), Act::silu);
    be.norm(qk, qk, n_.qk_norm, nullptr, nullptr, 1e-6f, 2 * n_.heads);
    be.delta_rule(delta_inputs(q, k, beta, r, a, b, v));
    Scan scan;
    scan.erase = true;
    scan.heads = n_.heads;
    scan.key = n_.key;
    scan.value = n_.value;
    scan.o = o;
    scan.r = r;
    scan.k = scan.a = a;
    scan.b = b;
    scan.v = v;
    scan.state = state_;
    scan.memory = memory_;
    be.scan(scan, rows);
    be.norm(o, o, Norm::rms, &l_.o_norm.w, nullptr, l_.o_norm.eps, n_.heads);
    if (l_.g) be.gate(o, o, gate, Act::silu);
    be.linear(x, o, *l_.o, rows, {Act::none, nullptr, true});
  }

 private:
  Exec::DeltaRule delta_inputs(Tensor q, Tensor k, Tensor beta, Tensor r, Tensor a, Tensor b, Tensor v) const {
    Exec::DeltaRule io{};
    io.q = q;
    io.k = k;
    io.r = r;
    io.a = a;
    io.b = b;
    io.v = v;
    io.heads = io.key_heads = n_.heads;
    io.scale = 1 / std::sqrt(static_cast<float>(n_.key));
    io.beta_scale = n_.beta_scale;
    io.beta = beta;
    return io;
  }

  Weights l_;
  Dims n_;
  size_t conv_, state_;
  DType memory_;
};

Network build(const ModelFile& file, Backend& be, StateLayout& layout) {
  Options o(file);
  FlaFrame f = read_fla_frame(o, file, be);
  const int64_t D = f.net.width;
  Dims n{};
  n.heads = o.integer("num_heads", 1, kMostWidth);
  n.key = static_cast<int64_t>(static_cast<double>(D) * o.number_or("expand_k", 1, 1e-3, 64)) / n.heads;
  n.value = static_cast<int64_t>(static_cast<double>(D) * o.number_or("expand_v", 1, 1e-3, 64)) / n.heads;
  if (n.key < 1 || n.value < 1) o.unsupported("expand_k", "heads of at least one value");
  const int64_t taps = o.integer_or("conv_size", 4, 1, 64);
  n.taps = o.boolean_or("use_short_conv", true) ? taps : 0;
  const bool conv_bias = o.boolean_or("conv_bias", false);
  const std::string act = o.string_or("qk_activation", "silu"), norm = o.string_or("qk_norm", "l2");
  if (act == "silu") {
    n.qk_act = Act::silu;
  } else if (act == "relu") {
    n.qk_act = Act::relu;
  } else if (act == "elu") {
    n.qk_act = Act::elu1;
  } else if (act == "identity") {
    n.qk_act = Act::none;
  } else {
    o.unsupported("qk_activation", "silu, relu, elu or identity");
  }
  if (norm != "l2" && norm != "sum") o.unsupported("qk_norm", "l2 or sum");
  n.qk_norm = norm == "l2" ? Norm::l2 : Norm::l1;
  n.beta_scale = o.boolean_or("allow_neg_eigval", false) ? 2.0f : 1.0f;
  const bool beta = o.boolean_or("use_beta", true), gated = o.boolean_or("use_gate", false);
  o.require("use_output_norm", true);
  const float eps = f.eps;
  return finish_fla(std::move(f), o, file, be, layout, [&](int64_t i, const Reader& layer, NormWeights input_norm) {
    const Reader in = layer.under("attn.");
    const int64_t keys = n.heads * n.key, values = n.heads * n.value;
    Weights l;
    l.norm = std::move(input_norm);
    l.q = in.matrix("q_proj.weight", keys, D);
    l.k = in.matrix("k_proj.weight", keys, D);
    l.v = in.matrix("v_proj.weight", values, D);
    l.o = in.matrix("o_proj.weight", D, values);
    if (beta) l.b = in.matrix("b_proj.weight", n.heads, D);
    if (gated) l.g = in.matrix("g_proj.weight", values, D);
    if (n.taps > 0) {
      l.conv =
          in.convolutions({{"q_conv1d.weight", keys}, {"k_conv1d.weight", keys}, {"v_conv1d.weight", values}}, n.taps);
      if (conv_bias || in.has("q_conv1d.bias"))
        l.conv_bias = in.joined({{"q_conv1d.bias", keys}, {"k_conv1d.bias", keys}, {"v_conv1d.bias", values}});
    }
    l.o_norm = {Norm::rms, in.tiled("o_norm.weight", n.value, n.heads), {}, eps};
    const std::string name = "layers." + std::to_string(i) + ".deltanet.";
    const size_t conv = n.taps > 1 ? layout.add(name + "conv", shape(n.taps - 1, 2 * keys + values)) : 0;
    const size_t state = layout.add(name + "state", shape(n.heads, n.value, n.key));
    return std::make_unique<DeltaNet>(std::move(l), n, conv, state, layout.memories());
  });
}

}  // namespace

const Architecture kFlaDeltaNet{"fla.delta_net", build};

}  // namespace recurra
