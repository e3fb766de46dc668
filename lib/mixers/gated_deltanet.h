// Gated DeltaNet as a part: fla's gated_deltanet, Qwen 3.5 and Qwen 3 Next are made of it.
#pragma once

#include "mixers/reader.h"

namespace recurra {

struct GatedDeltaNetWeights {
  NormWeights norm, o_norm;                  // o_norm: [H * V], the heads' [V] repeated
  std::vector<std::unique_ptr<Matrix>> qkv;  // q, k, v rows in this order, in one matrix or several
  std::unique_ptr<Matrix> a, b, gate, out;   // [H, D], [H, D], [H*V, D] or null, [D, H*V]
  // Instead of qkv, gate, b and a: rows by key head, [HK * (2K + 2 H/HK V), D] as q, k, v, gate and [HK * 2 H/HK, D] as
  // b, a.
  std::unique_ptr<Matrix> qkvz, ba;
  Vector conv;           // [J, 2 HK*K + H*V], with taps
  Vector conv_bias;      // [2 HK*K + H*V], or empty
  Vector rate, dt_bias;  // [H]; rate = -exp(A_log)
};
struct GatedDeltaNetShape {
  int64_t heads = 0, key_heads = 0, key = 0, value = 0;
  int64_t taps = 0;    // of the short convolution; 0: none
  bool tiled = false;  // value head h reads key head h % key_heads, else h / (heads / key_heads)
  float l2_eps = 1e-6f, beta_scale = 1;
  Act gate_act = Act::silu;
};
std::unique_ptr<Mixer> make_gated_deltanet(GatedDeltaNetWeights weights, const GatedDeltaNetShape& shape,
                                           StateLayout& layout, int64_t layer);

}  // namespace recurra
