// RWKV-7 from the Hugging Face folders of flash-linear-attention (fla.models.rwkv7). What differs from GGUF's:
//     x = pre_norm(x) before layer 0, with norm_first: the embedding's norm by another name
//     kk = x / sqrt(|x|^2 + 1e-6) with fuse_norm, else x / max(|x|, 1e-12)
//     group norm with the epsilon head_dim * norm_eps
#include <algorithm>

#include "backend/dequantize.h"
#include "core/error.h"
#include "mixers/options.h"
#include "mixers/registry.h"
#include "mixers/rwkv7.h"

namespace recurra {
namespace {

constexpr int64_t kMost = int64_t{1} << 20;

// What config.json says; names are its own.
struct Config {
  Rwkv7Dims dims{};
  int64_t layers = 0, vocab_size = 0;
  double norm_eps = 0;
  bool norm_first = true, norm_bias = true, fuse_norm = true, tied = false;
  Act act = Act::relu2;
  int64_t w_rank = 0, a_rank = 0, v_rank = 0, g_rank = 0;  // 0: as the tensors have it
};

// Its defaults where a key is missing are those of RWKV7Config; what every configuration has must be there.
Config read_config(const ModelFile& file) {
  Options o(file);
  Config c;
  Rwkv7Dims& d = c.dims;
  const char* name = file.name().c_str();
  c.layers = o.integer("num_hidden_layers", 1, 4096);
  c.vocab_size = o.integer("vocab_size", 1, int64_t{1} << 30);
  d.width = o.integer("hidden_size", 1, kMost);

  // head_dim decides, and num_heads only where that is null.
  d.head = 64;
  const int64_t heads = o.integer_or("num_heads", 0, 1, kMost);
  if (o.is_null("head_dim") && heads != 0) {
    d.head = d.width / heads;
  } else {
    d.head = o.integer_or("head_dim", 64, 1, kMost);
  }
  if (d.head == 0 || d.width % d.head != 0) {
    fail(Code::format, "%s: config.json: a head of width %lld, expected a divisor of hidden_size, %lld", name,
         static_cast<long long>(d.head), static_cast<long long>(d.width));
  }
  d.heads = d.width / d.head;
  if (o.has("value_dim")) {  // one for all layers, or a list
    const std::vector<int64_t> widths = o.integers("value_dim");
    bool same = widths.size() == 1 || widths.size() == static_cast<size_t>(c.layers);
    for (const int64_t v : widths) same = same && v == d.width;
    if (!same) o.unsupported("value_dim", "hidden_size, " + std::to_string(d.width));
  }

  const double ratio = o.number_or("hidden_ratio", 4, 0, static_cast<double>(kMost));
  const auto grown = static_cast<int64_t>(std::min(static_cast<double>(d.width) * ratio, static_cast<double>(kMost)));
  d.hidden = o.integer_or("intermediate_size", (grown + 31) / 32 * 32, 1, kMost);
  if (d.hidden == 0) o.unsupported("hidden_ratio", "more than 0");

  const std::string act = o.string_or("hidden_act", "sqrelu");
  if (act == "sqrelu") {
    c.act = Act::relu2;
  } else if (act == "silu" || act == "swish") {
    c.act = Act::silu;
  } else if (act == "sigmoid") {
    c.act = Act::sigmoid;
  } else {
    o.unsupported("hidden_act", "sqrelu, silu, swish or sigmoid");
  }
  c.norm_eps = o.number_or("norm_eps", 1e-5, 0, 1);
  c.norm_first = o.boolean_or("norm_first", true);
  c.norm_bias = o.boolean_or("norm_bias", true);
  c.fuse_norm = o.boolean_or("fuse_norm", true);
  c.tied = o.boolean_or("tie_word_embeddings", false);
  c.w_rank = o.integer_or("decay_low_rank_dim", 0, 1, kMost);
  c.a_rank = o.integer_or("a_low_rank_dim", 0, 1, kMost);
  c.v_rank = o.integer_or("v_low_rank_dim", 0, 1, kMost);
  c.g_rank = o.integer_or("gate_low_rank_dim", 0, 1, kMost);
  o.refuse("attn");  // layers of softmax attention between the others
  o.finish();
  return c;
}

// Names of the tensors below `prefix`, and the shapes they must have.
class Reader {
 public:
  Reader(const ModelFile& file, Backend& backend, std::string prefix, const Config& config)
      : file_(file), be_(backend), prefix_(std::move(prefix)), c_(config), width_(config.dims.width) {}

  Vector vector(const std::string& name) const { return vector(name, shape(width_)); }
  Vector vector(const std::string& name, const Shape& expected) const {
    return be_.vector(file_.tensor(prefix_ + name, expected));
  }
  std::unique_ptr<Matrix> matrix(const std::string& name, int64_t out, int64_t in) const {
    return be_.matrix(file_.tensor(prefix_ + name + ".weight", shape(out, in)));
  }
  NormWeights norm(const std::string& name) const {
    return {Norm::layer, vector(name + ".weight"), c_.norm_bias ? vector(name + ".bias") : Vector(),
            static_cast<float>(c_.norm_eps)};
  }

  // lora.0, the activation, lora.2.
  LowRank low_rank(const std::string& name, Act act, bool bias, int64_t rank) const {
    const std::string first = name + ".lora.0", second = name + ".lora.2";
    const TensorView* found = file_.find(prefix_ + first + ".weight");
    if (rank == 0) rank = found != nullptr ? std::max<int64_t>(found->shape.dim[0], 1) : 1;
    LowRank l;
    l.a = matrix(first, rank, width_);
    l.b = matrix(second, width_, rank);
    l.act = act;
    if (bias) l.bias = vector(second + ".bias");
    return l;
  }

  // The six lerps, one after the other; the first versions of fla kept them so.
  Vector lerps() const {
    if (file_.find(prefix_ + "attn.x_x") != nullptr)
      return be_.vector(file_.tensor(prefix_ + "attn.x_x", shape(6, width_)));
    std::vector<float> mu(static_cast<size_t>(6 * width_));
    float* out = mu.data();
    for (const char* name : {"attn.x_r", "attn.x_w", "attn.x_k", "attn.x_v", "attn.x_a", "attn.x_g"}) {
      const TensorView& t = file_.tensor(prefix_ + name, shape(width_));
      dequantize(out, t.type, t.data, width_);
      out += width_;
    }
    return be_.vector(mu.data(), 6 * width_);
  }

 private:
  const ModelFile& file_;
  Backend& be_;
  std::string prefix_;
  const Config& c_;
  int64_t width_;
};

TimeMixWeights read_time_mix(const Reader& in, const Config& c, bool first) {
  const int64_t width = c.dims.width;
  TimeMixWeights l;
  l.norm = in.norm("attn_norm");
  l.mu = in.lerps();
  l.r = in.matrix("attn.r_proj", width, width);
  l.k = in.matrix("attn.k_proj", width, width);
  l.v = in.matrix("attn.v_proj", width, width);
  l.o = in.matrix("attn.o_proj", width, width);
  l.w = in.low_rank("attn.w_lora", Act::tanh, true, c.w_rank);
  l.a = in.low_rank("attn.a_lora", Act::none, true, c.a_rank);
  l.g = in.low_rank("attn.g_lora", Act::sigmoid, false, c.g_rank);
  if (!first) l.residual = in.low_rank("attn.v_lora", Act::none, true, c.v_rank);
  l.k_k = in.vector("attn.k_k");
  l.k_a = in.vector("attn.k_a");
  l.r_k = in.vector("attn.r_k", shape(c.dims.heads, c.dims.head));
  l.ln_w = in.vector("attn.g_norm.weight");
  l.ln_b = in.vector("attn.g_norm.bias");
  l.group_eps = static_cast<float>(static_cast<double>(c.dims.head) * c.norm_eps);
  l.key_eps = c.fuse_norm ? 1e-6f : 0.0f;
  return l;
}

Network build(const ModelFile& file, Backend& be, StateLayout& layout) {
  const Config c = read_config(file);
  const Rwkv7Dims& d = c.dims;
  const Reader model(file, be, "model.", c);
  Network net;
  net.width = d.width;
  net.layers = c.layers;
  net.vocabulary = c.vocab_size;
  net.embedding = model.matrix("embeddings", c.vocab_size, d.width);
  if (c.norm_first) net.embedding_norm = model.norm("layers.0.pre_norm");
  net.output_norm = model.norm("norm");
  if (!c.tied) net.head = Reader(file, be, "", c).matrix("lm_head", c.vocab_size, d.width);
  net.shares_first_value = true;
  for (int64_t i = 0; i < c.layers; ++i) {
    const Reader in(file, be, "model.layers." + std::to_string(i) + ".", c);
    net.mixers.push_back(make_time_mix(read_time_mix(in, c, i == 0), d, i, layout));
    ChannelMixWeights ffn;
    ffn.norm = in.norm("ffn_norm");
    ffn.mu = in.vector("ffn.x_k");
    ffn.k = in.matrix("ffn.key", d.hidden, d.width);
    ffn.v = in.matrix("ffn.value", d.width, d.hidden);
    ffn.act = c.act;
    net.mixers.push_back(make_channel_mix(std::move(ffn), d, i, layout));
  }
  return net;
}

}  // namespace

const Architecture kFlaRwkv7{"fla.rwkv7", build};

}  // namespace recurra
