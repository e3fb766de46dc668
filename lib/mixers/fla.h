// What fla's language models (flash-linear-attention) have around their mixers: embeddings, an rms norm and a gated MLP
// in every layer, a head, and softmax attention instead of the mixer in the layers that `attn` lists.
#pragma once

#include <functional>

#include "mixers/options.h"
#include "mixers/parts.h"
#include "mixers/reader.h"

namespace recurra {

// Whether layer i is in the list of layers of `attn`, and that attention's shape; all false without `attn`.
struct FlaAttention {
  std::vector<int64_t> layers;
  AttentionShape shape;
  bool qkv_bias = false, qk_norm = false;
  bool has(int64_t layer) const;
};

struct FlaFrame {
  Network net;
  int64_t hidden = 0;  // of the MLP
  Act mlp_act = Act::silu;
  float eps = 0;
  FlaAttention attn;
};

// Reads the options that all of them share, the embeddings, the last norm and the head.
FlaFrame read_fla_frame(Options& o, const ModelFile& file, Backend& backend);

// Adds all layers: `mixer(layer, reader of model.layers.N., norm)` makes the mixer of a layer that is not attention.
// Then checks that no option was left unread.
using FlaMixer = std::function<std::unique_ptr<Mixer>(int64_t layer, const Reader& in, NormWeights norm)>;
Network finish_fla(FlaFrame frame, const Options& o, const ModelFile& file, Backend& backend, StateLayout& layout,
                   const FlaMixer& mixer);

// {q,k,v,o}_proj under `in`, and {gate,up,down}_proj, as all Hugging Face models call them.
AttentionWeights read_attention(const Reader& in, NormWeights norm, int64_t width, const AttentionShape& shape,
                                bool qkv_bias, bool o_bias);
MlpWeights read_mlp(const Reader& in, NormWeights norm, int64_t width, int64_t hidden, Act act, bool bias);

Act act_of(Options& o, const std::string& key);  // silu or swish, relu, sigmoid

}  // namespace recurra
