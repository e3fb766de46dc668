// Llama (Touvron et al. 2023, arXiv:2302.13971): softmax attention and a gated MLP in every layer. The baseline that the
// constant-memory models are measured against.
#include "core/error.h"
#include "mixers/parts.h"
#include "mixers/reader.h"
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
    net.mixers.push_back(make_mlp({in.rms("ffn_norm.weight", net.width, eps), in.matrix("ffn_gate.weight", hidden, net.width),
                                   in.matrix("ffn_up.weight", hidden, net.width),
                                   in.matrix("ffn_down.weight", net.width, hidden), Act::silu}));
  }
  return net;
}

}  // namespace

const Architecture kLlama{"llama", build_gguf};

}  // namespace recurra
