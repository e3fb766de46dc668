// RWKV-7 from GGUF files, as llama.cpp converts and reads them. The group norm's epsilon is that of head size 64
// whatever the head size; kk's length is at least 1e-12.
#include "core/error.h"
#include "mixers/registry.h"
#include "mixers/rwkv7.h"

namespace recurra {
namespace {

// Names of one layer's tensors in a GGUF file, and the shapes they must have.
class LayerReader {
 public:
  LayerReader(const ModelFile& file, Backend& backend, int64_t layer, const Rwkv7Dims& dims)
      : file_(file), be_(backend), prefix_("blk." + std::to_string(layer) + "."), d_(dims) {}

  NormWeights norm(const char* name, float eps) const {
    return {Norm::layer, vector(std::string(name) + ".weight", d_.width), vector(std::string(name) + ".bias", d_.width),
            eps};
  }
  Vector vector(const std::string& name, int64_t n) const { return be_.vector(file_.tensor(prefix_ + name, shape(n))); }
  Vector mu(const std::string& name, int64_t n) const {
    return be_.vector(n == 1 ? file_.tensor(prefix_ + name, shape(d_.width))
                             : file_.tensor(prefix_ + name, shape(n, d_.width)));
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
  Rwkv7Dims d_;
};

TimeMixWeights read_time_mix(const LayerReader& in, const Rwkv7Dims& d, float eps, bool first) {
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
  Rwkv7Dims d{};
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
    net.mixers.push_back(make_time_mix(read_time_mix(in, d, eps, i == 0), d, i, layout));
    ChannelMixWeights c;
    c.norm = in.norm("attn_norm_2", eps);
    c.mu = in.mu("channel_mix_lerp_k.weight", 1);
    c.k = in.matrix("channel_mix_key.weight", d.hidden, d.width);
    c.v = in.matrix("channel_mix_value.weight", d.width, d.hidden);
    net.mixers.push_back(make_channel_mix(std::move(c), d, i, layout));
  }
  return net;
}

}  // namespace

const Architecture kRwkv7{"rwkv7", build_rwkv7};

}  // namespace recurra
