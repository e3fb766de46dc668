// However the tokens are cut into calls: logits and state agree to the rounding of float32, on every backend.
#include <algorithm>
#include <cmath>
#include <random>

#include "format/safetensors.h"
#include "support/model.h"
#include "support/subjects.h"

namespace recurra::test {
namespace {

// Largest difference over the largest value.
double difference(const float* got, const float* want, size_t n) {
  double worst = 0, largest = 1e-30;
  for (size_t i = 0; i < n; ++i) {
    if (!std::isfinite(got[i])) return INFINITY;
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i])));
    largest = std::max(largest, std::abs(static_cast<double>(want[i])));
  }
  return worst / largest;
}

// The worst of a state file's tensors.
double difference(const std::vector<unsigned char>& got, const std::vector<unsigned char>& want) {
  const auto tensors = [](const std::vector<unsigned char>& bytes) {
    return Safetensors(bytes.data(), bytes.size(), "state", Code::corrupt).tensors();
  };
  const auto a = tensors(got), b = tensors(want);
  if (a.size() != b.size()) return INFINITY;
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name || a[i].bytes != b[i].bytes) return INFINITY;
    worst = std::max(worst, difference(static_cast<const float*>(a[i].data), static_cast<const float*>(b[i].data),
                                       b[i].bytes / sizeof(float)));
  }
  return worst;
}

class Splits : public testing::TestWithParam<Subject> {};

TEST_P(Splits, AgreeToRounding) {
  constexpr size_t kLength = 260;  // across a page of the cache
  const ModelPtr cpu = open_model(path_of(GetParam())), reference = open_model(path_of(GetParam()), "reference");
  const int32_t n_vocab = info_of(cpu.get()).n_vocab;
  const std::vector<int32_t> tokens = some_tokens(kLength, n_vocab);
  const StatePtr whole = new_state(reference.get());
  feed(whole.get(), tokens.data(), kLength);
  const auto logits = logits_of(whole.get(), n_vocab);
  const auto state = bytes_of(whole.get());
  // The models are random, so nothing damps a rounding: some grow it by two orders over as many tokens.
  const double tolerance = 1e-4;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    std::mt19937_64 random(seed);
    const StatePtr s = new_state(cpu.get());
    std::string cuts;
    for (size_t at = 0; at < kLength;) {
      const size_t most = seed == 0 ? kLength : size_t{1} << (random() % 8 + 1);  // seed 0: one call
      const size_t n = seed == 0 ? kLength : std::min(kLength - at, random() % most + 1);
      feed(s.get(), tokens.data() + at, n, seed != 0 && random() % 4 == 0);
      at += n;
      cuts += " " + std::to_string(n);
    }
    const auto got = logits_of(s.get(), n_vocab);
    EXPECT_LT(difference(got.data(), logits.data(), logits.size()), tolerance) << "seed " << seed << ":" << cuts;
    EXPECT_LT(difference(bytes_of(s.get()), state), tolerance) << "seed " << seed << ":" << cuts;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Splits, testing::ValuesIn(subjects_here()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace recurra::test
