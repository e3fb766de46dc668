// Softmax attention (Vaswani et al. 2017, arXiv:1706.03762) with rotary positions (Su et al. 2021, arXiv:2104.09864)
// and grouped heads (Ainslie et al. 2023, arXiv:2305.13245). Per token t and head h, over all tokens s <= t so far:
//     q, k = rotate(t, rms(Q x)), rotate(t, rms(K x));  v = V x              rms only where the model has it
//     o    = sum_s softmax_s(q . k_s / sqrt(width)) v_s
//     y    = O (o * sigmoid(gate))                                           the gate only where the model has it
// Keys and values of all tokens are kept: the cost of a token and the size of the state grow with the conversation.
#include "mixers/parts.h"

namespace recurra {
namespace {

class Attention final : public Mixer {
 public:
  Attention(AttentionWeights weights, const AttentionShape& shape, int64_t cache_layer)
      : l_(std::move(weights)), n_(shape), cache_layer_(cache_layer) {}

  void apply(Pass& pass, Tensor x) override {
    Exec& be = pass.exec;
    const Rows& rows = pass.rows;
    const Frame frame(be);
    const int64_t q_cols = n_.heads * n_.width, kv_cols = n_.kv_heads * n_.width;
    const Tensor h = be.scratch(x.rows, x.cols), o = be.scratch(x.rows, q_cols);
    const Tensor k = be.scratch(x.rows, kv_cols), v = be.scratch(x.rows, kv_cols);
    Tensor q = be.scratch(x.rows, q_cols), gate;
    be.norm(h, x, l_.norm.kind, &l_.norm.w, &l_.norm.b, l_.norm.eps, 1);
    if (n_.gated) {
      const Tensor both = be.scratch(x.rows, 2 * q_cols);
      gate = be.scratch(x.rows, q_cols);
      project(pass, h, both, k, v);
      be.split_heads(q, gate, both, n_.heads);
    } else {
      project(pass, h, q, k, v);
    }
    if (l_.q_norm.size() != 0) {
      be.norm(q, q, Norm::rms, &l_.q_norm, nullptr, l_.qk_eps, n_.heads);
      be.norm(k, k, Norm::rms, &l_.k_norm, nullptr, l_.qk_eps, n_.kv_heads);
    }
    be.rotary({q, n_.heads, n_.rotated, n_.base, n_.interleaved, &l_.factors}, rows);
    be.rotary({k, n_.kv_heads, n_.rotated, n_.base, n_.interleaved, &l_.factors}, rows);
    be.attention({o, q, k, v, n_.heads, n_.kv_heads, cache_layer_, n_.window}, rows);
    if (n_.gated) be.gate(o, o, gate, Act::sigmoid);
    be.linear(x, o, *l_.o, rows, {Act::none, &l_.o_bias, true});
  }

 private:
  void project(Pass& pass, Tensor h, Tensor q, Tensor k, Tensor v) const {
    const Product all[] = {{q, h, l_.q.get(), {Act::none, &l_.q_bias, false}},
                           {k, h, l_.k.get(), {Act::none, &l_.k_bias, false}},
                           {v, h, l_.v.get(), {Act::none, &l_.v_bias, false}}};
    pass.exec.linears({all, 3}, pass.rows);
  }

  AttentionWeights l_;
  AttentionShape n_;
  int64_t cache_layer_;
};

}  // namespace

std::unique_ptr<Mixer> make_attention(AttentionWeights weights, const AttentionShape& shape, StateLayout& layout) {
  return std::make_unique<Attention>(std::move(weights), shape, layout.add_cache(shape.kv_heads * shape.width));
}

}  // namespace recurra
