// Logits against those of llama.cpp and rwkv.cpp (shared/goldens/README.md says how they were made).
#include <algorithm>
#include <cmath>

#include "support/model.h"
#include "support/paths.h"

namespace recurra::test {
namespace {

struct Golden {
  const char *model, *tokens, *logits;
  bool shared;  // else in tests/data
};

// The F16 files hold the values of the F32 files, so one golden serves both.
const Golden kGoldens[] = {
    {"rwkv7-f32.gguf", "tokens.i32", "rwkv7.logits.f32", true},
    {"rwkv7-f16.gguf", "tokens.i32", "rwkv7.logits.f32", true},
    {"rwkv7-hs32-f32.gguf", "tokens.i32", "rwkv7-hs32.logits.f32", true},
    {"rwkv7-hs32-f16.gguf", "tokens.i32", "rwkv7-hs32.logits.f32", false},
    {"mamba-f32.gguf", "tokens.i32", "mamba.logits.f32", true},
    {"mamba-f16.gguf", "tokens.i32", "mamba.logits.f32", false},
    {"mamba2-g1-f32.gguf", "tokens.i32", "mamba2-g1.logits.f32", true},
    {"mamba2-g1-f16.gguf", "tokens.i32", "mamba2-g1.logits.f32", true},
    {"mamba2-g2-f32.gguf", "tokens.i32", "mamba2-g2.logits.f32", true},
    {"mamba2-g2-f16.gguf", "tokens.i32", "mamba2-g2.logits.f32", false},
    {"llama-f32.gguf", "tokens.i32", "llama.logits.f32", true},
    {"llama-f16.gguf", "tokens.i32", "llama.logits.f32", false},
    {"qwen35-f32.gguf", "tokens.i32", "qwen35.logits.f32", true},
    {"qwen35-f16.gguf", "tokens.i32", "qwen35.logits.f32", false},
    // Against the same values in F32.
    {"rwkv7-d256-q8_0.gguf", "tokens.i32", "rwkv7-d256-q8_0.dequant.logits.f32", true},
    {"rwkv7-d256-q4_0.gguf", "tokens.i32", "rwkv7-d256-q4_0.dequant.logits.f32", true},
    {"rwkv7-d256-q4_k_m.gguf", "tokens.i32", "rwkv7-d256-q4_k_m.dequant.logits.f32", true},
    {"rwkv7-d256-q5_k_m.gguf", "tokens.i32", "rwkv7-d256-q5_k_m.dequant.logits.f32", true},
    {"rwkv7-d256-q6_k.gguf", "tokens.i32", "rwkv7-d256-q6_k.dequant.logits.f32", true},
    {"mamba2-d256-q8_0.gguf", "tokens.i32", "mamba2-d256-q8_0.dequant.logits.f32", true},
    {"mamba2-d256-q4_0.gguf", "tokens.i32", "mamba2-d256-q4_0.dequant.logits.f32", true},
    {"mamba2-d256-q4_k_m.gguf", "tokens.i32", "mamba2-d256-q4_k_m.dequant.logits.f32", true},
    {"mamba2-d256-q5_k_m.gguf", "tokens.i32", "mamba2-d256-q5_k_m.dequant.logits.f32", true},
    {"mamba2-d256-q6_k.gguf", "tokens.i32", "mamba2-d256-q6_k.dequant.logits.f32", true},
    {"llama-d256-q8_0.gguf", "tokens.i32", "llama-d256-q8_0.dequant.logits.f32", true},
    {"llama-d256-q4_0.gguf", "tokens.i32", "llama-d256-q4_0.dequant.logits.f32", true},
    {"llama-d256-q4_k_m.gguf", "tokens.i32", "llama-d256-q4_k_m.dequant.logits.f32", true},
    {"llama-d256-q5_k_m.gguf", "tokens.i32", "llama-d256-q5_k_m.dequant.logits.f32", true},
    {"llama-d256-q6_k.gguf", "tokens.i32", "llama-d256-q6_k.dequant.logits.f32", true},
    {"tiny-rwkv7-trained.gguf", "tiny-rwkv7-trained.expected.tokens.i32", "tiny-rwkv7-trained.expected.llamacpp.f32",
     true},
    {"tiny-rwkv7-trained.gguf", "tiny-rwkv7-trained.text.tokens.i32", "tiny-rwkv7-trained.text.first128.logits.f32",
     true},
};

struct Difference {
  double max_abs = 0, least_cosine = 1, mean_cosine = 0;
};

// Row by row over the rows the golden has.
Difference difference(const std::vector<float>& got, const std::vector<float>& want, size_t n_vocab) {
  Difference d;
  const size_t rows = want.size() / n_vocab;
  for (size_t r = 0; r < rows; ++r) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = r * n_vocab; i < (r + 1) * n_vocab; ++i) {
      const double a = got[i], b = want[i];
      d.max_abs = std::max(d.max_abs, std::abs(a - b));
      ab += a * b;
      aa += a * a;
      bb += b * b;
    }
    const double cosine = ab / std::sqrt(aa * bb);
    d.least_cosine = std::min(d.least_cosine, cosine);
    d.mean_cosine += cosine / static_cast<double>(rows);
  }
  return d;
}

class Logits : public testing::TestWithParam<Golden> {
 protected:
  // False, and skipped aloud, where the files are absent.
  void SetUp() override {
    const Golden& g = GetParam();
    const auto find = [&](const char* name) {
      return g.shared ? shared_path(std::string("goldens/") + name) : test_data(name);
    };
    model_ = find(g.model);
    if (!std::filesystem::exists(model_))
      GTEST_SKIP() << model_ << " is absent; RECURRA_SHARED names the folder it lies in";
    tokens_ = read_values<int32_t>(find(g.tokens));
    want_ = read_values<float>(find(g.logits));
  }

  Difference run(const char* backend, const char* dtype, bool step) {
    const ModelPtr model = open_model(model_, backend, dtype);
    const auto n_vocab = static_cast<size_t>(info_of(model.get()).n_vocab);
    const size_t n = std::min(tokens_.size(), want_.size() / n_vocab);
    std::vector<float> logits(n * n_vocab);
    const StatePtr state = new_state(model.get());
    feed(state.get(), tokens_.data(), n, step, logits.data());
    return difference(logits, want_, n_vocab);
  }

  std::string model_;
  std::vector<int32_t> tokens_;
  std::vector<float> want_;
};

TEST_P(Logits, ReferenceWithin2e4) {
  EXPECT_LT(run("reference", "f32", false).max_abs, 2e-4);
  EXPECT_LT(run("reference", "f32", true).max_abs, 2e-4);
}

TEST_P(Logits, F32Within1e3) {
  EXPECT_LT(run(backend_under_test(), "f32", false).max_abs, 1e-3);
  EXPECT_LT(run(backend_under_test(), "f32", true).max_abs, 1e-3);
}

// Rounding the operands of the products to bf16 alone costs about this much; one token at a time there is no rounding.
TEST_P(Logits, Bf16Cosine) {
  const bool quantised = std::string(GetParam().model).find("-q") != std::string::npos;
  recurra_model* probe = nullptr;
  recurra_model_options o;
  recurra_model_options_init(&o, sizeof o);
  o.backend = backend_under_test();
  o.dtype = "bf16";
  const recurra_status status = recurra_model_open(&probe, model_.c_str(), &o);
  recurra_model_release(probe);
  if (status == RECURRA_E_BACKEND) GTEST_SKIP() << recurra_last_error();
  const Difference d = run(backend_under_test(), "bf16", false);
  // Qwen's random weights have decays and betas that such rounding moves more than RWKV-7's.
  const bool hybrid = std::string(GetParam().model).rfind("qwen35", 0) == 0;
  EXPECT_GT(d.least_cosine, hybrid ? 0.996 : 0.998);
  EXPECT_GT(d.mean_cosine, hybrid ? 0.9995 : 0.9998);
  if (!quantised) {
    EXPECT_LT(run(backend_under_test(), "bf16", true).max_abs, 1e-3);
  }
}

INSTANTIATE_TEST_SUITE_P(Gguf, Logits, testing::ValuesIn(kGoldens), [](const auto& test) {
  std::string name = std::string(test.param.model) + "_" + test.param.logits;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

// As models are opened by default, activations rounded to 8 bits in single steps: as near to the logits of the F32
// model as llama.cpp's own, which rounds them too. 5e-4 of the mean cosine is what such roundings scatter by.
TEST(QuantisedModels, AsNearToF32AsLlamaCpp) {
  RECURRA_NEED_SHARED("goldens/rwkv7-d256-q8_0.gguf");
  for (const char* name : {"rwkv7", "mamba2", "llama"})
    for (const char* type : {"q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0"})
      for (const bool step : {false, true}) {
        const std::string base = shared_path(std::string("goldens/") + name + "-d256");
        const auto tokens = read_values<int32_t>(shared_path("goldens/tokens.i32"));
        const auto exact = read_values<float>(base + ".logits.f32");
        const auto theirs = read_values<float>(base + "-" + type + ".logits.f32");
        const ModelPtr model = open_model(base + "-" + type + ".gguf", backend_under_test(), "auto");
        const auto n_vocab = static_cast<size_t>(info_of(model.get()).n_vocab);
        std::vector<float> ours(tokens.size() * n_vocab);
        const StatePtr state = new_state(model.get());
        feed(state.get(), tokens.data(), tokens.size(), step, ours.data());
        EXPECT_GT(difference(ours, exact, n_vocab).mean_cosine, difference(theirs, exact, n_vocab).mean_cosine - 5e-4)
            << name << type << step;
      }
}

// The trained model's probabilities of a real text, each token given all before it.
TEST(TrainedModel, LogProbabilitiesOfText) {
  RECURRA_NEED_SHARED("goldens/tiny-rwkv7-trained.gguf");
  const std::string base = shared_path("goldens/tiny-rwkv7-trained");
  const auto tokens = read_values<int32_t>(base + ".text.tokens.i32");
  const auto nll = read_values<float>(base + ".text.nll.f32");
  const auto last = read_values<float>(base + ".text.last.logits.f32");
  ASSERT_EQ(nll.size() + 1, tokens.size());
  const ModelPtr model = open_model(base + ".gguf");
  const StatePtr state = new_state(model.get());
  std::vector<float> logprobs(tokens.size());
  recurra_feed_options o;
  recurra_feed_options_init(&o, sizeof o);
  o.logprobs = logprobs.data();
  ASSERT_EQ(recurra_feed(state.get(), tokens.data(), tokens.size(), &o), RECURRA_OK) << recurra_last_error();
  EXPECT_TRUE(std::isnan(logprobs[0]));
  double mean = 0;
  for (size_t i = 0; i < nll.size(); ++i) {
    ASSERT_NEAR(-logprobs[i + 1], nll[i], 1e-4) << i;
    mean -= static_cast<double>(logprobs[i + 1]) / static_cast<double>(nll.size());
  }
  EXPECT_NEAR(mean, 3.501843, 1e-5);  // the golden data's README
  const auto logits = logits_of(state.get(), 256);
  for (size_t i = 0; i < 256; ++i) ASSERT_NEAR(logits[i], last[i], 1e-4);
}

}  // namespace
}  // namespace recurra::test
