// The recurrence against its definition in float64, for all six specialisations, drawn shapes, several sequences of
// different lengths and a start state:  S_t = S_{t-1} (diag(w_t) - a_t b_t^T) + v_t k_t^T,  o_t = S_t r_t.
#include "support/ops.h"

namespace recurra::test {
namespace {

struct Shape3 {
  int64_t heads, key, value;
};

struct Problem {
  Decay decay;
  bool erase;
  Shape3 n;
  std::vector<int32_t> lengths;  // of the sequences
  Values r, k, v, a, b, log_w;
  std::vector<Values> states;  // [H, V, K] each
  int64_t tokens = 0;
};

Problem draw(Draw& d, Decay decay, bool erase, const Shape3& n, const std::vector<int32_t>& lengths) {
  Problem p{decay, erase, n, lengths, {}, {}, {}, {}, {}, {}, {}, 0};
  for (const int32_t t : lengths) p.tokens += t;
  const int64_t keys = p.tokens * n.heads * n.key;
  p.r = d.normal(keys);
  p.k = d.normal(keys, 0.3f);
  p.v = d.normal(p.tokens * n.heads * n.value);
  p.a = d.normal(keys);
  p.b = d.uniform(keys, 0, 1);
  // a has length 1 and b = a * rate, as in the delta rules: the transition does not grow.
  for (int64_t i = 0; i < p.tokens * n.heads; ++i) {
    double square = 0;
    for (int64_t j = 0; j < n.key; ++j) square += std::pow(p.a[static_cast<size_t>(i * n.key + j)], 2);
    for (int64_t j = 0; j < n.key; ++j) {
      const auto at = static_cast<size_t>(i * n.key + j);
      p.a[at] = static_cast<float>(p.a[at] / std::sqrt(square + 1e-12));
      p.b[at] *= p.a[at];
    }
  }
  p.log_w = d.uniform(decay == Decay::vector ? keys : p.tokens * n.heads, -2, 0);
  for (size_t i = 0; i < p.log_w.size(); i += 7) p.log_w[i] = 0;      // no decay at all
  for (size_t i = 3; i < p.log_w.size(); i += 11) p.log_w[i] = -60;  // all is forgotten
  for (size_t s = 0; s < lengths.size(); ++s) p.states.push_back(d.normal(n.heads * n.value * n.key));
  return p;
}

// float64, straight from the definition. Changes the states; returns o.
std::vector<double> define(const Problem& p, std::vector<std::vector<double>>& states) {
  const auto [heads, key, value] = p.n;
  std::vector<double> o(static_cast<size_t>(p.tokens * heads * value));
  int64_t t = 0;
  for (size_t s = 0; s < p.lengths.size(); ++s) {
    states.emplace_back(p.states[s].begin(), p.states[s].end());
    for (int32_t i = 0; i < p.lengths[s]; ++i, ++t)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t row = 0; row < value; ++row) {
          double* S = states.back().data() + (h * value + row) * key;
          const int64_t at = (t * heads + h) * key;
          double erased = 0, out = 0;
          for (int64_t j = 0; j < key; ++j) erased += S[j] * static_cast<double>(p.a[static_cast<size_t>(at + j)]);
          for (int64_t j = 0; j < key; ++j) {
            const auto x = static_cast<size_t>(at + j);
            if (p.decay == Decay::vector) S[j] *= std::exp(static_cast<double>(p.log_w[x]));
            if (p.decay == Decay::scalar) S[j] *= std::exp(static_cast<double>(p.log_w[static_cast<size_t>(t * heads + h)]));
            if (p.erase) S[j] -= erased * static_cast<double>(p.b[x]);
            S[j] += static_cast<double>(p.v[static_cast<size_t>((t * heads + h) * value + row)]) * static_cast<double>(p.k[x]);
            out += S[j] * static_cast<double>(p.r[x]);
          }
          o[static_cast<size_t>((t * heads + h) * value + row)] = out;
        }
  }
  return o;
}

// Runs the backend's scan; worst relative difference of outputs and of states.
double run(Backend& be, Problem p, bool block) {
  std::vector<std::vector<double>> want_states;
  const std::vector<double> want = define(p, want_states);
  const StateSlice slice{"state", shape(p.n.heads, p.n.value, p.n.key), 64};
  const size_t slot_bytes = 64 + p.states[0].size() * sizeof(float);
  std::vector<std::shared_ptr<Buffer>> slots;
  std::vector<Segment> segments;
  int32_t first = 0;
  for (size_t s = 0; s < p.lengths.size(); ++s) {
    slots.push_back(be.allocate(slot_bytes));
    be.write_state(slots.back()->data(), slice, p.states[s].data());
    segments.push_back({first, p.lengths[s], slots.back()->data()});
    first += p.lengths[s];
  }
  Rows rows;
  rows.count = static_cast<int32_t>(p.tokens);
  rows.segments = {segments.data(), segments.size()};
  rows.block = block;
  Values o(want.size());
  Scan scan;
  scan.decay = p.decay;
  scan.erase = p.erase;
  scan.heads = p.n.heads;
  scan.key = p.n.key;
  scan.value = p.n.value;
  scan.o = tensor(o, p.tokens);
  scan.r = tensor(p.r, p.tokens);
  scan.k = tensor(p.k, p.tokens);
  scan.v = tensor(p.v, p.tokens);
  if (p.erase) {
    scan.a = tensor(p.a, p.tokens);
    scan.b = tensor(p.b, p.tokens);
  }
  if (p.decay != Decay::none) scan.log_w = tensor(p.log_w, p.tokens);
  scan.state = slice.offset;
  const auto exec = be.exec();
  exec->begin();
  exec->scan(scan, rows);
  exec->end();
  double worst = relative(o, want);
  for (size_t s = 0; s < slots.size(); ++s) {
    Values got(p.states[s].size());
    be.read_state(got.data(), slots[s]->data(), slice);
    worst = std::max(worst, relative(got, want_states[s]));
  }
  return worst;
}

class ScanTest : public testing::TestWithParam<Candidate> {};

TEST_P(ScanTest, AgreesWithItsDefinition) {
  std::string why;
  const auto be = open_candidate(GetParam(), &why);
  if (!be) GTEST_SKIP() << why;
  Draw d(1);
  // float32 sums of up to a few hundred terms, over up to 200 tokens
  const double tolerance = 2e-5;
  for (const Decay decay : {Decay::none, Decay::scalar, Decay::vector})
    for (const bool erase : {false, true}) {
      const std::vector<Shape3> shapes = {{2, 64, 64}, {1, 32, 32}, {3, 16, 33}, {2, 20, 20}, {1, 1, 1}, {2, 128, 65}, {1, 7, 100}};
      for (const Shape3& n : shapes) {
        EXPECT_LT(run(*be, draw(d, decay, erase, n, {1}), false), tolerance);
        EXPECT_LT(run(*be, draw(d, decay, erase, n, {5, 1, 37}), false), tolerance);
        EXPECT_LT(run(*be, draw(d, decay, erase, n, {64, 128}), true), tolerance);
      }
      for (int i = 0; i < 10; ++i) {
        const Shape3 n{d.between(1, 4), d.between(1, 80), d.between(1, 80)};
        std::vector<int32_t> lengths;
        for (int64_t s = d.between(1, 4); s > 0; --s) lengths.push_back(static_cast<int32_t>(d.between(1, 50)));
        EXPECT_LT(run(*be, draw(d, decay, erase, n, lengths), false), tolerance)
            << "H " << n.heads << " K " << n.key << " V " << n.value;
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Backends, ScanTest, testing::ValuesIn(candidates()),
                         [](const auto& test) { return std::string(test.param.backend) + "_" + test.param.dtype; });

}  // namespace
}  // namespace recurra::test
