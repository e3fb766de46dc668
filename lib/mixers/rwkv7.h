// RWKV-7's two sub-layers, for the readers of its files: rwkv7_gguf.cpp and rwkv7_hf.cpp. The equations are in
// rwkv7.cpp.
#pragma once

#include "mixers/mixer.h"

namespace recurra {

struct Rwkv7Dims {
  int64_t width, hidden, heads, head;  // head: K = V
};

struct TimeMixWeights {
  NormWeights norm;
  Vector mu;  // [6, D]: r, w, k, v, a, g
  std::unique_ptr<Matrix> r, k, v, o;
  LowRank w, a, g, residual;  // residual: of v, in all layers but the first
  Vector k_k, k_a, r_k, ln_w, ln_b;
  float group_eps = 64e-5f;  // of the group norm
  float key_eps = 0;         // of kk's length, as Exec::DeltaInputs has it
};

struct ChannelMixWeights {
  NormWeights norm;
  Vector mu;                     // [D]
  std::unique_ptr<Matrix> k, v;  // [F, D], [D, F]
  Act act = Act::relu2;
};

// Reserve their part of the state and take the weights of layer `layer`, counted from 0.
std::unique_ptr<Mixer> make_time_mix(TimeMixWeights weights, const Rwkv7Dims& dims, int64_t layer, StateLayout& layout);
std::unique_ptr<Mixer> make_channel_mix(ChannelMixWeights weights, const Rwkv7Dims& dims, int64_t layer,
                                        StateLayout& layout);

}  // namespace recurra
