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
#include <cmath>

#include "core/error.h"
#include "mixers/registry.h"

namespace recurra {
namespace {

struct TimeMixWeights {
  NormWeights norm;
  Vector mu;  // [6, D]: r, w, k, v, a, g
  std::unique_ptr<Matrix> r, k, v, o;
  LowRank w, a, g, residual;  // residual: of v, in all layers but the first
  Vector k_k, k_a, r_k, ln_w, ln_b;
};

struct Dims {
  int64_t width, hidden, heads, head;  // head: K = V
};

class TimeMix final : public Mixer {
 public:
  TimeMix(TimeMixWeights weights, const Dims& dims, bool first, size_t shift, size_t state)
      : l_(std::move(weights)), d_(dims), first_(first), shift_(shift), state_(state) {}

  void apply(Pass& pass, Tensor x) override {
    Exec& be = pass.exec;
    const Rows& rows = pass.rows;
    const Frame frame(be);
    const auto row = [&] { return be.scratch(x.rows, d_.width); };
    const Tensor h = row();
    be.norm(h, x, l_.norm.kind, &l_.norm.w, &l_.norm.b, l_.norm.eps, 1);
    const Tensor xr = row(), xw = row(), xk = row(), xv = row(), xa = row(), xg = row();
    const Tensor mixed[] = {xr, xw, xk, xv, xa, xg};
    be.shift_lerp({mixed, 6}, h, l_.mu, rows, shift_);

    const Tensor r = row(), k = row(), v = first_ ? pass.v_first : row(), w = row(), a = row(), g = row();
    be.linear(r, xr, *l_.r, rows, {});
    be.linear(k, xk, *l_.k, rows, {});
    be.linear(v, xv, *l_.v, rows, {});
    be.low_rank(w, xw, l_.w, rows);
    be.low_rank(a, xa, l_.a, rows);
    be.low_rank(g, xg, l_.g, rows);
    const Tensor kk = xr, b = xw, o = xk;  // the lerps are used up: their memory serves again
    if (!first_) {
      be.low_rank(b, xv, l_.residual, rows);
      be.value_residual(v, pass.v_first, b);
    }
    be.delta_inputs({w, a, k, kk, b, &l_.k_k, &l_.k_a, d_.heads, 0.0f});
    Scan scan;
    scan.decay = Decay::vector;
    scan.erase = true;
    scan.heads = d_.heads;
    scan.key = scan.value = d_.head;
    scan.o = o;
    scan.r = r;
    scan.log_w = w;
    scan.k = k;
    scan.v = v;
    scan.a = kk;
    scan.b = b;
    scan.state = state_;
    be.scan(scan, rows);
    be.norm(o, o, Norm::group, &l_.ln_w, &l_.ln_b, 64e-5f, d_.heads);
    be.bonus_gate({o, o, r, k, v, g, &l_.r_k, d_.heads});
    be.linear(x, o, *l_.o, rows, {Act::none, nullptr, true});
  }

 private:
  TimeMixWeights l_;
  Dims d_;
  bool first_;
  size_t shift_, state_;
};

struct ChannelMixWeights {
  NormWeights norm;
  Vector mu;                     // [D]
  std::unique_ptr<Matrix> k, v;  // [F, D], [D, F]
};

class ChannelMix final : public Mixer {
 public:
  ChannelMix(ChannelMixWeights weights, const Dims& dims, size_t shift)
      : l_(std::move(weights)), d_(dims), shift_(shift) {}

  void apply(Pass& pass, Tensor x) override {
    Exec& be = pass.exec;
    const Frame frame(be);
    const Tensor h = be.scratch(x.rows, d_.width), xk = be.scratch(x.rows, d_.width);
    const Tensor hidden = be.scratch(x.rows, d_.hidden);
    be.norm(h, x, l_.norm.kind, &l_.norm.w, &l_.norm.b, l_.norm.eps, 1);
    be.shift_lerp({&xk, 1}, h, l_.mu, pass.rows, shift_);
    be.linear(hidden, xk, *l_.k, pass.rows, {Act::relu2, nullptr, false});
    be.linear(x, hidden, *l_.v, pass.rows, {Act::none, nullptr, true});
  }

 private:
  ChannelMixWeights l_;
  Dims d_;
  size_t shift_;
};

// Names of one layer's tensors in a GGUF file, and the shapes they must have.
class LayerReader {
 public:
  LayerReader(const ModelFile& file, Backend& backend, int64_t layer, const Dims& dims)
      : file_(file), be_(backend), prefix_("blk." + std::to_string(layer) + "."), d_(dims) {}

  NormWeights norm(const char* name, float eps) const {
    return {Norm::layer, vector(std::string(name) + ".weight", d_.width), vector(std::string(name) + ".bias", d_.width), eps};
  }
  Vector vector(const std::string& name, int64_t n) const { return be_.vector(file_.tensor(prefix_ + name, shape(n))); }
  Vector mu(const std::string& name, int64_t n) const {
    return be_.vector(n == 1 ? file_.tensor(prefix_ + name, shape(d_.width)) : file_.tensor(prefix_ + name, shape(n, d_.width)));
  }
  std::unique_ptr<Matrix> matrix(const std::string& name, int64_t out, int64_t in) const {
    return be_.matrix(file_.tensor(prefix_ + name, shape(out, in)));
  }
  // The rank is the file's: a matrix [rank, D] and one [D, rank].
  LowRank low_rank(const std::string& name, Act act, bool bias) const {
    const std::string a = prefix_ + "time_mix_" + name + "1.weight";
    const TensorView* first = file_.find(a);
    if (first == nullptr) fail(Code::format, "%s: tensor '%s' is missing", file_.name().c_str(), a.c_str());
    const int64_t rank = first->shape.dim[0];
    LowRank l;
    l.a = matrix("time_mix_" + name + "1.weight", rank, d_.width);
    l.b = matrix("time_mix_" + name + "2.weight", d_.width, rank);
    l.act = act;
    if (bias) l.bias = vector("time_mix_" + name + "0.weight", d_.width);
    return l;
  }

 private:
  const ModelFile& file_;
  Backend& be_;
  std::string prefix_;
  Dims d_;
};

TimeMixWeights read_time_mix(const LayerReader& in, const Dims& d, float eps, bool first) {
  TimeMixWeights l;
  l.norm = in.norm("attn_norm", eps);
  l.mu = in.mu("time_mix_lerp_fused.weight", 6);
  l.r = in.matrix("time_mix_receptance.weight", d.width, d.width);
  l.k = in.matrix("time_mix_key.weight", d.width, d.width);
  l.v = in.matrix("time_mix_value.weight", d.width, d.width);
  l.o = in.matrix("time_mix_output.weight", d.width, d.width);
  l.w = in.low_rank("w", Act::tanh, true);
  l.a = in.low_rank("a", Act::none, true);
  l.g = in.low_rank("g", Act::sigmoid, false);
  if (!first) l.residual = in.low_rank("v", Act::none, true);
  l.k_k = in.vector("time_mix_k_k.weight", d.width);
  l.k_a = in.vector("time_mix_k_a.weight", d.width);
  l.r_k = in.vector("time_mix_r_k.weight", d.width);
  l.ln_w = in.vector("time_mix_ln.weight", d.width);
  l.ln_b = in.vector("time_mix_ln.bias", d.width);
  return l;
}

Network build_rwkv7(const ModelFile& file, Backend& be, StateLayout& layout) {
  constexpr int64_t kMost = int64_t{1} << 20;
  const int64_t layers = file.integer("rwkv7.block_count", 1, 4096);
  Dims d{};
  d.width = file.integer("rwkv7.embedding_length", 1, kMost);
  d.hidden = file.integer("rwkv7.feed_forward_length", 1, kMost);
  d.head = file.integer("rwkv7.wkv.head_size", 1, kMost);
  if (d.width % d.head != 0)
    fail(Code::format, "%s: rwkv7.wkv.head_size is %lld, expected a divisor of rwkv7.embedding_length, %lld",
         file.name().c_str(), static_cast<long long>(d.head), static_cast<long long>(d.width));
  d.heads = d.width / d.head;
  const float eps = static_cast<float>(file.number_or("rwkv7.attention.layer_norm_epsilon", 1e-5));

  const TensorView* embedding = file.find("token_embd.weight");
  if (embedding == nullptr) fail(Code::format, "%s: tensor 'token_embd.weight' is missing", file.name().c_str());
  Network net;
  net.width = d.width;
  net.layers = layers;
  net.vocabulary = embedding->shape.dim[0];
  net.embedding = be.matrix(file.tensor("token_embd.weight", shape(net.vocabulary, d.width)));
  const auto norm = [&](const std::string& name) {
    return NormWeights{Norm::layer, be.vector(file.tensor(name + ".weight", shape(d.width))),
                       be.vector(file.tensor(name + ".bias", shape(d.width))), eps};
  };
  net.embedding_norm = norm("token_embd_norm");
  net.output_norm = norm("output_norm");
  if (file.find("output.weight") != nullptr)
    net.head = be.matrix(file.tensor("output.weight", shape(net.vocabulary, d.width)));
  net.shares_first_value = true;

  for (int64_t i = 0; i < layers; ++i) {
    const LayerReader in(file, be, i, d);
    const std::string name = "layers." + std::to_string(i) + ".";
    const size_t att_shift = layout.add(name + "time_mix.shift", shape(d.width));
    const size_t state = layout.add(name + "time_mix.state", shape(d.heads, d.head, d.head));
    const size_t ffn_shift = layout.add(name + "channel_mix.shift", shape(d.width));
    net.mixers.push_back(std::make_unique<TimeMix>(read_time_mix(in, d, eps, i == 0), d, i == 0, att_shift, state));
    ChannelMixWeights c;
    c.norm = in.norm("attn_norm_2", eps);
    c.mu = in.mu("channel_mix_lerp_k.weight", 1);
    c.k = in.matrix("channel_mix_key.weight", d.hidden, d.width);
    c.v = in.matrix("channel_mix_value.weight", d.width, d.hidden);
    net.mixers.push_back(std::make_unique<ChannelMix>(std::move(c), d, ffn_shift));
  }
  return net;
}

}  // namespace

const Architecture kRwkv7{"rwkv7", build_rwkv7};

}  // namespace recurra
