// The promise of the same bits, for every mixer, with memcmp: whatever the number of threads, the company in a batch,
// the run, the cut inside the step path, a save in the middle, a clone, a fork. Run at every CPU level and in both
// dtypes.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <numeric>
#include <thread>

#include "support/model.h"
#include "support/subjects.h"

namespace recurra::test {
namespace {

constexpr size_t kLength = 300;  // four blocks of 64 and a rest

struct Promise {
  Subject model;
  const char* dtype;
};

class Bits : public testing::TestWithParam<Promise> {
 protected:
  void SetUp() override {
    const recurra_status status = try_open(model_, path_of(GetParam().model), GetParam().dtype);
    if (status == RECURRA_E_BACKEND) GTEST_SKIP() << recurra_last_error();
    ASSERT_EQ(status, RECURRA_OK) << recurra_last_error();
    n_vocab_ = info_of(model_.get()).n_vocab;
    tokens_ = some_tokens(kLength, n_vocab_);
  }

  ModelPtr open(uint32_t threads) const {
    return open_model(path_of(GetParam().model), "cpu", GetParam().dtype, threads);
  }

  // What a state is after it has read tokens[first .. first+n) in one call.
  std::vector<unsigned char> after(recurra_model* m, size_t first, size_t n) const {
    const StatePtr s = new_state(m);
    feed(s.get(), tokens_.data() + first, n);
    return bytes_of(s.get());
  }

  ModelPtr model_;
  int32_t n_vocab_ = 0;
  std::vector<int32_t> tokens_;
};

TEST_P(Bits, ForcedLevelIsUsed) {
  const char* forced = std::getenv("RECURRA_CPU_LEVEL");
  if (forced != nullptr) {
    EXPECT_STREQ(info_of(model_.get()).cpu_level, forced);
  }
  EXPECT_STREQ(info_of(model_.get()).dtype, GetParam().dtype);
}

TEST_P(Bits, AnyNumberOfThreads) {
  const auto want = after(open(1).get(), 0, kLength);
  for (const uint32_t threads : {2u, 3u, 7u}) EXPECT_EQ(after(open(threads).get(), 0, kLength), want) << threads;
}

TEST_P(Bits, EveryRun) {
  const auto want = after(model_.get(), 0, kLength);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(after(model_.get(), 0, kLength), want);
}

TEST_P(Bits, LogitsToo) {
  const ModelPtr one = open(1);
  const StatePtr a = new_state(one.get()), b = new_state(model_.get());
  feed(a.get(), tokens_.data(), kLength);
  feed(b.get(), tokens_.data(), kLength);
  EXPECT_EQ(logits_of(a.get(), n_vocab_), logits_of(b.get(), n_vocab_));
}

// Lengths chosen so that in one call some states are in the middle of a block, some take whole blocks, some one token.
TEST_P(Bits, AloneOrInAnyBatchAndOrder) {
  const std::vector<size_t> before = {0, 5, 63, 64, 100, 0, 7}, length = {1, 130, 1, 200, 64, 192, 57};
  const size_t n = length.size();
  std::vector<std::vector<unsigned char>> want(n);
  for (size_t i = 0; i < n; ++i) {
    const StatePtr s = new_state(model_.get());
    if (before[i] != 0) feed(s.get(), tokens_.data(), before[i]);
    feed(s.get(), tokens_.data() + before[i], length[i]);
    want[i] = bytes_of(s.get());
  }
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  for (int turn = 0; turn < 4; ++turn) {
    std::vector<StatePtr> states;
    std::vector<recurra_state*> raw;
    std::vector<const int32_t*> tokens;
    std::vector<size_t> counts;
    for (const size_t i : order) {
      states.push_back(new_state(model_.get()));
      if (before[i] != 0) feed(states.back().get(), tokens_.data(), before[i]);
      raw.push_back(states.back().get());
      tokens.push_back(tokens_.data() + before[i]);
      counts.push_back(length[i]);
    }
    ASSERT_EQ(recurra_feed_batch(raw.data(), tokens.data(), counts.data(), n, nullptr), RECURRA_OK)
        << recurra_last_error();
    for (size_t at = 0; at < n; ++at) EXPECT_EQ(bytes_of(raw[at]), want[order[at]]) << "state " << order[at];
    std::rotate(order.begin(), order.begin() + 3, order.end());
    std::swap(order[0], order[5]);
  }
}

// More states than one pass of single rows holds.
TEST_P(Bits, HundredStatesAtOnce) {
  constexpr size_t kStates = 100;
  std::vector<StatePtr> states;
  std::vector<recurra_state*> raw;
  std::vector<const int32_t*> tokens;
  std::vector<size_t> counts;
  for (size_t i = 0; i < kStates; ++i) {
    states.push_back(new_state(model_.get()));
    raw.push_back(states.back().get());
    tokens.push_back(tokens_.data() + i);
    counts.push_back(1 + i % 3);
  }
  ASSERT_EQ(recurra_feed_batch(raw.data(), tokens.data(), counts.data(), kStates, nullptr), RECURRA_OK)
      << recurra_last_error();
  for (size_t i = 0; i < kStates; ++i) ASSERT_EQ(bytes_of(raw[i]), after(model_.get(), i, counts[i])) << i;

  const auto width = static_cast<size_t>(n_vocab_);
  std::vector<float> together(kStates * width), alone(width);
  ASSERT_EQ(recurra_logits_batch(together.data(), together.size(), raw.data(), kStates), RECURRA_OK)
      << recurra_last_error();
  for (size_t i = 0; i < kStates; ++i) {
    ASSERT_EQ(recurra_logits(alone.data(), width, raw[i]), RECURRA_OK) << recurra_last_error();
    ASSERT_EQ(std::memcmp(alone.data(), together.data() + i * width, width * sizeof(float)), 0) << i;
  }
}

// Where no whole block lies in a call, the cut does not matter: 50 tokens at once are 50 single ones.
TEST_P(Bits, CutsInsideTheStepPath) {
  const auto want = after(model_.get(), 0, 50);
  const StatePtr single = new_state(model_.get()), stepped = new_state(model_.get()), pieces = new_state(model_.get());
  for (size_t i = 0; i < 50; ++i) feed(single.get(), tokens_.data() + i, 1);
  feed(stepped.get(), tokens_.data(), 50, true);
  feed(pieces.get(), tokens_.data(), 17);
  feed(pieces.get(), tokens_.data() + 17, 33);
  EXPECT_EQ(bytes_of(single.get()), want);
  EXPECT_EQ(bytes_of(stepped.get()), want);
  EXPECT_EQ(bytes_of(pieces.get()), want);
}

// Cuts at multiples of the block leave the same blocks.
TEST_P(Bits, CutsBetweenBlocks) {
  const auto want = after(model_.get(), 0, kLength);
  const StatePtr s = new_state(model_.get());
  feed(s.get(), tokens_.data(), 128);
  feed(s.get(), tokens_.data() + 128, kLength - 128);
  EXPECT_EQ(bytes_of(s.get()), want);
}

// A model opened as exact has no blocks: one call, cuts anywhere and one token at a time are all the same.
TEST_P(Bits, AnyCutWhereExact) {
  const ModelPtr exact = open_model(path_of(GetParam().model), "cpu", GetParam().dtype, 2, true);
  EXPECT_EQ(info_of(exact.get()).exact, 1u);
  EXPECT_EQ(info_of(model_.get()).exact, 0u);
  const auto want = after(exact.get(), 0, kLength);
  const StatePtr cut = new_state(exact.get()), step = new_state(exact.get()), other = new_state(model_.get());
  for (size_t at = 0, n = 1; at < kLength; at += n, n = std::min(2 * n + 1, kLength - at))
    feed(cut.get(), tokens_.data() + at, n);
  feed(step.get(), tokens_.data(), kLength, true);
  feed(other.get(), tokens_.data(), kLength, true);
  EXPECT_EQ(bytes_of(cut.get()), want);
  EXPECT_EQ(bytes_of(step.get()), want);
  // The same numbers, but a file says how they were made.
  EXPECT_EQ(logits_of(other.get(), n_vocab_), logits_of(step.get(), n_vocab_));
}

TEST_P(Bits, SaveLoadCloneCopy) {
  const StatePtr whole = new_state(model_.get());
  feed(whole.get(), tokens_.data(), 77);
  const auto saved = bytes_of(whole.get());
  const StatePtr loaded = new_state(model_.get()), copied = new_state(model_.get());
  ASSERT_EQ(recurra_load_memory(loaded.get(), saved.data(), saved.size()), RECURRA_OK) << recurra_last_error();
  ASSERT_EQ(recurra_state_copy(copied.get(), whole.get()), RECURRA_OK) << recurra_last_error();
  recurra_state* clone = nullptr;
  ASSERT_EQ(recurra_state_clone(&clone, whole.get()), RECURRA_OK) << recurra_last_error();
  const StatePtr cloned(clone);
  for (recurra_state* s : {whole.get(), loaded.get(), copied.get(), cloned.get()})
    feed(s, tokens_.data() + 77, kLength - 77);
  const auto want = bytes_of(whole.get());
  EXPECT_EQ(bytes_of(loaded.get()), want);
  EXPECT_EQ(bytes_of(copied.get()), want);
  EXPECT_EQ(bytes_of(cloned.get()), want);
}

// Several threads feed states of one model at once: one has the pool, the others compute alone.
TEST_P(Bits, ManyCallers) {
  const auto want = after(model_.get(), 0, kLength);
  std::vector<std::vector<unsigned char>> got(4);
  std::vector<std::thread> callers;
  for (auto& bytes : got) callers.emplace_back([&] { bytes = after(model_.get(), 0, kLength); });
  for (std::thread& t : callers) t.join();
  for (const auto& bytes : got) EXPECT_EQ(bytes, want);
}

#if !defined(__SANITIZE_THREAD__)  // its runtime does not support threads made after a fork
TEST_P(Bits, ChildProcess) {
  const auto want = after(model_.get(), 0, kLength);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(after(model_.get(), 0, kLength) == want ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(after(model_.get(), 0, kLength), want);
}
#endif

std::vector<Promise> promises() {
  std::vector<Promise> all;
  for (const Subject& s : subjects_here()) {
    all.push_back({s, "f32"});
    // The type of the products is no matter of the mixer: three stand for all.
    const std::string name = s.name;
    if (name == "rwkv7" || name == "mamba2" || name == "qwen35") all.push_back({s, "bf16"});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Models, Bits, testing::ValuesIn(promises()),
                         [](const auto& test) { return std::string(test.param.model.name) + "_" + test.param.dtype; });

}  // namespace
}  // namespace recurra::test
