// Mamba (Gu, Dao 2023, arXiv:2312.00752). Per token, with I inner channels, N states a channel, R the rank of dt:
//     u, z     = split(in(norm(x)))                              [I], [I]
//     u        = silu(conv(u) + bias)                            depthwise, causal, over the last J tokens
//     dt, B, C = split(x_proj(u));  d = softplus(dt_proj dt + bias)
//     h_i      = exp(d_i A_i) h_i + d_i u_i B;   y_i = h_i . C + D_i u_i
//     x       += out(y * silu(z))
#include "mixers/mamba_frame.h"
#include "mixers/registry.h"

namespace recurra {
namespace {

struct Weights {
  NormWeights norm;
  std::unique_ptr<Matrix> in, x, out;  // [2I, D], [R + 2N, I], [D, I]
  std::unique_ptr<Matrix> dt;          // [I, R]
  Vector in_bias, out_bias;            // [2I], [D], or empty
  Vector dt_bias, conv, conv_bias;     // [I], [J, I], [I] or empty
  Vector a, d;                         // [N, I], negative; [I]
};

struct Dims {
  int64_t width, inner, states, rank, taps;
};

class Mamba final : public Mixer {
 public:
  Mamba(Weights weights, const Dims& dims, size_t conv, size_t state)
      : l_(std::move(weights)), n_(dims), conv_(conv), state_(state) {}

  void apply(Pass& pass, Tensor x) override {
    Exec& be = pass.exec;
    const Rows& rows = pass.rows;
    const Frame frame(be);
    const Tensor h = be.scratch(x.rows, n_.width), uz = be.scratch(x.rows, 2 * n_.inner);
    const Tensor u = be.scratch(x.rows, n_.inner), dt = be.scratch(x.rows, n_.inner), y = be.scratch(x.rows, n_.inner);
    const Tensor p = be.scratch(x.rows, n_.rank + 2 * n_.states), low = be.scratch(x.rows, n_.rank);
    be.norm_for(*l_.in, h, x, l_.norm.kind, &l_.norm.w, nullptr, l_.norm.eps, 1);
    be.linear(uz, h, *l_.in, rows, {Act::none, &l_.in_bias, false});
    be.short_conv(u, columns(uz, 0, n_.inner), l_.conv, &l_.conv_bias, Act::silu, rows, conv_);
    be.linear(p, u, *l_.x, rows, {});
    be.copy(low, columns(p, 0, n_.rank));
    be.linear(dt, low, *l_.dt, rows, {Act::none, &l_.dt_bias, false});
    be.selective_scan(
        {y, u, dt, columns(p, n_.rank, n_.states), columns(p, n_.rank + n_.states, n_.states), &l_.a, &l_.d, state_},
        rows);
    be.gate(y, y, columns(uz, n_.inner, n_.inner), Act::silu);
    be.linear(x, y, *l_.out, rows, {Act::none, &l_.out_bias, true});
  }

 private:
  Weights l_;
  Dims n_;
  size_t conv_, state_;
};

void add_layer(Network& net, Weights weights, const Dims& n, StateLayout& layout, int64_t layer) {
  const std::string name = "layers." + std::to_string(layer) + ".";
  const size_t conv = layout.add(name + "mamba.conv", shape(n.taps - 1, n.inner));
  const size_t state = layout.add(name + "mamba.state", shape(n.states, n.inner));
  net.mixers.push_back(std::make_unique<Mamba>(std::move(weights), n, conv, state));
}

Network build_gguf(const ModelFile& file, Backend& be, StateLayout& layout) {
  Network net = read_gguf_frame(file, be);
  Dims n{};
  n.width = net.width;
  n.inner = file.integer("mamba.ssm.inner_size", 1, kMostWidth);
  n.states = file.integer("mamba.ssm.state_size", 1, kMostWidth);
  n.rank = file.integer("mamba.ssm.time_step_rank", 1, kMostWidth);
  n.taps = file.integer("mamba.ssm.conv_kernel", 1, 64);
  for (int64_t i = 0; i < net.layers; ++i) {
    const Reader in(file, be, "blk." + std::to_string(i) + ".");
    Weights l;
    l.norm = in.rms("attn_norm.weight", n.width, net.output_norm.eps);
    l.in = in.matrix("ssm_in.weight", 2 * n.inner, n.width);
    l.conv = in.transposed("ssm_conv1d.weight", n.inner, n.taps);
    l.conv_bias = in.vector("ssm_conv1d.bias", n.inner);
    l.x = in.matrix("ssm_x.weight", n.rank + 2 * n.states, n.inner);
    l.dt = in.matrix("ssm_dt.weight", n.inner, n.rank);
    l.dt_bias = in.vector("ssm_dt.bias", n.inner);
    l.a = in.transposed("ssm_a", n.inner, n.states);
    l.d = in.vector("ssm_d", n.inner);
    l.out = in.matrix("ssm_out.weight", n.width, n.inner);
    add_layer(net, std::move(l), n, layout, i);
  }
  return net;
}

// fla's and transformers' mamba: the same tensors, other names for some options.
Network build_folder(const ModelFile& file, Backend& be, StateLayout& layout) {
  Options o(file);
  const bool fla = file.string("general.architecture") == "fla.mamba";
  Network net = read_mamba_frame(o, file, be);
  Dims n{};
  n.width = net.width;
  n.inner = o.integer_or("expand", 2, 1, 64) * net.width;
  n.inner = o.integer_or("intermediate_size", n.inner, 1, kMostWidth);
  o.repeat("d_inner", "intermediate_size", n.inner);
  n.states = o.integer("state_size", 1, kMostWidth);
  const char* rank = fla ? "dt_rank" : "time_step_rank";
  if (!o.has(rank) || file.text(rank) == "auto") {
    o.ignore(rank);
    n.rank = (net.width + 15) / 16;
  } else {
    n.rank = o.integer(rank, 1, kMostWidth);
  }
  n.taps = o.integer("conv_kernel", 1, 64);
  o.require("hidden_act", {"silu", "swish"});
  const bool bias = o.boolean_or("use_bias", false), conv_bias = o.boolean_or("use_conv_bias", true);
  for (int64_t i = 0; i < net.layers; ++i) {
    const Reader layer(file, be, "backbone.layers." + std::to_string(i) + "."), in = layer.under("mixer.");
    Weights l;
    l.norm = layer.rms("norm.weight", n.width, net.output_norm.eps);
    l.in = in.matrix("in_proj.weight", 2 * n.inner, n.width);
    l.conv = in.convolutions({{"conv1d.weight", n.inner}}, n.taps);
    l.conv_bias = in.bias(conv_bias, "conv1d.bias", n.inner);
    l.in_bias = in.bias(bias, "in_proj.bias", 2 * n.inner);
    l.out_bias = in.bias(bias, "out_proj.bias", n.width);
    l.x = in.matrix("x_proj.weight", n.rank + 2 * n.states, n.inner);
    l.dt = in.matrix("dt_proj.weight", n.inner, n.rank);
    l.dt_bias = in.vector("dt_proj.bias", n.inner);
    l.a = in.transposed_minus_exp("A_log", n.inner, n.states);
    l.d = in.vector("D", n.inner);
    l.out = in.matrix("out_proj.weight", n.width, n.inner);
    add_layer(net, std::move(l), n, layout, i);
  }
  o.finish();
  return net;
}

}  // namespace

const Architecture kFlaMamba{"fla.mamba", build_folder}, kHfMamba{"hf.mamba", build_folder};
const Architecture kMamba{"mamba", build_gguf};

}  // namespace recurra
