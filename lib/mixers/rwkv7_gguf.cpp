// RWKV-7 from GGUF files, as llama.cpp converts and reads them. The group norm's epsilon is that of head size 64
// whatever the head size; kk's length is at least 1e-12.
#include "mixers/reader.h"
#include "mixers/registry.h"
#include "mixers/rwkv7.h"

namespace recurra {
namespace {

// The rank is the file's: a matrix [rank, D] and one [D, rank].
LowRank read_low_rank(const Reader& in, const std::string& name, Act act, bool bias, int64_t width) {
  const int64_t rank = in.view("time_mix_" + name + "1.weight").shape.dim[0];
  LowRank l;
  l.a = in.matrix("time_mix_" + name + "1.weight", rank, width);
  l.b = in.matrix("time_mix_" + name + "2.weight", width, rank);
  l.act = act;
  if (bias) l.bias = in.vector("time_mix_" + name + "0.weight", width);
  return l;
}

TimeMixWeights read_time_mix(const Reader& in, const Rwkv7Dims& d, float eps, bool first) {
  const int64_t width = d.width;
  TimeMixWeights l;
  l.norm = in.layer_norm("attn_norm", width, eps);
  l.mu = in.vector("time_mix_lerp_fused.weight", shape(6, width));
  l.r = in.matrix("time_mix_receptance.weight", width, width);
  l.k = in.matrix("time_mix_key.weight", width, width);
  l.v = in.matrix("time_mix_value.weight", width, width);
  l.o = in.matrix("time_mix_output.weight", width, width);
  l.w = read_low_rank(in, "w", Act::tanh, true, width);
  l.a = read_low_rank(in, "a", Act::none, true, width);
  l.g = read_low_rank(in, "g", Act::sigmoid, false, width);
  if (!first) l.residual = read_low_rank(in, "v", Act::none, true, width);
  l.k_k = in.vector("time_mix_k_k.weight", width);
  l.k_a = in.vector("time_mix_k_a.weight", width);
  l.r_k = in.vector("time_mix_r_k.weight", width);
  l.ln_w = in.vector("time_mix_ln.weight", width);
  l.ln_b = in.vector("time_mix_ln.bias", width);
  return l;
}

Network build_rwkv7(const ModelFile& file, Backend& be, StateLayout& layout) {
  Rwkv7Dims d{};
  d.width = file.integer("rwkv7.embedding_length", 1, kMostWidth);
  d.hidden = file.integer("rwkv7.feed_forward_length", 1, kMostWidth);
  d.head = file.integer("rwkv7.wkv.head_size", 1, kMostWidth);
  need_divisor(file, "rwkv7.wkv.head_size", d.head, "rwkv7.embedding_length", d.width);
  d.heads = d.width / d.head;
  const float eps = static_cast<float>(file.number_or("rwkv7.attention.layer_norm_epsilon", 1e-5));
  const Reader root(file, be, "");
  Network net;
  net.width = d.width;
  net.layers = file.integer("rwkv7.block_count", 1, 4096);
  net.vocabulary = root.view("token_embd.weight").shape.dim[0];
  net.embedding = root.matrix("token_embd.weight", net.vocabulary, d.width);
  net.embedding_norm = root.layer_norm("token_embd_norm", d.width, eps);
  net.output_norm = root.layer_norm("output_norm", d.width, eps);
  if (root.has("output.weight")) net.head = root.matrix("output.weight", net.vocabulary, d.width);
  net.shares_first_value = true;
  for (int64_t i = 0; i < net.layers; ++i) {
    const Reader in = root.under("blk." + std::to_string(i) + ".");
    net.mixers.push_back(make_time_mix(read_time_mix(in, d, eps, i == 0), d, i, layout));
    ChannelMixWeights c;
    c.norm = in.layer_norm("attn_norm_2", d.width, eps);
    c.mu = in.vector("channel_mix_lerp_k.weight", d.width);
    c.k = in.matrix("channel_mix_key.weight", d.hidden, d.width);
    c.v = in.matrix("channel_mix_value.weight", d.width, d.hidden, Inputs::mostly_zero);
    net.mixers.push_back(make_channel_mix(std::move(c), d, i, layout));
  }
  return net;
}

}  // namespace

const Architecture kRwkv7{"rwkv7", build_rwkv7};

}  // namespace recurra
