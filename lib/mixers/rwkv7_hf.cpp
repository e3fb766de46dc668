// RWKV-7 from the Hugging Face folders of flash-linear-attention (fla.models.rwkv7). What differs from GGUF's:
//     x = pre_norm(x) before layer 0, with norm_first: the embedding's norm by another name
//     kk = x / sqrt(|x|^2 + 1e-6) with fuse_norm, else x / max(|x|, 1e-12)
//     group norm with the epsilon head_dim * norm_eps
#include <algorithm>

#include "core/error.h"
#include "mixers/options.h"
#include "mixers/reader.h"
#include "mixers/registry.h"
#include "mixers/rwkv7.h"

namespace recurra {
namespace {

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
  d.width = o.integer("hidden_size", 1, kMostWidth);

  // head_dim decides, and num_heads only where that is null.
  d.head = 64;
  const int64_t heads = o.integer_or("num_heads", 0, 1, kMostWidth);
  if (o.is_null("head_dim") && heads != 0) {
    d.head = d.width / heads;
  } else {
    d.head = o.integer_or("head_dim", 64, 1, kMostWidth);
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

  const double ratio = o.number_or("hidden_ratio", 4, 0, static_cast<double>(kMostWidth));
  const auto grown =
      static_cast<int64_t>(std::min(static_cast<double>(d.width) * ratio, static_cast<double>(kMostWidth)));
  d.hidden = o.integer_or("intermediate_size", (grown + 31) / 32 * 32, 1, kMostWidth);
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
  c.w_rank = o.integer_or("decay_low_rank_dim", 0, 1, kMostWidth);
  c.a_rank = o.integer_or("a_low_rank_dim", 0, 1, kMostWidth);
  c.v_rank = o.integer_or("v_low_rank_dim", 0, 1, kMostWidth);
  c.g_rank = o.integer_or("gate_low_rank_dim", 0, 1, kMostWidth);
  o.refuse("attn");  // layers of softmax attention between the others
  o.finish();
  return c;
}

NormWeights read_norm(const Reader& in, const std::string& name, const Config& c) {
  return {Norm::layer, in.vector(name + ".weight", c.dims.width),
          c.norm_bias ? in.vector(name + ".bias", c.dims.width) : Vector(), static_cast<float>(c.norm_eps)};
}

// lora.0, the activation, lora.2.
LowRank read_low_rank(const Reader& in, Act act, bool bias, int64_t rank, int64_t width) {
  if (rank == 0) rank = in.has("lora.0.weight") ? std::max<int64_t>(in.view("lora.0.weight").shape.dim[0], 1) : 1;
  LowRank l;
  l.a = in.matrix("lora.0.weight", rank, width);
  l.b = in.matrix("lora.2.weight", width, rank);
  l.act = act;
  if (bias) l.bias = in.vector("lora.2.bias", width);
  return l;
}

// The six lerps, one after the other; the first versions of fla kept them so.
Vector read_lerps(const Reader& in, int64_t width) {
  if (in.has("x_x")) return in.vector("x_x", shape(6, width));
  std::vector<float> mu;
  for (const char* name : {"x_r", "x_w", "x_k", "x_v", "x_a", "x_g"}) {
    const std::vector<float> one = in.values(name, shape(width));
    mu.insert(mu.end(), one.begin(), one.end());
  }
  return in.upload(mu);
}

TimeMixWeights read_time_mix(const Reader& layer, const Config& c, bool first) {
  const Reader in = layer.under("attn.");
  const int64_t width = c.dims.width;
  TimeMixWeights l;
  l.norm = read_norm(layer, "attn_norm", c);
  l.mu = read_lerps(in, width);
  l.r = in.matrix("r_proj.weight", width, width);
  l.k = in.matrix("k_proj.weight", width, width);
  l.v = in.matrix("v_proj.weight", width, width);
  l.o = in.matrix("o_proj.weight", width, width);
  l.w = read_low_rank(in.under("w_lora."), Act::tanh, true, c.w_rank, width);
  l.a = read_low_rank(in.under("a_lora."), Act::none, true, c.a_rank, width);
  l.g = read_low_rank(in.under("g_lora."), Act::sigmoid, false, c.g_rank, width);
  if (!first) l.residual = read_low_rank(in.under("v_lora."), Act::none, true, c.v_rank, width);
  l.k_k = in.vector("k_k", width);
  l.k_a = in.vector("k_a", width);
  l.r_k = in.vector("r_k", shape(c.dims.heads, c.dims.head));
  l.ln_w = in.vector("g_norm.weight", width);
  l.ln_b = in.vector("g_norm.bias", width);
  l.group_eps = static_cast<float>(static_cast<double>(c.dims.head) * c.norm_eps);
  l.key_eps = c.fuse_norm ? 1e-6f : 0.0f;
  return l;
}

Network build(const ModelFile& file, Backend& be, StateLayout& layout) {
  const Config c = read_config(file);
  const Rwkv7Dims& d = c.dims;
  const Reader root(file, be, ""), model = root.under("model.");
  Network net;
  net.width = d.width;
  net.layers = c.layers;
  net.vocabulary = c.vocab_size;
  net.embedding = model.matrix("embeddings.weight", c.vocab_size, d.width);
  if (c.norm_first) net.embedding_norm = read_norm(model, "layers.0.pre_norm", c);
  net.output_norm = read_norm(model, "norm", c);
  if (!c.tied) net.head = root.matrix("lm_head.weight", c.vocab_size, d.width);
  net.shares_first_value = true;
  for (int64_t i = 0; i < c.layers; ++i) {
    const Reader in = model.under("layers." + std::to_string(i) + ".");
    net.mixers.push_back(make_time_mix(read_time_mix(in, c, i == 0), d, i, layout));
    ChannelMixWeights ffn;
    ffn.norm = read_norm(in, "ffn_norm", c);
    ffn.mu = in.vector("ffn.x_k", d.width);
    ffn.k = in.matrix("ffn.key.weight", d.hidden, d.width);
    ffn.v = in.matrix("ffn.value.weight", d.width, d.hidden, c.act == Act::relu2 ? Inputs::mostly_zero : Inputs::any);
    ffn.act = c.act;
    net.mixers.push_back(make_channel_mix(std::move(ffn), d, i, layout));
  }
  return net;
}

}  // namespace

const Architecture kFlaRwkv7{"fla.rwkv7", build};

}  // namespace recurra
