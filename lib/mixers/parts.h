// Sub-layers that several architectures share: the gated MLP and softmax attention.
#pragma once

#include "mixers/mixer.h"

namespace recurra {

// x += down(act(gate(h)) * up(h)), h = norm(x)
struct MlpWeights {
  NormWeights norm;
  std::unique_ptr<Matrix> gate, up, down;  // [F, D], [F, D], [D, F]
  Vector gate_bias, up_bias, down_bias;    // or empty
  Act act = Act::silu;
};
std::unique_ptr<Mixer> make_mlp(MlpWeights weights);

struct AttentionWeights {
  NormWeights norm;
  std::unique_ptr<Matrix> q, k, v, o;  // [heads * width, D] (twice where gated), [kv_heads * width, D] twice, and back
  Vector q_bias, k_bias, v_bias, o_bias;  // or empty
  Vector q_norm, k_norm;                  // rms over each head, repeated for all heads; or empty
  Vector factors;                         // [rotated / 2], by which the pairs turn slower; or empty
  float qk_eps = 0;
};
struct AttentionShape {
  int64_t heads = 0, kv_heads = 0, width = 0;
  int64_t rotated = 0;  // of a head's width
  float base = 10000;
  bool interleaved = false;
  int64_t window = 0;  // 0: all
  bool gated = false;  // q gives [query | gate] per head; the output is multiplied with sigmoid(gate)
};
// Softmax attention (Vaswani et al. 2017, arXiv:1706.03762) with rotary positions and grouped heads: the baseline,
// whose state grows with every token.
std::unique_ptr<Mixer> make_attention(AttentionWeights weights, const AttentionShape& shape, StateLayout& layout);

}  // namespace recurra
