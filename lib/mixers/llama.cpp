// Llama (Touvron et al. 2023, arXiv:2302.13971): softmax attention and a gated MLP in every layer. The baseline that
// the constant-memory models are measured against.
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
    net.mixers.push_back(make_attention(std::move(a), n, layout));
    net.mixers.push_back(make_mlp(
        {in.rms("ffn_norm.weight", net.width, eps), in.matrix("ffn_gate.weight", hidden, net.width),
         in.matrix("ffn_up.weight", hidden, net.width), in.matrix("ffn_down.weight", net.width, hidden), Act::silu}));
  }
  return net;
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
  o.require("rope_parameters.rope_type", {"default"});
  o.refuse("rope_scaling");
  o.require("attention_bias", false);
  o.require("mlp_bias", false);
  o.ignore("pretraining_tp");     // how the weights were cut in training
  o.ignore("attention_dropout");  // of training
  const Act act = act_of(o, "hidden_act");
  net.embedding = in.matrix("model.embed_tokens.weight", net.vocabulary, net.width);
  net.output_norm = in.rms("model.norm.weight", net.width, eps);
  if (!o.boolean_or("tie_word_embeddings", false)) net.head = in.matrix("lm_head.weight", net.vocabulary, net.width);
  for (int64_t i = 0; i < net.layers; ++i) {
    const Reader layer = in.under("model.layers." + std::to_string(i) + ".");
    net.mixers.push_back(read_attention(layer.under("self_attn."), layer.rms("input_layernorm.weight", net.width, eps),
                                        net.width, n, false, false, layout));
    net.mixers.push_back(make_mlp(read_mlp(
        layer.under("mlp."), layer.rms("post_attention_layernorm.weight", net.width, eps), net.width, hidden, act)));
  }
  o.finish();
  return net;
}

}  // namespace

const Architecture kHfLlama{"hf.llama", build_folder};
const Architecture kLlama{"llama", build_gguf};

}  // namespace recurra
