// The gated MLP (Shazeer 2020, arXiv:2002.05202):  x += down(act(gate h) * (up h)),  h = norm(x).
#include "mixers/parts.h"

namespace recurra {
namespace {

class Mlp final : public Mixer {
 public:
  explicit Mlp(MlpWeights weights) : l_(std::move(weights)) {}

  void apply(Pass& pass, Tensor x) override {
    Exec& be = pass.exec;
    const Frame frame(be);
    const Tensor h = be.scratch(x.rows, x.cols);
    const Tensor gate = be.scratch(x.rows, l_.gate->out()), up = be.scratch(x.rows, l_.up->out());
    be.norm_for(*l_.gate, h, x, l_.norm.kind, &l_.norm.w, &l_.norm.b, l_.norm.eps, 1);
    const Product both[] = {{gate, h, l_.gate.get(), {l_.act, &l_.gate_bias, false}},
                            {up, h, l_.up.get(), {Act::none, &l_.up_bias, false}}};
    be.linears({both, 2}, pass.rows);
    be.gate(up, up, gate, Act::none);
    be.linear(x, up, *l_.down, pass.rows, {Act::none, &l_.down_bias, true});
  }

 private:
  MlpWeights l_;
};

}  // namespace

std::unique_ptr<Mixer> make_mlp(MlpWeights weights) { return std::make_unique<Mlp>(std::move(weights)); }

}  // namespace recurra
