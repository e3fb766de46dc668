// Memory does not grow: not with the tokens read, not with states that come and go. RECURRA_LONG=1 reads a million
// tokens, a hundred thousand else.
#include <unistd.h>

#include <cstdio>

#include "support/api.h"

namespace recurra::test {
namespace {

bool long_run() { return std::getenv("RECURRA_LONG") != nullptr && *std::getenv("RECURRA_LONG") == '1'; }

// Resident bytes of the process's own, without a heap allocation for them. Pages of mapped files are not counted: code
// comes in when it first runs, such as a worker's going to sleep.
uint64_t resident() {
  FILE* f = std::fopen("/proc/self/statm", "re");
  unsigned long long total = 0, pages = 0, of_files = 0;
  EXPECT_EQ(std::fscanf(f, "%llu %llu %llu", &total, &pages, &of_files), 3);
  std::fclose(f);
  return (pages - of_files) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

constexpr uint64_t kFirstChunk = 4096;

struct Watch {
  uint64_t first = 0, last = 0, most = 0;
};

int32_t watch(void* user, uint64_t done, uint64_t) {
  auto& w = *static_cast<Watch*>(user);
  if (done < kFirstChunk) return 0;
  w.last = resident();
  if (w.first == 0) w.first = w.last;
  w.most = std::max(w.most, w.last);
  return 0;
}

size_t n_tokens() { return long_run() ? 1000000 : kSanitized ? 6000 : 100000; }

class Memory : public ::testing::TestWithParam<uint32_t> {
 protected:
  ModelPtr model = open_model(small_model(), GetParam());
  StatePtr state = make_state(model.get());
};

TEST_P(Memory, OneFeedOfManyTokens) {
  const Tokens tokens = some_tokens(n_tokens());
  // The code of blocks and of single tokens, which lie at the end, the pages of its stack that a worker needs for each,
  // and stdio's buffers are there before.
  const StatePtr before = make_state(model.get());
  for (int i = 0; i < 12; ++i) feed(before.get(), some_tokens(777));
  resident();
  Watch w;
  recurra_feed_options o = defaults(recurra_feed_options_init);
  o.progress = watch;
  o.user = &w;
  EXPECT_OK(recurra_feed(state.get(), tokens.data(), tokens.size(), &o));
  EXPECT_EQ(info_of(state.get()).n_tokens, tokens.size());
  std::printf("%zu tokens in one call: %llu bytes resident after the first %llu, %+lld at the end, %+lld at most\n",
              tokens.size(), static_cast<unsigned long long>(w.first), static_cast<unsigned long long>(kFirstChunk),
              static_cast<long long>(w.last - w.first), static_cast<long long>(w.most - w.first));
  if (kSanitized) GTEST_SKIP() << "the sanitizer's own memory grows: only the release build can tell";
  EXPECT_EQ(w.last, w.first);
  EXPECT_EQ(w.most, w.first);
}

TEST_P(Memory, ManyFeedsOfFewTokens) {
  const Tokens tokens = some_tokens(777);  // whole blocks and single steps
  resident();
  uint64_t first = 0, read = 0;
  for (; read < n_tokens(); read += tokens.size()) {
    feed(state.get(), tokens);
    if (first == 0 && read >= kFirstChunk) first = resident();
  }
  const uint64_t last = resident();
  std::printf("%llu tokens in calls of 777: %llu bytes resident after the first %llu, %+lld at the end\n",
              static_cast<unsigned long long>(read), static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(kFirstChunk), static_cast<long long>(last - first));
  if (kSanitized) GTEST_SKIP() << "the sanitizer's own memory grows: only the release build can tell";
  EXPECT_EQ(last, first);
}

// What a state keeps to go back has its size once it is full, and so has the memory of the process, going back and on.
TEST_P(Memory, ManyFeedsWithRewind) {
  recurra_state_options o = defaults(recurra_state_options_init);
  o.rewind_tokens = 1024;
  recurra_state* s = nullptr;
  ASSERT_OK(recurra_state_create(&s, model.get(), &o));
  const StatePtr owner(s);
  const Tokens tokens = some_tokens(777);
  resident();
  uint64_t first = 0, read = 0, most = 0;
  for (int i = 0; read < n_tokens(); read += tokens.size(), ++i) {
    feed(s, tokens);
    if (i % 4 == 3) {
      EXPECT_OK(recurra_state_rewind(s, static_cast<uint64_t>(i) % 1024));
    }
    for (int j = 0; j < i % 8; ++j) EXPECT_OK(recurra_feed(s, tokens.data() + j, 1, nullptr));
    most = std::max(most, info_of(s).state_bytes);
    if (first == 0 && read >= 20000) first = resident();
  }
  const uint64_t last = resident(), once = info_of(model.get()).state_bytes;
  std::printf(
      "%llu tokens with rewind_tokens 1024: %llu bytes resident after the first 20000, %+lld at the end; a state of "
      "%llu bytes is %llu "
      "at most\n",
      static_cast<unsigned long long>(read), static_cast<unsigned long long>(first),
      static_cast<long long>(last - first), static_cast<unsigned long long>(once),
      static_cast<unsigned long long>(most));
  EXPECT_LE(most, 11 * once + (1u << 16));
  if (kSanitized) GTEST_SKIP() << "the sanitizer's own memory grows: only the release build can tell";
  EXPECT_EQ(last, first);
}

INSTANTIATE_TEST_SUITE_P(Threads, Memory, ::testing::Values(1u, 2u),
                         [](const auto& threads) { return std::to_string(threads.param) + "threads"; });

// One conversation after the other, with everything that a call may allocate.
void converse(recurra_model* model, std::string& bytes) {
  const StatePtr state = make_state(model);
  static const Tokens tokens = some_tokens(70);
  recurra_token out[4];
  float scores[4];
  size_t n = 0;
  ASSERT_OK(recurra_feed(state.get(), tokens.data(), tokens.size(), nullptr));
  ASSERT_OK(recurra_state_set_note(state.get(), "title", "a text that is longer than a small string"));
  ASSERT_OK(recurra_query(out, 4, &n, state.get(), tokens.data(), 3, nullptr));
  ASSERT_OK(recurra_score(scores, state.get(), tokens.data(), 4, nullptr));
  ASSERT_OK(recurra_save_memory(&bytes[0], bytes.size(), &n, state.get(), nullptr));
  const StatePtr other = make_state(model);
  ASSERT_OK(recurra_load_memory(other.get(), bytes.data(), n));
  ASSERT_EQ(recurra_feed(state.get(), nullptr, 1, nullptr), RECURRA_E_INVALID);
}

TEST(StatesThatComeAndGo, LeaveNothing) {
  const ModelPtr model = open_model();
  std::string bytes(info_of(model.get()).state_bytes * 2 + 8192, '\0');
  for (int i = 0; i < 50; ++i) converse(model.get(), bytes);
  const uint64_t first = resident();
  for (int i = 0; i < (kSanitized ? 100 : 2000); ++i) converse(model.get(), bytes);
  const auto growth = static_cast<int64_t>(resident() - first);
  std::printf("2000 conversations: %+lld bytes resident\n", static_cast<long long>(growth));
  if (kSanitized) GTEST_SKIP() << "the sanitizer's own memory grows: only the release build can tell";
  EXPECT_LT(growth, 1 << 20);
}

TEST(ModelsThatComeAndGo, LeaveNothing) {
  const auto once = [] {
    const ModelPtr model = open_model(small_model(), 2);
    const StatePtr state = make_state(model.get());
    feed(state.get(), some_tokens(200));
  };
  for (int i = 0; i < 20; ++i) once();
  const uint64_t first = resident();
  for (int i = 0; i < (kSanitized ? 20 : 200); ++i) once();
  const auto growth = static_cast<int64_t>(resident() - first);
  std::printf("200 models: %+lld bytes resident\n", static_cast<long long>(growth));
  if (kSanitized) GTEST_SKIP() << "the sanitizer's own memory grows: only the release build can tell";
  EXPECT_LT(growth, 1 << 20);
}

}  // namespace
}  // namespace recurra::test
