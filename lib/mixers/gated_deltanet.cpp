// Gated DeltaNet (Yang, Kautz, Hatamizadeh 2024, arXiv:2412.06464), and the hybrids that put a softmax attention layer after every
// few of it. Per token, H value heads of V values, HK key heads of K:
//     q, k, v = silu(conv(Q h)), silu(conv(K h)), silu(conv(V h)),  h = norm(x)
//     q, k    = l2(q), l2(k) per head
//     alpha   = exp(-exp(A_log) softplus(W_a h + dt_bias)),  beta = sigmoid(W_b h)      per value head
//     S       = alpha S (I - beta k k^T) + beta v k^T;  o = S q / sqrt(K)               per value head, S in R^{V x K}
//     x      += O (rms(o) * silu(W_g h))
#include <cmath>

#include "core/error.h"
#include "mixers/fla.h"
#include "mixers/gated_deltanet.h"
#include "mixers/registry.h"

namespace recurra {
namespace {

class GatedDeltaNet final : public Mixer {
 public:
  GatedDeltaNet(GatedDeltaNetWeights weights, const GatedDeltaNetShape& shape, size_t conv, size_t state)
      : l_(std::move(weights)), n_(shape), conv_(conv), state_(state) {}

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
    Tensor qkv = mixed;
    int64_t first = 0;
    for (const auto& matrix : l_.qkv) {
      be.linear(columns(mixed, first, matrix->out()), h, *matrix, rows, {n_.taps > 0 ? Act::none : Act::silu, nullptr, false});
      first += matrix->out();
    }
    if (n_.taps > 0) {
      qkv = row(2 * keys + values);
      be.short_conv(qkv, mixed, l_.conv, nullptr, Act::silu, rows, conv_);
    }
    const Tensor q = columns(qkv, 0, keys), k = columns(qkv, keys, keys);
    be.norm(q, q, Norm::l2, nullptr, nullptr, n_.l2_eps, n_.key_heads);
    be.norm(k, k, Norm::l2, nullptr, nullptr, n_.l2_eps, n_.key_heads);
    be.linear(g, h, *l_.a, rows, {});
    be.linear(beta, h, *l_.b, rows, {});
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
    be.scan(scan, rows);
    be.norm(o, o, Norm::rms, &l_.o_norm.w, nullptr, l_.o_norm.eps, n_.heads);
    if (l_.gate) {
      be.linear(gate, h, *l_.gate, rows, {});
      be.gate(o, o, gate, n_.gate_act);
    }
    be.linear(x, o, *l_.out, rows, {Act::none, nullptr, true});
  }

 private:
  GatedDeltaNetWeights l_;
  GatedDeltaNetShape n_;
  size_t conv_, state_;
};

// qwen35: gated DeltaNet, but softmax attention where (i + 1) % full_attention_interval == 0.
Network build_gguf(const ModelFile& file, Backend& be, StateLayout& layout) {
  Network net = read_gguf_frame(file, be);
  const float eps = net.output_norm.eps;
  const int64_t interval = file.integer("qwen35.full_attention_interval", 1, 4096);
  const int64_t hidden = file.integer("qwen35.feed_forward_length", 1, kMostWidth);
  GatedDeltaNetShape n;
  n.key = file.integer("qwen35.ssm.state_size", 1, kMostWidth);
  n.key_heads = file.integer("qwen35.ssm.group_count", 1, kMostWidth);
  n.heads = file.integer("qwen35.ssm.time_step_rank", 1, kMostWidth);
  const int64_t inner = file.integer("qwen35.ssm.inner_size", 1, kMostWidth);
  n.taps = file.integer("qwen35.ssm.conv_kernel", 1, 64);
  need_divisor(file, "qwen35.ssm.time_step_rank", n.heads, "qwen35.ssm.inner_size", inner);
  need_divisor(file, "qwen35.ssm.group_count", n.key_heads, "qwen35.ssm.time_step_rank", n.heads);
  n.value = inner / n.heads;
  n.tiled = true;
  n.l2_eps = eps;
  AttentionShape t;
  t.heads = file.integer("qwen35.attention.head_count", 1, kMostWidth);
  t.kv_heads = file.integer("qwen35.attention.head_count_kv", 1, kMostWidth);
  need_divisor(file, "qwen35.attention.head_count_kv", t.kv_heads, "qwen35.attention.head_count", t.heads);
  t.width = file.integer("qwen35.attention.key_length", 1, kMostWidth);
  t.rotated = file.integer_or("qwen35.rope.dimension_count", t.width, 2, t.width);
  t.base = static_cast<float>(file.number_or("qwen35.rope.freq_base", 10000));
  t.gated = true;
  const int64_t keys = n.key_heads * n.key, kv = t.kv_heads * t.width;
  for (int64_t i = 0; i < net.layers; ++i) {
    const Reader in(file, be, "blk." + std::to_string(i) + ".");
    if ((i + 1) % interval == 0) {
      AttentionWeights a;
      a.norm = in.rms("attn_norm.weight", net.width, eps);
      a.q = in.matrix("attn_q.weight", 2 * t.heads * t.width, net.width);
      a.k = in.matrix("attn_k.weight", kv, net.width);
      a.v = in.matrix("attn_v.weight", kv, net.width);
      a.o = in.matrix("attn_output.weight", net.width, t.heads * t.width);
      a.q_norm = in.tiled("attn_q_norm.weight", t.width, t.heads);
      a.k_norm = in.tiled("attn_k_norm.weight", t.width, t.kv_heads);
      a.qk_eps = eps;
      net.mixers.push_back(make_attention(std::move(a), t, layout));
    } else {
      GatedDeltaNetWeights l;
      l.norm = in.rms("attn_norm.weight", net.width, eps);
      l.qkv.push_back(in.matrix("attn_qkv.weight", 2 * keys + inner, net.width));
      l.gate = in.matrix("attn_gate.weight", inner, net.width);
      l.conv = in.transposed("ssm_conv1d.weight", 2 * keys + inner, n.taps);
      l.dt_bias = in.vector("ssm_dt.bias", n.heads);
      l.rate = in.vector("ssm_a", n.heads);
      l.a = in.matrix("ssm_alpha.weight", n.heads, net.width);
      l.b = in.matrix("ssm_beta.weight", n.heads, net.width);
      l.o_norm = {Norm::rms, in.tiled("ssm_norm.weight", n.value, n.heads), {}, eps};
      l.out = in.matrix("ssm_out.weight", net.width, inner);
      net.mixers.push_back(make_gated_deltanet(std::move(l), n, layout, i));
    }
    net.mixers.push_back(make_mlp({in.rms("post_attention_norm.weight", net.width, eps),
                                   in.matrix("ffn_gate.weight", hidden, net.width), in.matrix("ffn_up.weight", hidden, net.width),
                                   in.matrix("ffn_down.weight", net.width, hidden), Act::silu}));
  }
  return net;
}

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
  n.taps = o.boolean_or("use_short_conv", true) ? o.integer_or("conv_size", 4, 1, 64) : 0;
  if (o.has("conv_size")) o.integer("conv_size", 1, 64);
  o.require("conv_bias", false);
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
    if (n.taps > 0)
      l.conv = in.convolutions({{"q_conv1d.weight", keys}, {"k_conv1d.weight", keys}, {"v_conv1d.weight", inner}}, n.taps);
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

std::unique_ptr<Mixer> make_gated_deltanet(GatedDeltaNetWeights weights, const GatedDeltaNetShape& n, StateLayout& layout, int64_t layer) {
  const std::string name = "layers." + std::to_string(layer) + ".gated_deltanet.";
  const size_t conv = n.taps > 1 ? layout.add(name + "conv", shape(n.taps - 1, 2 * n.key_heads * n.key + n.heads * n.value)) : 0;
  const size_t state = layout.add(name + "state", shape(n.heads, n.value, n.key));
  return std::make_unique<GatedDeltaNet>(std::move(weights), n, conv, state);
}

const Architecture kQwen35{"qwen35", build_gguf};
const Architecture kGatedDeltaNet{"fla.gated_deltanet", build_fla};

}  // namespace recurra
