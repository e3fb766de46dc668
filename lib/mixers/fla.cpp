#include "mixers/fla.h"

#include <algorithm>
#include <cmath>

#include "mixers/registry.h"

namespace recurra {
namespace {

// Of fla's transformer and of `attn` in its hybrids.
AttentionShape attention_shape(Options& o, const std::string& prefix, int64_t width) {
  AttentionShape s;
  s.heads = o.integer(prefix + "num_heads", 1, kMostWidth);
  s.kv_heads = o.integer_or(prefix + "num_kv_heads", s.heads, 1, kMostWidth);
  if (width % s.heads != 0) o.unsupported(prefix + "num_heads", "a divisor of hidden_size");
  if (s.heads % s.kv_heads != 0) o.unsupported(prefix + "num_kv_heads", "a divisor of num_heads");
  s.width = s.rotated = width / s.heads;
  if (s.width % 2 != 0) o.unsupported(prefix + "num_heads", "heads of an even width");
  s.base = static_cast<float>(o.number_or(prefix + "rope_theta", 10000, 1, 1e12));
  s.window = o.integer_or(prefix + "window_size", 0, 0, int64_t{1} << 40);
  return s;
}

}  // namespace

bool FlaAttention::has(int64_t layer) const { return std::find(layers.begin(), layers.end(), layer) != layers.end(); }

Act act_of(Options& o, const std::string& key) {
  const std::string name = o.string_or(key, "swish");
  if (name == "swish" || name == "silu") return Act::silu;
  if (name == "relu") return Act::relu;
  if (name == "sigmoid") return Act::sigmoid;
  o.unsupported(key, "swish, silu, relu or sigmoid");
}

FlaFrame read_fla_frame(Options& o, const ModelFile& file, Backend& be) {
  FlaFrame f;
  const Reader in(file, be, "");
  f.net.width = o.integer("hidden_size", 1, kMostWidth);
  f.net.layers = o.integer("num_hidden_layers", 1, 4096);
  f.net.vocabulary = o.integer("vocab_size", 1, int64_t{1} << 30);
  f.eps = static_cast<float>(o.number_or("norm_eps", 1e-6, 0, 1));
  f.mlp_act = act_of(o, "hidden_act");
  const int64_t ratio = o.integer_or("hidden_ratio", 4, 1, 1024);
  const int64_t derived = (static_cast<int64_t>(static_cast<double>(f.net.width * ratio) * 2 / 3) + 255) / 256 * 256;
  f.hidden = o.integer_or("intermediate_size", derived, 1, kMostWidth);
  o.require("elementwise_affine", true);
  o.refuse("attnres_block_size");
  // Of earlier versions.
  for (const char* key : {"norm_first", "use_rope", "share_conv_kernel", "use_elu", "attention_bias"})
    o.require(key, false);
  f.net.embedding = in.matrix("model.embeddings.weight", f.net.vocabulary, f.net.width);
  f.net.output_norm = in.rms("model.norm.weight", f.net.width, f.eps);
  if (!o.boolean_or("tie_word_embeddings", false))
    f.net.head = in.matrix("lm_head.weight", f.net.vocabulary, f.net.width);
  if (o.has("attn.layers")) {
    f.attn.layers = o.integers("attn.layers");
    for (const int64_t layer : f.attn.layers)
      if (layer < 0 || layer >= f.net.layers)
        o.unsupported("attn.layers", "layers 0 to " + std::to_string(f.net.layers - 1));
    f.attn.shape = attention_shape(o, "attn.", f.net.width);
    f.attn.qkv_bias = o.boolean_or("attn.qkv_bias", false);
    f.attn.qk_norm = o.boolean_or("attn.qk_norm", false);
  } else {
    o.refuse("attn");
  }
  return f;
}

MlpWeights read_mlp(const Reader& in, NormWeights norm, int64_t width, int64_t hidden, Act act, bool bias) {
  MlpWeights m;
  m.norm = std::move(norm);
  m.gate = in.matrix("gate_proj.weight", hidden, width);
  m.up = in.matrix("up_proj.weight", hidden, width);
  m.down = in.matrix("down_proj.weight", width, hidden);
  m.gate_bias = in.bias(bias, "gate_proj.bias", hidden);
  m.up_bias = in.bias(bias, "up_proj.bias", hidden);
  m.down_bias = in.bias(bias, "down_proj.bias", width);
  m.act = act;
  return m;
}

AttentionWeights read_attention(const Reader& in, NormWeights norm, int64_t width, const AttentionShape& n,
                                bool qkv_bias, bool o_bias) {
  AttentionWeights a;
  const int64_t values = n.heads * n.width, q = n.gated ? 2 * values : values, kv = n.kv_heads * n.width;
  a.norm = std::move(norm);
  a.q = in.matrix("q_proj.weight", q, width);
  a.k = in.matrix("k_proj.weight", kv, width);
  a.v = in.matrix("v_proj.weight", kv, width);
  a.o = in.matrix("o_proj.weight", width, values);
  a.q_bias = in.bias(qkv_bias, "q_proj.bias", q);
  a.k_bias = in.bias(qkv_bias, "k_proj.bias", kv);
  a.v_bias = in.bias(qkv_bias, "v_proj.bias", kv);
  a.o_bias = in.bias(o_bias, "o_proj.bias", width);
  return a;
}

namespace {

std::unique_ptr<Mixer> fla_attention(const Reader& in, NormWeights norm, int64_t width, const FlaAttention& attn,
                                     StateLayout& layout) {
  const AttentionShape& n = attn.shape;
  AttentionWeights a = read_attention(in, std::move(norm), width, n, attn.qkv_bias, false);
  if (attn.qk_norm) {
    a.q_norm = in.tiled("q_norm.weight", n.width, n.heads);
    a.k_norm = in.tiled("k_norm.weight", n.width, n.kv_heads);
    a.qk_eps = 1e-5f;  // fla's RMSNorm default, whatever norm_eps says
  }
  return make_attention(std::move(a), n, layout);
}

}  // namespace

Network finish_fla(FlaFrame f, const Options& o, const ModelFile& file, Backend& be, StateLayout& layout,
                   const FlaMixer& mixer) {
  for (int64_t i = 0; i < f.net.layers; ++i) {
    const Reader in(file, be, "model.layers." + std::to_string(i) + ".");
    NormWeights norm = in.rms("attn_norm.weight", f.net.width, f.eps);
    f.net.mixers.push_back(f.attn.has(i)
                               ? fla_attention(in.under("attn."), std::move(norm), f.net.width, f.attn, layout)
                               : mixer(i, in, std::move(norm)));
    f.net.mixers.push_back(make_mlp(read_mlp(in.under("mlp."), in.rms("mlp_norm.weight", f.net.width, f.eps),
                                             f.net.width, f.hidden, f.mlp_act, false)));
  }
  o.finish();
  return std::move(f.net);
}

namespace {

// fla's transformer is a frame whose every layer is attention.
Network build_transformer(const ModelFile& file, Backend& be, StateLayout& layout) {
  Options o(file);
  FlaFrame f = read_fla_frame(o, file, be);
  FlaAttention attn;
  attn.shape = attention_shape(o, "", f.net.width);
  attn.qkv_bias = o.boolean_or("qkv_bias", false);
  attn.qk_norm = o.boolean_or("qk_norm", false);
  const int64_t width = f.net.width;
  return finish_fla(std::move(f), o, file, be, layout, [&](int64_t, const Reader& in, NormWeights norm) {
    return fla_attention(in.under("attn."), std::move(norm), width, attn, layout);
  });
}

}  // namespace

const Architecture kFlaTransformer{"fla.transformer", build_transformer};

}  // namespace recurra
