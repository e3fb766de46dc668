// Gated DeltaNet (Yang, Kautz, Hatamizadeh 2024, arXiv:2412.06464), and fla's model of it; qwen.cpp has the hybrids.
// Per token, with H value heads of V values and HK key heads of K:
//     q, k, v = silu(conv(Q h)), silu(conv(K h)), silu(conv(V h)),  h = norm(x)
//     q, k    = l2(q), l2(k) per head
//     alpha   = exp(-exp(A_log) softplus(W_a h + dt_bias)),  beta = sigmoid(W_b h)      per value head
//     S       = alpha S (I - beta k k^T) + beta v k^T;  o = S q / sqrt(K)               per value head, S in R^{V x K}
//     x      += O (rms(o) * silu(W_g h))
#include "mixers/gated_deltanet.h"

#include <cmath>

#include "core/error.h"
#include "mixers/fla.h"
#include "mixers/registry.h"

namespace recurra {
namespace {

class GatedDeltaNet final : public Mixer {
 public:
  GatedDeltaNet(GatedDeltaNetWeights weights, const GatedDeltaNetShape& shape, size_t conv, size_t state, DType memory)
      : l_(std::move(weights)), n_(shape), conv_(conv), state_(state), memory_(memory) {}

  void apply(Pass& pass, Tensor x) override {
    Exec& be = pass.exec;
    const Rows& rows = pass.rows;
    const Frame frame(be);
    const auto row = [&](int64_t cols) { return be.scratch(x.rows, cols); };
    const int64_t keys = n_.key_heads * n_.key, values = n_.heads * n_.value;
    const Tensor h = row(x.cols), mixed = row(2 * keys + values), gate = row(values), o = row(values), v = row(values);
    const Tensor g = row(n_.heads), beta = row(n_.heads), log_w = row(n_.heads);
    const Tensor r = row(n_.heads * n_.key), a = row(n_.heads * n_.key), b = row(n_.heads * n_.key);
    be.norm(h, x, l_.norm.kind, &l_.norm.w, nullptr, l_.norm.eps, 1);
    if (l_.qkvz)
      by_key_head(pass, h, mixed, gate, g, beta);
    else
      project(pass, h, mixed, gate, g, beta);
    Tensor qkv = mixed;
    if (n_.taps > 0) {
      qkv = row(2 * keys + values);
      be.short_conv(qkv, mixed, l_.conv, &l_.conv_bias, Act::silu, rows, conv_);
    } else {
      be.activate(qkv, qkv, Act::silu);
    }
    const Tensor q = columns(qkv, 0, keys), k = columns(qkv, keys, keys);
    be.norm(q, q, Norm::l2, nullptr, nullptr, n_.l2_eps, n_.key_heads);
    be.norm(k, k, Norm::l2, nullptr, nullptr, n_.l2_eps, n_.key_heads);
    be.copy(v, columns(qkv, 2 * keys, values));
    be.delta_rule({q, k, g, beta, &l_.rate, &l_.dt_bias, r, a, b, v, log_w, n_.heads, n_.key_heads,
                   1 / std::sqrt(static_cast<float>(n_.key)), n_.beta_scale, n_.tiled});
    Scan scan;
    scan.decay = Decay::scalar;
    scan.erase = true;
    scan.heads = n_.heads;
    scan.key = n_.key;
    scan.value = n_.value;
    scan.o = o;
    scan.r = r;
    scan.k = scan.a = a;
    scan.b = b;
    scan.v = v;
    scan.log_w = log_w;
    scan.state = state_;
    scan.memory = memory_;
    be.scan(scan, rows);
    be.norm(o, o, Norm::rms, &l_.o_norm.w, nullptr, l_.o_norm.eps, n_.heads);
    if (l_.gate || l_.qkvz) be.gate(o, o, gate, n_.gate_act);
    be.linear(x, o, *l_.out, rows, {Act::none, nullptr, true});
  }

 private:
  void project(Pass& pass, Tensor h, Tensor mixed, Tensor gate, Tensor g, Tensor beta) const {
    Product all[6];
    size_t products = 0;
    int64_t first = 0;
    for (const auto& matrix : l_.qkv) {
      all[products++] = {columns(mixed, first, matrix->out()), h, matrix.get(), {}};
      first += matrix->out();
    }
    if (l_.gate) all[products++] = {gate, h, l_.gate.get(), {}};
    all[products++] = {g, h, l_.a.get(), {}};
    all[products++] = {beta, h, l_.b.get(), {}};
    pass.exec.linears({all, products}, pass.rows);
  }

  // The same from matrices whose rows lie key head by key head: [q | k | v of its value heads | z of them] and [b | a].
  void by_key_head(Pass& pass, Tensor h, Tensor mixed, Tensor gate, Tensor g, Tensor beta) const {
    Exec& be = pass.exec;
    const Frame frame(be);
    const int64_t keys = n_.key_heads * n_.key, values = n_.heads * n_.value;
    const Tensor all = be.scratch(h.rows, 2 * keys + 2 * values), kvz = be.scratch(h.rows, keys + 2 * values);
    const Tensor vz = be.scratch(h.rows, 2 * values), ba = be.scratch(h.rows, 2 * n_.heads);
    const Product both[] = {{all, h, l_.qkvz.get(), {}}, {ba, h, l_.ba.get(), {}}};
    be.linears({both, 2}, pass.rows);
    be.split_heads(columns(mixed, 0, keys), kvz, all, n_.key_heads);
    be.split_heads(columns(mixed, keys, keys), vz, kvz, n_.key_heads);
    be.split_heads(columns(mixed, 2 * keys, values), gate, vz, n_.key_heads);
    be.split_heads(beta, g, ba, n_.key_heads);
  }

  GatedDeltaNetWeights l_;
  GatedDeltaNetShape n_;
  size_t conv_, state_;
  DType memory_;
};

Network build_fla(const ModelFile& file, Backend& be, StateLayout& layout) {
  Options o(file);
  FlaFrame f = read_fla_frame(o, file, be);
  GatedDeltaNetShape n;
  n.key_heads = o.integer("num_heads", 1, kMostWidth);
  n.heads = o.integer_or("num_v_heads", n.key_heads, 1, kMostWidth);
  n.key = o.integer("head_dim", 1, kMostWidth);
  n.value = static_cast<int64_t>(static_cast<double>(n.key) * o.number_or("expand_v", 2, 1e-3, 64));
  if (n.value < 1) o.unsupported("expand_v", "heads of at least one value");
  if (n.heads % n.key_heads != 0) o.unsupported("num_v_heads", "a multiple of num_heads");
  const int64_t taps = o.integer_or("conv_size", 4, 1, 64);
  n.taps = o.boolean_or("use_short_conv", true) ? taps : 0;
  const bool conv_bias = o.boolean_or("conv_bias", false);
  n.beta_scale = o.boolean_or("allow_neg_eigval", false) ? 2.0f : 1.0f;
  n.gate_act = act_of(o, "output_gate_activation");
  const bool gated = o.boolean_or("use_gate", true);
  const int64_t keys = n.key_heads * n.key, inner = n.heads * n.value, D = f.net.width;
  const float eps = f.eps;
  return finish_fla(std::move(f), o, file, be, layout, [&](int64_t i, const Reader& layer, NormWeights norm) {
    const Reader in = layer.under("attn.");
    GatedDeltaNetWeights l;
    l.norm = std::move(norm);
    l.qkv.push_back(in.matrix("q_proj.weight", keys, D));
    l.qkv.push_back(in.matrix("k_proj.weight", keys, D));
    l.qkv.push_back(in.matrix("v_proj.weight", inner, D));
    if (n.taps > 0) {
      l.conv =
          in.convolutions({{"q_conv1d.weight", keys}, {"k_conv1d.weight", keys}, {"v_conv1d.weight", inner}}, n.taps);
      if (conv_bias || in.has("q_conv1d.bias"))
        l.conv_bias = in.joined({{"q_conv1d.bias", keys}, {"k_conv1d.bias", keys}, {"v_conv1d.bias", inner}});
    }
    l.a = in.matrix("a_proj.weight", n.heads, D);
    l.b = in.matrix("b_proj.weight", n.heads, D);
    if (gated) l.gate = in.matrix("g_proj.weight", inner, D);
    l.rate = in.minus_exp("A_log", n.heads);
    l.dt_bias = in.vector("dt_bias", n.heads);
    l.o_norm = {Norm::rms, in.tiled("o_norm.weight", n.value, n.heads), {}, eps};
    l.out = in.matrix("o_proj.weight", D, inner);
    return make_gated_deltanet(std::move(l), n, layout, i);
  });
}

}  // namespace

std::unique_ptr<Mixer> make_gated_deltanet(GatedDeltaNetWeights weights, const GatedDeltaNetShape& n,
                                           StateLayout& layout, int64_t layer) {
  const std::string name = "layers." + std::to_string(layer) + ".gated_deltanet.";
  const size_t conv =
      n.taps > 1 ? layout.add(name + "conv", shape(n.taps - 1, 2 * n.key_heads * n.key + n.heads * n.value)) : 0;
  const size_t state = layout.add(name + "state", shape(n.heads, n.value, n.key));
  return std::make_unique<GatedDeltaNet>(std::move(weights), n, conv, state, layout.memories());
}

const Architecture kFlaGatedDeltaNet{"fla.gated_deltanet", build_fla};

}  // namespace recurra
