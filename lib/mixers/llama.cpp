// Llama (Touvron et al. 2023, arXiv:2302.13971): softmax attention and a gated MLP in every layer. The baseline that
// the constant-memory models are measured against.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "mixers/fla.h"
#include "mixers/registry.h"

namespace recurra {
namespace {

Network build_gguf(const ModelFile& file, Backend& be, StateLayout& layout) {
  Network net = read_gguf_frame(file, be);
  const float eps = net.output_norm.eps;
  AttentionShape n;
  n.heads = file.integer("llama.attention.head_count", 1, kMostWidth);
  n.kv_heads = file.integer_or("llama.attention.head_count_kv", n.heads, 1, kMostWidth);
  need_divisor(file, "llama.attention.head_count", n.heads, "llama.embedding_length", net.width);
  need_divisor(file, "llama.attention.head_count_kv", n.kv_heads, "llama.attention.head_count", n.heads);
  n.width = file.integer_or("llama.attention.key_length", net.width / n.heads, 1, kMostWidth);
  n.rotated = file.integer_or("llama.rope.dimension_count", n.width, 2, n.width);
  n.base = static_cast<float>(file.number_or("llama.rope.freq_base", 10000));
  n.interleaved = true;
  if (file.has("llama.rope.scaling.type") && file.string("llama.rope.scaling.type") != "none")
    fail(Code::unsupported, "%s: llama.rope.scaling.type is '%s', which is not supported", file.name().c_str(),
         printable(file.string("llama.rope.scaling.type")).c_str());
  if (n.rotated % 2 != 0)
    fail(Code::format, "%s: llama.rope.dimension_count is %lld, expected an even number", file.name().c_str(),
         static_cast<long long>(n.rotated));
  for (const char* name : {"rope_factors_long.weight", "rope_factors_short.weight"})  // by length, without a key
    Reader(file, be, "").refuse(name);
  const int64_t hidden = file.integer("llama.feed_forward_length", 1, kMostWidth);
  const int64_t q = n.heads * n.width, kv = n.kv_heads * n.width;
  for (int64_t i = 0; i < net.layers; ++i) {
    const Reader in(file, be, "blk." + std::to_string(i) + ".");
    AttentionWeights a;
    a.norm = in.rms("attn_norm.weight", net.width, eps);
    a.q = in.matrix("attn_q.weight", q, net.width);
    a.k = in.matrix("attn_k.weight", kv, net.width);
    a.v = in.matrix("attn_v.weight", kv, net.width);
    a.o = in.matrix("attn_output.weight", net.width, q);
    a.q_bias = in.bias(in.has("attn_q.bias"), "attn_q.bias", q);
    a.k_bias = in.bias(in.has("attn_k.bias"), "attn_k.bias", kv);
    a.v_bias = in.bias(in.has("attn_v.bias"), "attn_v.bias", kv);
    a.o_bias = in.bias(in.has("attn_output.bias"), "attn_output.bias", net.width);
    // Llama 3.1 and on: how much slower the pairs turn, one list for all layers.
    const Reader root(file, be, "");
    a.factors = root.bias(root.has("rope_freqs.weight"), "rope_freqs.weight", n.rotated / 2);
    net.mixers.push_back(make_attention(std::move(a), n, layout));
    MlpWeights m;
    m.norm = in.rms("ffn_norm.weight", net.width, eps);
    m.gate = in.matrix("ffn_gate.weight", hidden, net.width);
    m.up = in.matrix("ffn_up.weight", hidden, net.width);
    m.down = in.matrix("ffn_down.weight", net.width, hidden);
    m.gate_bias = in.bias(in.has("ffn_gate.bias"), "ffn_gate.bias", hidden);
    m.up_bias = in.bias(in.has("ffn_up.bias"), "ffn_up.bias", hidden);
    m.down_bias = in.bias(in.has("ffn_down.bias"), "ffn_down.bias", net.width);
    net.mixers.push_back(make_mlp(std::move(m)));
  }
  return net;
}

// By how much each pair of the rotary positions turns slower than base^(-2i / width), from rope_parameters (or
// rope_scaling, as older versions of transformers call it).
std::vector<float> rotary_factors(Options& o, const AttentionShape& n) {
  const std::string in = o.has("rope_scaling") ? "rope_scaling." : "rope_parameters.";
  std::string type = o.string_or(in + "rope_type", "default");
  if (o.has(in + "type")) type = o.string(in + "type");  // its first name
  std::vector<float> factors;
  if (type == "default") return factors;
  if (type != "linear" && type != "llama3") o.unsupported(in + "rope_type", "default, linear or llama3");
  const double factor = o.number(in + "factor", 1, 1e6);
  if (type == "linear") return std::vector<float>(static_cast<size_t>(n.rotated / 2), static_cast<float>(factor));
  // Llama 3.1: waves longer than the first training's texts turn slower, short ones as before, in between a mixture.
  const double low = o.number(in + "low_freq_factor", 1e-3, 1e6), high = o.number(in + "high_freq_factor", 1e-3, 1e6);
  const double length = o.number(in + "original_max_position_embeddings", 1, 1e9);
  if (high <= low) o.unsupported(in + "high_freq_factor", "more than low_freq_factor");
  for (int64_t i = 0; i < n.rotated; i += 2) {
    const double turn = std::pow(static_cast<double>(n.base), -static_cast<double>(i) / static_cast<double>(n.rotated));
    const double waves = length * turn / (2 * 3.14159265358979323846);
    const double kept = std::min(1.0, std::max(0.0, (waves - low) / (high - low)));
    factors.push_back(static_cast<float>(1 / ((1 - kept) / factor + kept)));
  }
  return factors;
}

Network build_folder(const ModelFile& file, Backend& be, StateLayout& layout) {
  Options o(file);
  const Reader in(file, be, "");
  Network net;
  net.width = o.integer("hidden_size", 1, kMostWidth);
  net.layers = o.integer("num_hidden_layers", 1, 4096);
  net.vocabulary = o.integer("vocab_size", 1, int64_t{1} << 30);
  const float eps = static_cast<float>(o.number_or("rms_norm_eps", 1e-6, 0, 1));
  const int64_t hidden = o.integer("intermediate_size", 1, kMostWidth);
  AttentionShape n;
  n.heads = o.integer("num_attention_heads", 1, kMostWidth);
  n.kv_heads = o.integer_or("num_key_value_heads", n.heads, 1, kMostWidth);
  if (n.heads % n.kv_heads != 0) o.unsupported("num_key_value_heads", "a divisor of num_attention_heads");
  n.width = n.rotated = o.integer_or("head_dim", net.width / n.heads, 2, kMostWidth);
  n.base =
      static_cast<float>(o.number_or("rope_theta", o.number_or("rope_parameters.rope_theta", 10000, 1, 1e12), 1, 1e12));
  if (n.rotated % 2 != 0) o.unsupported("head_dim", "an even number");
  const std::vector<float> factors = rotary_factors(o, n);
  const bool attention_bias = o.boolean_or("attention_bias", false), mlp_bias = o.boolean_or("mlp_bias", false);
  o.require("rope_interleaved", false);
  o.ignore("is_llama_config");    // SmolLM's name for what model_type says
  o.ignore("pretraining_tp");     // how the weights were cut in training
  o.ignore("attention_dropout");  // of training
  const Act act = act_of(o, "hidden_act");
  net.embedding = in.matrix("model.embed_tokens.weight", net.vocabulary, net.width);
  net.output_norm = in.rms("model.norm.weight", net.width, eps);
  if (!o.boolean_or("tie_word_embeddings", false)) net.head = in.matrix("lm_head.weight", net.vocabulary, net.width);
  for (int64_t i = 0; i < net.layers; ++i) {
    const Reader layer = in.under("model.layers." + std::to_string(i) + ".");
    AttentionWeights a = read_attention(layer.under("self_attn."), layer.rms("input_layernorm.weight", net.width, eps),
                                        net.width, n, attention_bias, attention_bias);
    if (!factors.empty()) a.factors = in.upload(factors);
    net.mixers.push_back(make_attention(std::move(a), n, layout));
    net.mixers.push_back(
        make_mlp(read_mlp(layer.under("mlp."), layer.rms("post_attention_layernorm.weight", net.width, eps), net.width,
                          hidden, act, mlp_bias)));
  }
  o.finish();
  return net;
}

}  // namespace

const Architecture kHfLlama{"hf.llama", build_folder};
const Architecture kLlama{"llama", build_gguf};

}  // namespace recurra
