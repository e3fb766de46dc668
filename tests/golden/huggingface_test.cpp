// Logits of Hugging Face folders against those of the libraries that own the formats (shared/goldens/hf/README.md says
// how they were made): every token's, fed whole and one at a time.
#include <algorithm>
#include <cmath>

#include "support/model.h"
#include "support/paths.h"

namespace recurra::test {
namespace {

class HuggingFaceLogits : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string name = GetParam();
    // Ours, made as the others were (transformers 5.17.0 on a CPU, float32).
    folder_ = name == "qwen3_next" ? test_data(name) : shared_path("goldens/hf/" + name);
    if (!std::filesystem::exists(folder_))
      GTEST_SKIP() << folder_ << " is absent; RECURRA_SHARED names the folder it lies in";
    tokens_ = read_values<int32_t>(folder_ + "/tokens.i32");
    want_ = read_values<float>(folder_ + "/logits.f32");
    for (const float w : want_) largest_ = std::max(largest_, std::abs(w));
  }

  // Largest difference over the largest logit.
  float run(const char* backend, bool step, const std::string& path) {
    const ModelPtr model = open_model(path, backend);
    if (model == nullptr) return INFINITY;
    const auto n_vocab = static_cast<size_t>(info_of(model.get()).n_vocab);
    if (want_.size() != tokens_.size() * n_vocab) return INFINITY;
    std::vector<float> logits(want_.size());
    const StatePtr state = new_state(model.get());
    feed(state.get(), tokens_.data(), tokens_.size(), step, logits.data());
    float worst = 0;
    for (size_t i = 0; i < want_.size(); ++i) {
      if (!std::isfinite(logits[i])) return INFINITY;
      worst = std::max(worst, std::abs(logits[i] - want_[i]));
    }
    return worst / largest_;
  }

  std::string folder_;
  std::vector<int32_t> tokens_;
  std::vector<float> want_;
  float largest_ = 0;
};

// The goldens themselves are off by at most 1e-4 / 9 from float64.
TEST_P(HuggingFaceLogits, ReferenceWithin1e4) {
  EXPECT_LT(run("reference", false, folder_), 1e-4f);
  EXPECT_LT(run("reference", true, folder_), 1e-4f);
}

TEST_P(HuggingFaceLogits, F32Within1e3) {
  EXPECT_LT(run(backend_under_test(), false, folder_), 1e-3f);
  EXPECT_LT(run(backend_under_test(), true, folder_), 1e-3f);
}

TEST_P(HuggingFaceLogits, OpensByItsFilesToo) {
  EXPECT_LT(run(backend_under_test(), false, folder_ + "/config.json"), 1e-3f);
  EXPECT_LT(run(backend_under_test(), false, folder_ + "/model.safetensors"), 1e-3f);
}

INSTANTIATE_TEST_SUITE_P(Goldens, HuggingFaceLogits,
                         testing::Values("rwkv7", "linear_attn", "delta_net", "gated_deltanet", "mamba", "mamba2",
                                         "transformer", "hf_mamba", "hf_mamba2", "hf_llama", "hf_qwen3_5",
                                         "qwen3_next"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace recurra::test
