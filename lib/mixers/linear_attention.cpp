// Linear attention (Katharopoulos et al. 2020, arXiv:2006.16236), as fla's linear_attn. Per token, H heads of K and V:
//     q, k, v = phi(Q h), phi(K h), V h        h = norm(x); phi: elu(x) + 1, relu, x, or a product of two linear maps
//     q, k    = q / (sum q + 1e-4), k / (sum k + 1e-4)       where norm_q, norm_k ask for it
//     S       = S + v k^T;  o = S q / sqrt(K)                the scan without decay and erase, S in R^{V x K}
//     o       = o / (q . sum of all k / sqrt(K) + 1e-10)     where norm_feature_map asks: one more row of v, all ones
//     x      += O rms(o)
#include <cmath>

#include "mixers/fla.h"
#include "mixers/registry.h"

namespace recurra {
namespace {

// elementwise_product: layer1(x) * layer2(x) for each head, with the same weights for all of them.
struct FeatureMap {
  std::unique_ptr<Matrix> first, second;  // [K, K], or null: `act` alone
  Vector first_bias, second_bias;
};

struct Weights {
  NormWeights norm, o_norm;  // o_norm: [H * V]
  std::unique_ptr<Matrix> q, k, v, o;
  FeatureMap q_map, k_map;
};

struct Dims {
  int64_t heads, kv_heads, key, value;
  Act map = Act::elu1;
  bool norm_q, norm_k, normalise;
};

class LinearAttention final : public Mixer {
 public:
  LinearAttention(Weights weights, const Dims& dims, size_t state) : l_(std::move(weights)), n_(dims), state_(state) {}

  void apply(Pass& pass, Tensor x) override {
    Exec& be = pass.exec;
    const Rows& rows = pass.rows;
    const Frame frame(be);
    const auto row = [&](int64_t cols) { return be.scratch(x.rows, cols); };
    const int64_t wide = n_.value + (n_.normalise ? 1 : 0);  // values of a head, with the row of ones
    const Tensor h = row(x.cols), q = row(n_.heads * n_.key), k = row(n_.kv_heads * n_.key),
                 v = row(n_.kv_heads * n_.value);
    const Tensor r = row(n_.heads * n_.key), a = row(n_.heads * n_.key), vs = row(n_.heads * n_.value);
    const Tensor o = row(n_.heads * n_.value);
    be.norm_for(*l_.q, h, x, l_.norm.kind, &l_.norm.w, nullptr, l_.norm.eps, 1);
    const Product all[] = {{q, h, l_.q.get(), {}}, {k, h, l_.k.get(), {}}, {v, h, l_.v.get(), {}}};
    be.linears({all, 3}, rows);
    map(pass, q, l_.q_map, n_.heads);
    map(pass, k, l_.k_map, n_.kv_heads);
    if (n_.norm_q) be.norm(q, q, Norm::sum, nullptr, nullptr, 1e-4f, n_.heads);
    if (n_.norm_k) be.norm(k, k, Norm::sum, nullptr, nullptr, 1e-4f, n_.kv_heads);
    be.scale(r, q, 1 / std::sqrt(static_cast<float>(n_.key)));
    be.repeat_heads(a, k, n_.heads, n_.kv_heads);
    be.repeat_heads(vs, v, n_.heads, n_.kv_heads);
    Scan scan;
    scan.heads = n_.heads;
    scan.key = n_.key;
    scan.value = wide;
    scan.r = r;
    scan.k = a;
    scan.v = vs;
    scan.o = o;
    scan.state = state_;
    if (n_.normalise) {
      scan.v = row(n_.heads * wide);
      scan.o = row(n_.heads * wide);
      be.append_ones(scan.v, vs, n_.heads);
    }
    be.scan(scan, rows);
    if (n_.normalise) be.divide_by_last(o, scan.o, n_.heads, 1e-10f);
    be.norm(o, o, Norm::rms, &l_.o_norm.w, nullptr, l_.o_norm.eps, n_.heads);
    be.linear(x, o, *l_.o, rows, {Act::none, nullptr, true});
  }

 private:
  // In place, head by head.
  void map(Pass& pass, Tensor x, const FeatureMap& m, int64_t heads) const {
    Exec& be = pass.exec;
    if (!m.first) {
      be.activate(x, x, n_.map);
      return;
    }
    const Frame frame(be);
    const Tensor one = be.scratch(x.rows, n_.key), two = be.scratch(x.rows, n_.key);
    for (int64_t h = 0; h < heads; ++h) {
      const Tensor head = be.scratch(x.rows, n_.key);
      be.copy(head, columns(x, h * n_.key, n_.key));
      be.linear(one, head, *m.first, pass.rows, {Act::none, &m.first_bias, false});
      be.linear(two, head, *m.second, pass.rows, {Act::none, &m.second_bias, false});
      be.gate(columns(x, h * n_.key, n_.key), one, two, Act::none);
    }
  }

  Weights l_;
  Dims n_;
  size_t state_;
};

FeatureMap read_map(const Reader& in, const std::string& name, int64_t key) {
  FeatureMap m;
  m.first = in.matrix(name + ".layer1.weight", key, key);
  m.second = in.matrix(name + ".layer2.weight", key, key);
  m.first_bias = in.vector(name + ".layer1.bias", key);
  m.second_bias = in.vector(name + ".layer2.bias", key);
  return m;
}

Network build(const ModelFile& file, Backend& be, StateLayout& layout) {
  Options o(file);
  FlaFrame f = read_fla_frame(o, file, be);
  Dims n{};
  n.heads = o.integer("num_heads", 1, kMostWidth);
  n.kv_heads = o.integer_or("num_kv_heads", n.heads, 1, kMostWidth);
  if (n.heads % n.kv_heads != 0) o.unsupported("num_kv_heads", "a divisor of num_heads");
  const double width = static_cast<double>(f.net.width);
  n.key = static_cast<int64_t>(width * o.number_or("expand_k", 1, 1e-3, 64)) / n.heads;
  n.value = static_cast<int64_t>(width * o.number_or("expand_v", 1, 1e-3, 64)) / n.heads;
  if (n.key < 1 || n.value < 1) o.unsupported("expand_k", "heads of at least one value");
  const std::string map = o.string_or("feature_map", "elementwise_product");
  const bool product = map == "elementwise_product", tied = o.boolean_or("tie_feature_map_qk", false);
  if (map == "elu") {
    n.map = Act::elu1;
  } else if (map == "relu") {
    n.map = Act::relu;
  } else if (map == "identity") {
    n.map = Act::none;
  } else if (!product) {
    o.unsupported("feature_map", "elu, relu, identity or elementwise_product");
  }
  n.norm_q = o.boolean_or("norm_q", false);
  n.norm_k = o.boolean_or("norm_k", false);
  n.normalise = o.boolean_or("norm_feature_map", false);
  const int64_t D = f.net.width;
  const float eps = f.eps;
  return finish_fla(std::move(f), o, file, be, layout, [&](int64_t i, const Reader& layer, NormWeights norm) {
    const Reader in = layer.under("attn.");
    Weights l;
    l.norm = std::move(norm);
    l.q = in.matrix("q_proj.weight", n.heads * n.key, D);
    l.k = in.matrix("k_proj.weight", n.kv_heads * n.key, D);
    l.v = in.matrix("v_proj.weight", n.kv_heads * n.value, D);
    l.o = in.matrix("o_proj.weight", D, n.heads * n.value);
    l.o_norm = {Norm::rms, in.tiled("norm.weight", n.value, n.heads), {}, eps};
    if (product) {
      l.q_map = read_map(in, "feature_map_q", n.key);
      l.k_map = read_map(in, tied && !in.has("feature_map_k.layer1.weight") ? "feature_map_q" : "feature_map_k", n.key);
    }
    // Sums that nothing ever makes smaller would leave float16's range.
    const size_t state = layout.add("layers." + std::to_string(i) + ".linear_attention.state",
                                    shape(n.heads, n.value + (n.normalise ? 1 : 0), n.key), DType::f32);
    return std::make_unique<LinearAttention>(std::move(l), n, state);
  });
}

}  // namespace

const Architecture kFlaLinearAttention{"fla.linear_attn", build};

}  // namespace recurra
