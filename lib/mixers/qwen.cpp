// Qwen 3.5 and Qwen 3 Next (dense): gated DeltaNet in most layers, softmax attention with a gate in every few, and a
// gated MLP after each. Their state is the fixed matrices and a cache of keys and values for the attention layers.
#include "core/error.h"
#include "mixers/fla.h"
#include "mixers/gated_deltanet.h"
#include "mixers/registry.h"

namespace recurra {
namespace {

// GGUF: layer i is attention where (i + 1) % full_attention_interval == 0. Norm weights have their 1 added.
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
    MlpWeights m;
    m.norm = in.rms("post_attention_norm.weight", net.width, eps);
    m.gate = in.matrix("ffn_gate.weight", hidden, net.width);
    m.up = in.matrix("ffn_up.weight", hidden, net.width);
    m.down = in.matrix("ffn_down.weight", net.width, hidden);
    net.mixers.push_back(make_mlp(std::move(m)));
  }
  return net;
}

// What config.json says. `next`: Qwen 3 Next, which has layers of experts where its keys ask for them.
struct Config {
  int64_t width, layers, vocabulary, hidden;
  float eps;
  bool tied, attention_bias;
  std::vector<bool> attention;  // per layer
  GatedDeltaNetShape delta;
  AttentionShape softmax;
};

std::vector<bool> attention_layers(Options& o, int64_t layers) {
  std::vector<bool> out;
  if (!o.has("layer_types")) {
    const int64_t interval = o.integer_or("full_attention_interval", 4, 1, 4096);
    for (int64_t i = 0; i < layers; ++i) out.push_back((i + 1) % interval == 0);
    return out;
  }
  o.ignore("full_attention_interval");  // layer_types says it for each layer
  for (const std::string_view type : o.strings("layer_types")) {
    if (type != "linear_attention" && type != "full_attention")
      o.unsupported("layer_types", "linear_attention or full_attention for each layer");
    out.push_back(type == "full_attention");
  }
  if (static_cast<int64_t>(out.size()) != layers)
    o.unsupported("layer_types", std::to_string(layers) + " layers, as num_hidden_layers says");
  return out;
}

// Every layer must have the dense MLP: experts come in each decoder_sparse_step-th layer that mlp_only_layers does not
// list.
void refuse_experts(Options& o, int64_t layers) {
  const int64_t experts = o.integer_or("num_experts", 512, 0, kMostWidth),
                step = o.integer_or("decoder_sparse_step", 1, 1, 4096);
  const std::vector<int64_t> dense = o.has("mlp_only_layers") ? o.integers("mlp_only_layers") : std::vector<int64_t>();
  for (int64_t i = 0; experts > 0 && i < layers; ++i) {
    bool listed = false;
    for (const int64_t d : dense) listed = listed || d == i;
    if (!listed && (i + 1) % step == 0) o.unsupported("num_experts", "0 or no layer of experts");
  }
  // Of experts, of which there are none.
  for (const char* key : {"mlp_only_layers", "num_experts_per_tok", "moe_intermediate_size",
                          "shared_expert_intermediate_size", "norm_topk_prob", "output_router_logits"})
    o.ignore(key);
}

Config read_config(const ModelFile& file, bool next) {
  Options o(file);
  Config c{};
  c.width = o.integer("hidden_size", 1, kMostWidth);
  c.layers = o.integer("num_hidden_layers", 1, 4096);
  c.vocabulary = o.integer("vocab_size", 1, int64_t{1} << 30);
  c.hidden = o.integer("intermediate_size", 1, kMostWidth);
  c.eps = static_cast<float>(o.number_or("rms_norm_eps", 1e-6, 0, 1));
  o.require("hidden_act", {"silu", "swish"});
  o.require("output_gate_type", {"silu", "swish"});
  c.tied = o.boolean_or("tie_word_embeddings", false);
  c.attention = attention_layers(o, c.layers);
  if (next)
    refuse_experts(o, c.layers);
  else
    o.ignore("mlp_only_layers");  // without experts they all are

  GatedDeltaNetShape& n = c.delta;
  n.key = o.integer("linear_key_head_dim", 1, kMostWidth);
  n.value = o.integer("linear_value_head_dim", 1, kMostWidth);
  n.key_heads = o.integer("linear_num_key_heads", 1, kMostWidth);
  n.heads = o.integer("linear_num_value_heads", 1, kMostWidth);
  if (n.heads % n.key_heads != 0) o.unsupported("linear_num_value_heads", "a multiple of linear_num_key_heads");
  n.taps = o.integer("linear_conv_kernel_dim", 1, 64);

  AttentionShape& t = c.softmax;
  t.heads = o.integer("num_attention_heads", 1, kMostWidth);
  t.kv_heads = o.integer_or("num_key_value_heads", t.heads, 1, kMostWidth);
  if (t.heads % t.kv_heads != 0) o.unsupported("num_key_value_heads", "a divisor of num_attention_heads");
  t.width = o.integer_or("head_dim", 256, 2, kMostWidth);
  double part = o.number_or("partial_rotary_factor", 0.25, 0, 1);
  part = o.number_or("rope_parameters.partial_rotary_factor", part, 0, 1);
  t.rotated = static_cast<int64_t>(static_cast<double>(t.width) * part);
  if (t.rotated < 2 || t.rotated % 2 != 0) o.unsupported("partial_rotary_factor", "an even number of rotated values");
  const double base = o.number_or("rope_theta", 10000, 1, 1e12);
  t.base = static_cast<float>(o.number_or("rope_parameters.rope_theta", base, 1, 1e12));
  t.gated = true;
  o.require("attn_output_gate", true);
  c.attention_bias = o.boolean_or("attention_bias", false);
  o.require("rope_parameters.rope_type", {"default"});
  o.refuse("rope_scaling");
  o.require("use_sliding_window", false);
  for (const char* key : {"sliding_window", "max_window_layers"}) o.ignore(key);  // for use_sliding_window
  // Sections of the rotary positions belong to height, width and time of pictures: of text all three are the same.
  o.ignore("rope_parameters.mrope_section");
  o.ignore("rope_parameters.mrope_interleaved");
  o.finish();
  return c;
}

std::unique_ptr<Mixer> read_softmax(const Reader& in, NormWeights norm, const Config& c, StateLayout& layout) {
  const AttentionShape& t = c.softmax;
  AttentionWeights a = read_attention(in, std::move(norm), c.width, t, c.attention_bias, c.attention_bias);
  a.q_norm = in.one_plus("q_norm.weight", t.width, t.heads);
  a.k_norm = in.one_plus("k_norm.weight", t.width, t.kv_heads);
  a.qk_eps = c.eps;
  return make_attention(std::move(a), t, layout);
}

std::unique_ptr<Mixer> read_delta(const Reader& in, NormWeights norm, const Config& c, bool next, int64_t layer,
                                  StateLayout& layout) {
  const GatedDeltaNetShape& n = c.delta;
  const int64_t keys = n.key_heads * n.key, values = n.heads * n.value;
  GatedDeltaNetWeights l;
  l.norm = std::move(norm);
  if (next) {
    l.qkvz = in.matrix("in_proj_qkvz.weight", 2 * keys + 2 * values, c.width);
    l.ba = in.matrix("in_proj_ba.weight", 2 * n.heads, c.width);
  } else {
    l.qkv.push_back(in.matrix("in_proj_qkv.weight", 2 * keys + values, c.width));
    l.gate = in.matrix("in_proj_z.weight", values, c.width);
    l.a = in.matrix("in_proj_a.weight", n.heads, c.width);
    l.b = in.matrix("in_proj_b.weight", n.heads, c.width);
  }
  l.conv = in.convolutions({{"conv1d.weight", 2 * keys + values}}, n.taps);
  l.rate = in.minus_exp("A_log", n.heads);
  l.dt_bias = in.vector("dt_bias", n.heads);
  l.o_norm = {Norm::rms, in.tiled("norm.weight", n.value, n.heads), {}, c.eps};
  l.out = in.matrix("out_proj.weight", c.width, values);
  return make_gated_deltanet(std::move(l), n, layout, layer);
}

Network build_folder(const ModelFile& file, Backend& be, StateLayout& layout) {
  const bool next = file.string("general.architecture") == "hf.qwen3_next";
  const Config c = read_config(file, next);
  const Reader root(file, be, ""), model = root.under(file.string("general.tensor_prefix"));
  const auto norm = [&](const Reader& in, const std::string& name) {
    return NormWeights{Norm::rms, in.one_plus(name + ".weight", c.width), {}, c.eps};
  };
  Network net;
  net.width = c.width;
  net.layers = c.layers;
  net.vocabulary = c.vocabulary;
  net.embedding = model.matrix("embed_tokens.weight", c.vocabulary, c.width);
  net.output_norm = norm(model, "norm");
  if (!c.tied) net.head = root.matrix("lm_head.weight", c.vocabulary, c.width);
  for (int64_t i = 0; i < c.layers; ++i) {
    const Reader in = model.under("layers." + std::to_string(i) + ".");
    NormWeights before = norm(in, "input_layernorm");
    net.mixers.push_back(c.attention[static_cast<size_t>(i)]
                             ? read_softmax(in.under("self_attn."), std::move(before), c, layout)
                             : read_delta(in.under("linear_attn."), std::move(before), c, next, i, layout));
    net.mixers.push_back(
        make_mlp(read_mlp(in.under("mlp."), norm(in, "post_attention_layernorm"), c.width, c.hidden, Act::silu, false)));
  }
  return net;
}

}  // namespace

const Architecture kQwen35{"qwen35", build_gguf};
const Architecture kHfQwen35{"hf.qwen3_5", build_folder}, kHfQwen3Next{"hf.qwen3_next", build_folder};

}  // namespace recurra
