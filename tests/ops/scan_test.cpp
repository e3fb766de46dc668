// The recurrence against its definition in float64, for all six specialisations, drawn shapes, several sequences of
// different lengths and a start state; and against the goldens of the mixers that are made of it.
#include "support/scan.h"

#include <fstream>

#include "core/half.h"
#include "support/paths.h"

namespace recurra::test {
namespace {

ScanProblem draw(Draw& d, Decay decay, bool erase, const HeadShape& n, const std::vector<int32_t>& lengths) {
  ScanProblem p;
  p.decay = decay;
  p.erase = erase;
  p.n = n;
  p.lengths = lengths;
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
  for (size_t i = 0; i < p.log_w.size(); i += 7) p.log_w[i] = 0;     // no decay at all
  for (size_t i = 3; i < p.log_w.size(); i += 11) p.log_w[i] = -60;  // all is forgotten
  for (size_t s = 0; s < lengths.size(); ++s) p.states.push_back(d.normal(n.heads * n.value * n.key));
  return p;
}

// A backend, and for the cpu the form its blocks are forced into.
struct Form {
  const char *backend, *scan;
};

std::unique_ptr<Backend> open(const Form& f) {
  std::string why;
  return std::string(f.backend) == "cpu" ? open_cpu(f.scan, 2) : open_candidate({f.backend, "f32"}, &why);
}

class ScanTest : public testing::TestWithParam<Form> {};

TEST_P(ScanTest, AgreesWithItsDefinition) {
  const auto be = open(GetParam());
  ASSERT_NE(be, nullptr);
  Draw d(1);
  // float32 sums of up to a few hundred terms, over up to 200 tokens
  const double tolerance = 2e-5;
  const auto check = [&](const ScanProblem& p, bool block) {
    EXPECT_LT(error(run_scan(*be, p, block), define(p)), tolerance)
        << "decay " << static_cast<int>(p.decay) << " erase " << p.erase << " H " << p.n.heads << " K " << p.n.key
        << " V " << p.n.value << (block ? " in blocks" : "");
  };
  for (const Decay decay : {Decay::none, Decay::scalar, Decay::vector})
    for (const bool erase : {false, true}) {
      const std::vector<HeadShape> shapes = {{2, 64, 64},  {1, 32, 32}, {3, 16, 33},   {2, 20, 20},  {1, 1, 1},
                                             {2, 128, 65}, {1, 7, 100}, {1, 128, 128}, {1, 256, 20}};
      for (const HeadShape& n : shapes) {
        check(draw(d, decay, erase, n, {1}), false);
        check(draw(d, decay, erase, n, {5, 1, 37}), false);
        check(draw(d, decay, erase, n, {64, 128}), true);
      }
      for (int i = 0; i < 10; ++i) {
        const HeadShape n{d.between(1, 4), d.between(1, 80), d.between(1, 80)};
        std::vector<int32_t> lengths, blocks;
        for (int64_t s = d.between(1, 4); s > 0; --s) {
          lengths.push_back(static_cast<int32_t>(d.between(1, 50)));
          blocks.push_back(kBlock * static_cast<int32_t>(d.between(1, 2)));
        }
        check(draw(d, decay, erase, n, lengths), false);
        check(draw(d, decay, erase, n, blocks), true);
      }
    }
}

// States in float16: outputs as with float32 from the same state, what is kept rounded once.
TEST_P(ScanTest, HalfStates) {
  const auto be = open(GetParam());
  ASSERT_NE(be, nullptr);
  if (memory_types().size() == 1) GTEST_SKIP() << "this backend keeps states in float32";
  Draw d(4);
  for (const Decay decay : {Decay::none, Decay::scalar, Decay::vector})
    for (const bool erase : {false, true})
      for (const HeadShape& n :
           std::vector<HeadShape>{{2, 64, 64}, {3, 16, 33}, {1, 7, 100}, {1, 128, 128}, {1, 1100, 3}})
        for (const std::vector<int32_t>& lengths : std::vector<std::vector<int32_t>>{{1, 1, 1}, {5, 1, 37}}) {
          if (n.key > 1024 && lengths[0] != 1) continue;  // rounded after every token
          ScanProblem p = draw(d, decay, erase, n, lengths);
          p.memory = DType::f16;
          for (Values& s : p.states)
            for (float& x : s) x = f16_to_float(float_to_f16(x));
          const ScanResult got = run_scan(*be, p, false);
          const ScanTruth want = define(p);
          EXPECT_LT(relative(got.o, want.o), 2e-5) << "K " << n.key << " V " << n.value;
          for (size_t s = 0; s < got.states.size(); ++s) {
            EXPECT_LT(relative(got.states[s], want.states[s]), kUnit) << "K " << n.key << " V " << n.value;
            EXPECT_GT(relative(got.states[s], want.states[s]), 1e-5) << "not kept in float16";
          }
        }
}

// ---- Goldens: tests/data/ops, whose unpack.py says where they come from and in which order the arrays lie ----

constexpr int64_t kT = 50, kH = 2, kK = 16, kV = 32;

class Golden {
 public:
  explicit Golden(const std::string& op) : file_(test_data("ops/" + op + ".f32"), std::ios::binary) {}
  Values take(int64_t n) {
    Values v(static_cast<size_t>(n));
    file_.read(reinterpret_cast<char*>(v.data()), static_cast<std::streamsize>(v.size() * sizeof(float)));
    EXPECT_TRUE(file_.good());
    return v;
  }
  Values keys() { return take(kT * kH * kK); }
  Values values() { return take(kT * kH * kV); }
  Values scalars() { return take(kT * kH); }
  // [H, K, V] of the file, [H, V, K] here
  Values state() {
    const Values in = take(kH * kK * kV);
    Values out(in.size());
    for (int64_t h = 0; h < kH; ++h)
      for (int64_t j = 0; j < kK; ++j)
        for (int64_t i = 0; i < kV; ++i)
          out[static_cast<size_t>((h * kV + i) * kK + j)] = in[static_cast<size_t>((h * kK + j) * kV + i)];
    return out;
  }

 private:
  std::ifstream file_;
};

// x[t, h, :] *= scale[t, h]
void scale_heads(Values& x, const Values& scale) {
  const size_t width = x.size() / scale.size();
  for (size_t i = 0; i < x.size(); ++i) x[i] *= scale[i / width];
}

struct GoldenProblem {
  ScanProblem p;
  Values o, state;  // as the golden has them
};

GoldenProblem load(const std::string& op) {
  Golden g(op);
  GoldenProblem out;
  ScanProblem& p = out.p;
  p.n = {kH, kK, kV};
  p.lengths = {kT};
  p.tokens = kT;
  if (op == "mamba2") {
    const auto for_all_heads = [](const Values& x) {
      Values y;
      for (int64_t t = 0; t < kT; ++t)
        for (int64_t h = 0; h < kH; ++h) y.insert(y.end(), x.begin() + t * kK, x.begin() + (t + 1) * kK);
      return y;
    };
    p.r = for_all_heads(g.take(kT * kK));
    p.k = for_all_heads(g.take(kT * kK));
    p.v = g.values();
    p.states = {g.take(kH * kV * kK)};
    out.o = g.values();
    out.state = g.take(kH * kV * kK);
    Values dt = g.scalars();
    const Values bias = g.take(kH), a_log = g.take(kH), skip = g.take(kH);
    p.decay = Decay::scalar;
    for (size_t i = 0; i < dt.size(); ++i) {
      dt[i] = std::log1p(std::exp(dt[i] + bias[i % kH]));
      p.log_w.push_back(-dt[i] * std::exp(a_log[i % kH]));
    }
    for (size_t i = 0; i < out.o.size(); ++i) out.o[i] -= skip[i / kV % kH] * p.v[i];  // o = S C + D x
    scale_heads(p.v, dt);
    return out;
  }
  p.r = g.keys();
  p.k = g.keys();
  p.v = g.values();
  const float scale = g.take(1)[0];
  for (float& x : p.r) x *= scale;
  p.states = {g.state()};
  out.o = g.values();
  out.state = g.state();
  if (op == "delta_rule" || op == "gated_delta_rule") {
    const Values beta = g.scalars();
    p.erase = true;
    p.a = p.b = p.k;
    scale_heads(p.b, beta);
    scale_heads(p.v, beta);
  }
  if (op == "simple_gla" || op == "gated_delta_rule") {
    p.decay = Decay::scalar;
    p.log_w = g.scalars();
  }
  if (op == "gated_delta_rule") {  // the state decays before the erase
    Values alpha = p.log_w;
    for (float& x : alpha) x = std::exp(x);
    scale_heads(p.b, alpha);
  }
  if (op == "rwkv7") {
    p.decay = Decay::vector;
    p.erase = true;
    p.log_w = g.keys();
    p.a = g.keys();
    p.b = g.keys();
    for (size_t i = 0; i < p.b.size(); ++i) p.b[i] *= p.a[i];
  }
  return out;
}

TEST_P(ScanTest, AgreesWithGoldens) {
  const auto be = open(GetParam());
  ASSERT_NE(be, nullptr);
  for (const char* op : {"linear_attention", "simple_gla", "delta_rule", "gated_delta_rule", "rwkv7", "mamba2"}) {
    GoldenProblem g = load(op);
    const ScanTruth want{{g.o.begin(), g.o.end()}, {{g.state.begin(), g.state.end()}}};
    // 50 sums of 16 terms; the goldens are rounded to float32 once
    EXPECT_LT(error(run_scan(*be, g.p, false), want), 1e-5) << op;
    // The same as one block: 14 more tokens that write nothing, erase nothing and keep everything.
    for (Values* x : {&g.p.r, &g.p.k, &g.p.v, &g.p.a, &g.p.b, &g.p.log_w}) x->resize(x->size() / kT * kBlock);
    g.p.tokens = g.p.lengths[0] = kBlock;
    ScanResult got = run_scan(*be, g.p, true);
    got.o.resize(g.o.size());
    EXPECT_LT(error(got, want), 1e-5) << op << " as a block";
  }
}

std::vector<Form> forms() {
  if (on_gpu()) return {{"cuda", ""}};
  return {{"reference", ""}, {"cpu", ""}, {"cpu", "step"}, {"cpu", "chunk"}};
}

INSTANTIATE_TEST_SUITE_P(Backends, ScanTest, testing::ValuesIn(forms()),
                         [](const auto& test) {
                           return std::string(test.param.backend) + (*test.param.scan != '\0' ? "_" : "") +
                                  test.param.scan;
                         });

}  // namespace
}  // namespace recurra::test
