// Mamba-2 (Dao, Gu 2024, arXiv:2405.21060). Per token, with H heads of P values, N states, G groups, I = H * P:
//     z, xBC, dt = split(in(norm(x)))                            [I], [I + 2GN], [H]
//     x, B, C    = split(silu(conv(xBC) + bias))                 depthwise, causal, over the last J tokens
//     d          = clamp(softplus(dt + dt_bias))
//     S          = exp(d A) S + (d x) B^T;   y = S C + D x       per head, S in R^{P x N}: the scan with scalar decay
//     x         += out(rms(y * silu(z)))                         per group of I / G; or rms(y) * silu(z)
#include <limits>

#include "mixers/mamba_frame.h"
#include "mixers/registry.h"

namespace recurra {
namespace {

struct Weights {
  NormWeights norm, gated_norm;     // gated_norm: [I]
  std::unique_ptr<Matrix> in, out;  // [2I + 2GN + H, D], [D, I]
  Vector conv, conv_bias;           // [J, I + 2GN], [I + 2GN] or empty
  Vector in_bias, out_bias;         // [2I + 2GN + H], [D], or empty
  Vector dt_bias, a, d;             // [H], [H] negative, [I]
};

struct Dims {
  int64_t width, inner, states, heads, groups, taps;
  int64_t norm_groups;
  float dt_least = 0, dt_most = std::numeric_limits<float>::infinity();
  bool norm_before_gate = false;

  int64_t conv() const { return inner + 2 * groups * states; }
};

class Mamba2 final : public Mixer {
 public:
  Mamba2(Weights weights, const Dims& dims, size_t conv, size_t state, DType memory)
      : l_(std::move(weights)), n_(dims), conv_(conv), state_(state), memory_(memory) {}

  void apply(Pass& pass, Tensor x) override {
    Exec& be = pass.exec;
    const Rows& rows = pass.rows;
    const Frame frame(be);
    const auto row = [&](int64_t cols) { return be.scratch(x.rows, cols); };
    const Tensor h = row(n_.width), p = row(n_.inner + n_.conv() + n_.heads), y = row(n_.inner);
    be.norm_for(*l_.in, h, x, l_.norm.kind, &l_.norm.w, nullptr, l_.norm.eps, 1);
    be.linear(p, h, *l_.in, rows, {Act::none, &l_.in_bias, false});
    Exec::SsdMix mix;
    mix.o = y;
    mix.z = columns(p, 0, n_.inner);
    mix.x_bc = columns(p, n_.inner, n_.conv());
    mix.dt = columns(p, n_.inner + n_.conv(), n_.heads);
    mix.conv = &l_.conv;
    mix.conv_bias = &l_.conv_bias;
    mix.a = &l_.a;
    mix.dt_bias = &l_.dt_bias;
    mix.d = &l_.d;
    mix.w = l_.gated_norm.w.size() != 0 ? &l_.gated_norm.w : nullptr;
    mix.heads = n_.heads;
    mix.groups = n_.groups;
    mix.states = n_.states;
    mix.norm_groups = n_.norm_groups;
    mix.least = n_.dt_least;
    mix.most = n_.dt_most;
    mix.eps = l_.gated_norm.eps;
    mix.norm_before_gate = n_.norm_before_gate;
    mix.conv_state = conv_;
    mix.state = state_;
    mix.memory = memory_;
    mix.reader = l_.out.get();
    be.ssd_mix(mix, rows);
    be.linear(x, y, *l_.out, rows, {Act::none, &l_.out_bias, true});
  }

 private:
  Weights l_;
  Dims n_;
  size_t conv_, state_;
  DType memory_;
};

void add_layer(Network& net, Weights weights, const Dims& n, StateLayout& layout, int64_t layer) {
  const std::string name = "layers." + std::to_string(layer) + ".";
  const size_t conv = layout.add(name + "mamba2.conv", shape(n.taps - 1, n.conv()));
  const size_t state = layout.add(name + "mamba2.state", shape(n.heads, n.inner / n.heads, n.states));
  net.mixers.push_back(std::make_unique<Mamba2>(std::move(weights), n, conv, state, layout.memories()));
}

Network build_gguf(const ModelFile& file, Backend& be, StateLayout& layout) {
  Network net = read_gguf_frame(file, be);
  Dims n{};
  n.width = net.width;
  n.inner = file.integer("mamba2.ssm.inner_size", 1, kMostWidth);
  n.states = file.integer("mamba2.ssm.state_size", 1, kMostWidth);
  n.heads = file.integer("mamba2.ssm.time_step_rank", 1, kMostWidth);
  n.groups = n.norm_groups = file.integer("mamba2.ssm.group_count", 1, kMostWidth);
  n.taps = file.integer("mamba2.ssm.conv_kernel", 1, 64);
  n.dt_most = std::numeric_limits<float>::infinity();
  need_divisor(file, "mamba2.ssm.time_step_rank", n.heads, "mamba2.ssm.inner_size", n.inner);
  need_divisor(file, "mamba2.ssm.group_count", n.groups, "mamba2.ssm.time_step_rank", n.heads);
  for (int64_t i = 0; i < net.layers; ++i) {
    const Reader in(file, be, "blk." + std::to_string(i) + ".");
    Weights l;
    l.norm = in.rms("attn_norm.weight", n.width, net.output_norm.eps);
    l.in = in.matrix("ssm_in.weight", n.inner + n.conv() + n.heads, n.width);
    l.conv = in.transposed("ssm_conv1d.weight", n.conv(), n.taps);
    l.conv_bias = in.vector("ssm_conv1d.bias", n.conv());
    l.dt_bias = in.vector("ssm_dt.bias", n.heads);
    l.a = in.vector("ssm_a", n.heads);
    l.d = in.spread("ssm_d", n.heads, n.inner / n.heads);
    l.gated_norm = {
        Norm::rms, in.vector("ssm_norm.weight", shape(n.groups, n.inner / n.groups)), {}, net.output_norm.eps};
    l.out = in.matrix("ssm_out.weight", n.width, n.inner);
    add_layer(net, std::move(l), n, layout, i);
  }
  return net;
}

// fla's and transformers' mamba2: the same tensors, other options.
Network build_folder(const ModelFile& file, Backend& be, StateLayout& layout) {
  Options o(file);
  const bool fla = file.string("general.architecture") == "fla.mamba2";
  Network net = read_mamba_frame(o, file, be);
  Dims n{};
  n.width = net.width;
  n.heads = o.integer("num_heads", 1, kMostWidth);
  const int64_t head = o.integer("head_dim", 1, kMostWidth);
  n.inner = o.integer_or("expand", 2, 1, 64) * net.width;
  if (n.heads * head != n.inner) o.unsupported("num_heads", "expand * hidden_size / head_dim");
  o.repeat("intermediate_size", "expand", n.inner);
  n.states = o.integer("state_size", 1, kMostWidth);
  n.groups = o.integer_or("n_groups", 1, 1, kMostWidth);
  if (n.heads % n.groups != 0) o.unsupported("n_groups", "a divisor of num_heads");
  n.norm_groups = fla ? n.groups : 1;  // transformers norms the whole row
  n.taps = o.integer("conv_kernel", 1, 64);
  o.require("hidden_act", {"silu", "swish"});
  n.norm_before_gate = o.boolean_or("norm_before_gate", false) && fla;  // transformers has the key and never reads it
  const char* limit = fla ? "dt_limit" : "time_step_limit";
  n.dt_least = 0;
  n.dt_most = std::numeric_limits<float>::infinity();
  if (o.has(limit)) {
    const std::vector<double> limits = o.numbers(limit);
    if (limits.size() != 2 || !(limits[0] <= limits[1])) o.unsupported(limit, "two ascending numbers");
    n.dt_least = static_cast<float>(limits[0]);
    n.dt_most = static_cast<float>(limits[1]);
  }
  if (!fla) o.ignore("time_step_rank");  // transformers computes it from num_heads and never reads it here
  const bool per_value = o.boolean_or("D_has_hdim", false), conv_bias = o.boolean_or("use_conv_bias", true);
  const bool bias = o.boolean_or("use_bias", false), gated_norm = !fla || o.boolean_or("rmsnorm", true);
  for (int64_t i = 0; i < net.layers; ++i) {
    const Reader layer(file, be, "backbone.layers." + std::to_string(i) + "."), in = layer.under("mixer.");
    Weights l;
    l.norm = layer.rms("norm.weight", n.width, net.output_norm.eps);
    l.in = in.matrix("in_proj.weight", n.inner + n.conv() + n.heads, n.width);
    l.conv = in.convolutions({{"conv1d.weight", n.conv()}}, n.taps);
    l.conv_bias = in.bias(conv_bias, "conv1d.bias", n.conv());
    l.in_bias = in.bias(bias, "in_proj.bias", n.inner + n.conv() + n.heads);
    l.out_bias = in.bias(bias, "out_proj.bias", n.width);
    l.dt_bias = in.vector("dt_bias", n.heads);
    l.a = in.minus_exp("A_log", n.heads);
    l.d = per_value ? in.vector("D", n.inner) : in.spread("D", n.heads, head);
    if (gated_norm) l.gated_norm = {Norm::rms, in.vector("norm.weight", n.inner), {}, net.output_norm.eps};
    l.out = in.matrix("out_proj.weight", n.width, n.inner);
    add_layer(net, std::move(l), n, layout, i);
  }
  o.finish();
  return net;
}

}  // namespace

const Architecture kFlaMamba2{"fla.mamba2", build_folder}, kHfMamba2{"hf.mamba2", build_folder};
const Architecture kMamba2{"mamba2", build_gguf};

}  // namespace recurra
