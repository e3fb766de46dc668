// Tokens that a device picks are those that Sampler::pick gives for the same logits, in every combination of options,
// or undecided; and how often it is that.
#include <cfloat>
#include <cstdio>

#include "model/sampler.h"
#include "support/ops.h"

namespace recurra::test {
namespace {

// No HostedBackend in between: one row of a large vocabulary would be copied twice for every pick.
std::unique_ptr<Backend> open_plain(const Candidate& c, std::string* why) {
  BackendOptions o;
  o.dtype = c.dtype;
  for (const BackendEntry& b : backends()) {
    if (std::string(b.name) != c.backend) continue;
    try {
      return b.create(o);
    } catch (const Error& e) {
      *why = e.what();
      return nullptr;
    }
  }
  *why = "there is no such backend";
  return nullptr;
}

class PickTest : public testing::TestWithParam<Candidate> {
 protected:
  void SetUp() override {
    std::string why;
    be_ = open_plain(GetParam(), &why);
    if (!be_) GTEST_SKIP() << why;
    exec_ = be_->exec();
    exec_->begin();
    if (!exec_->pick(nullptr, {}, {})) GTEST_SKIP() << be_->name() << " leaves picking to the host";
  }
  void TearDown() override {
    if (exec_) exec_->end();
  }

  float any(std::initializer_list<float> values) {
    return values.begin()[static_cast<size_t>(d_.between(0, static_cast<int64_t>(values.size()) - 1))];
  }
  bool one_in(int64_t n) { return d_.between(1, n) == 1; }

  SamplerOptions options() {
    SamplerOptions o;
    o.seed = static_cast<uint64_t>(d_.between(0, INT64_MAX));
    o.temperature = any({0, 0.01f, 0.5f, 0.8f, 1, 1, 1.7f, 50});
    o.top_k = static_cast<int32_t>(any({0, 0, 0, 1, 2, 5, 40, 40, 70, 1000}));
    o.top_p = any({1, 1, 1, 1e-6f, 0.3f, 0.9f, 0.95f, 0.999f});
    o.min_p = any({0, 0, 0.01f, 0.05f, 0.5f, 1});
    o.repeat_penalty = any({1, 1, 1.1f, 2, 0.7f});
    o.repeat_last_n = static_cast<int32_t>(any({0, 1, 3, 64, 300}));
    return o;
  }

  // crowded: many share a logit, or all but one place in the order of this backend's bins.
  Values logits(int64_t n, bool& crowded) {
    const float scale = any({0.01f, 1, 1, 2.5f, 2.5f, 20});
    Values l = d_.normal(n, scale);
    crowded = false;
    switch (d_.between(0, 9)) {
      case 0:  // sure of itself
        for (int i = 0; i < 5; ++i) l[static_cast<size_t>(d_.between(0, n - 1))] += 15 + static_cast<float>(i);
        crowded = scale < 1 || n > 100000;
        break;
      case 1:
        for (float& x : l) x = std::round(4 * x) / 4;
        crowded = true;
        break;
      case 2:
        std::fill(l.begin(), l.end(), any({0, -3, 7.25f}));
        crowded = true;
        break;
      case 3:
        for (float& x : l)
          if (one_in(16)) x = -INFINITY;
        break;
      case 4:  // few are left, fewer than top-k keeps
        for (float& x : l)
          if (!one_in(n / 30 + 1)) x = -INFINITY;
        break;
      case 5:
        for (float& x : l)
          if (one_in(5)) x = one_in(2) ? 0.0f : -0.0f;
        crowded = true;
        break;
      case 6:  // neighbours in the order that a float can have
        for (int i = 0; i < 20; ++i) {
          const float a = l[static_cast<size_t>(d_.between(0, n - 1))];
          l[static_cast<size_t>(d_.between(0, n - 1))] = std::nextafter(a, 100.0f);
        }
        break;
      default:
        break;
    }
    l[static_cast<size_t>(d_.between(0, n - 1))] = 0.25f;
    return l;
  }

  Tensor upload(const Values& values, int64_t rows, int64_t stride) {
    Tensor t = exec_->scratch(rows, stride);
    be_->upload(reinterpret_cast<std::byte*>(t.data), values.data(), values.size() * sizeof(float));
    return t;
  }

  std::unique_ptr<Backend> be_;
  std::unique_ptr<Exec> exec_;
  Draw d_{17};
};

TEST_P(PickTest, IsTheSamplers) {
  const struct {
    int64_t n;
    int rounds;
  } sizes[] = {{1, 40}, {7, 250}, {1000, 400}, {2049, 100}, {65536, 90}, {151936, 25}};
  constexpr int kMostRows = 5;
  for (const auto& size : sizes) {
    const int64_t n = size.n, stride = n + 3;
    int picks = 0, undecided = 0, undecided_crowded = 0;
    for (int round = 0; round < size.rounds; ++round) {
      const Frame frame(*exec_);
      const auto rows = static_cast<size_t>(d_.between(1, kMostRows));
      std::vector<Sampler> samplers;
      std::vector<Values> all(rows);
      bool crowded[kMostRows];
      Values values(rows * static_cast<size_t>(stride), NAN);
      std::vector<std::string> what;
      for (size_t i = 0; i < rows; ++i) {
        const SamplerOptions o = options();
        samplers.emplace_back(o);
        all[i] = logits(n, crowded[i]);
        std::copy(all[i].begin(), all[i].end(), values.begin() + static_cast<int64_t>(i) * stride);
        for (int64_t past = d_.between(0, 100); past > 0; --past)
          samplers[i].picked(static_cast<int32_t>(d_.between(0, one_in(2) ? n - 1 : n + 9)));
        what.push_back((testing::Message()
                        << "n " << n << " round " << round << " row " << i << ": temperature " << o.temperature
                        << " top_k " << o.top_k << " top_p " << o.top_p << " min_p " << o.min_p << " repeat_penalty "
                        << o.repeat_penalty << " repeat_last_n " << o.repeat_last_n << " crowded " << crowded[i])
                           .GetString());
      }
      Tensor x = upload(values, static_cast<int64_t>(rows), stride);
      x.cols = n;
      for (int again = 0; again < 2; ++again) {
        std::vector<Pick> by;
        for (Sampler& s : samplers) by.push_back(s.next());
        std::vector<int32_t> out(rows, -7);
        ASSERT_TRUE(exec_->pick(out.data(), by, x));
        for (size_t i = 0; i < rows; ++i) {
          Sampler host = samplers[i];
          const int32_t expected = host.pick(all[i].data(), all[i].size());
          ++picks;
          if (out[i] == -1) {
            ++(crowded[i] ? undecided_crowded : undecided);
            if (!crowded[i]) std::printf("undecided: %s\n", what[i].c_str());
          } else {
            ASSERT_EQ(out[i], expected) << what[i];
          }
          samplers[i].picked(expected);
        }
      }
    }
    std::printf("%lld tokens: %d picks, undecided %d, and %d where many share a logit\n", static_cast<long long>(n),
                picks, undecided, undecided_crowded);
    EXPECT_LE(undecided, 1 + picks / 1000);
    EXPECT_LE(undecided_crowded, n > 2048 ? picks / 5 : 0);
  }
}

// The same, over and over from the same logits: drawn numbers of all sizes.
TEST_P(PickTest, DrawsAsTheSamplerDoes) {
  for (const int64_t n : {int64_t{50}, int64_t{5000}}) {
    const Frame frame(*exec_);
    const Values l = d_.normal(n, 2);
    const Tensor x = upload(l, 1, n);
    for (int kind = 0; kind < 4; ++kind) {
      SamplerOptions o;
      o.temperature = 0.8f;
      o.seed = static_cast<uint64_t>(kind);
      if (kind == 1 || kind == 3) o.top_k = 40;
      if (kind >= 2) o.top_p = 0.95f;
      if (kind == 3) o.min_p = 0.05f, o.repeat_penalty = 1.1f;
      Sampler device(o), host(o);
      for (int i = 0; i < 200; ++i) {
        const int32_t expected = host.pick(l.data(), l.size());
        int32_t token = -7;
        const Pick by = device.next();
        ASSERT_TRUE(exec_->pick(&token, {&by, 1}, x));
        ASSERT_EQ(token, expected) << "n " << n << " kind " << kind << " pick " << i;
        device.picked(token);
      }
    }
  }
}

TEST_P(PickTest, LeavesWhatIsNoNumberToTheHost) {
  const int64_t n = 5000;
  for (const float temperature : {0.0f, 1.0f}) {
    for (const int32_t k : {0, 40}) {
      SamplerOptions o;
      o.temperature = temperature;
      o.top_k = k;
      o.repeat_penalty = 1.5f;
      Sampler sampler(o);
      sampler.picked(3);
      for (const float bad : {NAN, -NAN, INFINITY, -INFINITY}) {
        const Frame frame(*exec_);
        Values l = d_.normal(n, 2);
        l[static_cast<size_t>(d_.between(0, n - 1))] = bad;
        if (bad == -INFINITY) std::fill(l.begin(), l.end(), bad);
        const Tensor x = upload(l, 1, n);
        const Pick by = sampler.next();
        int32_t token = -7;
        ASSERT_TRUE(exec_->pick(&token, {&by, 1}, x));
        EXPECT_EQ(token, -1) << bad;
        ASSERT_TRUE(exec_->pick(&token, {}, x));
        EXPECT_EQ(token, -1) << bad;
      }
    }
  }
}

TEST_P(PickTest, ExtremesStayInRange) {
  const float most = FLT_MAX, tiny = 1e-45f;
  const Values l = {most, -most, 0, tiny, most, -tiny, 1, -1};
  const Frame frame(*exec_);
  const Tensor x = upload(l, 1, static_cast<int64_t>(l.size()));
  int undecided = 0;
  for (const float temperature : {0.0f, tiny, 1e-20f, 1.0f, most}) {
    for (const float penalty : {tiny, 1.0f, most}) {
      for (const float p : {0.4f, 1.0f}) {  // two weigh 1, the others nothing: half is at a cut
        SamplerOptions o;
        o.temperature = temperature;
        o.repeat_penalty = penalty;
        o.top_p = p;
        Sampler sampler(o);
        for (int i = 0; i < 20; ++i) {
          const Pick by = sampler.next();
          int32_t token = -7;
          ASSERT_TRUE(exec_->pick(&token, {&by, 1}, x));
          Sampler host = sampler;
          const int32_t expected = host.pick(l.data(), l.size());
          if (token == -1)
            ++undecided;
          else
            ASSERT_EQ(token, expected) << temperature << ' ' << penalty << ' ' << p;
          sampler.picked(expected);
        }
      }
    }
  }
  EXPECT_LE(undecided, 6);
}

INSTANTIATE_TEST_SUITE_P(Backends, PickTest, testing::ValuesIn(candidates()),
                         [](const auto& test) { return std::string(test.param.backend) + "_" + test.param.dtype; });

}  // namespace
}  // namespace recurra::test
