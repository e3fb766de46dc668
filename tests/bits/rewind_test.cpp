// Going back: the state has the very bits of one that never read on, whatever the cuts, for every mixer.
#include <algorithm>
#include <cstring>
#include <random>

#include "support/model.h"
#include "support/subjects.h"

namespace recurra::test {
namespace {

StatePtr new_state(recurra_model* m, uint32_t rewind) {
  recurra_state_options o;
  EXPECT_EQ(recurra_state_options_init(&o, sizeof o), RECURRA_OK);
  o.rewind_tokens = rewind;
  recurra_state* s = nullptr;
  EXPECT_EQ(recurra_state_create(&s, m, &o), RECURRA_OK) << recurra_last_error();
  return StatePtr(s);
}

recurra_state_info info_of(const recurra_state* s) {
  recurra_state_info i{};
  i.struct_size = sizeof i;
  EXPECT_EQ(recurra_state_get_info(&i, s), RECURRA_OK) << recurra_last_error();
  return i;
}

void expect_refused(recurra_state* s, uint64_t n, const std::string& words) {
  const auto before = bytes_of(s);
  const uint64_t can = info_of(s).rewind_tokens;
  EXPECT_EQ(recurra_state_rewind(s, n), RECURRA_E_INVALID);
  EXPECT_NE(std::string(recurra_last_error()).find(words), std::string::npos) << recurra_last_error();
  EXPECT_EQ(bytes_of(s), before);
  EXPECT_EQ(info_of(s).rewind_tokens, can);
}

struct Case {
  Subject subject;
  const char* dtype;
  bool exact;
};

class Rewind : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const recurra_status status = try_open(model_, path_of(GetParam().subject), GetParam().dtype, GetParam().exact);
    if (status == RECURRA_E_BACKEND) GTEST_SKIP() << recurra_last_error();
    ASSERT_EQ(status, RECURRA_OK) << recurra_last_error();
    n_vocab_ = info_of_model().n_vocab;
  }
  recurra_model_info info_of_model() const { return test::info_of(model_.get()); }

  // A new state that reads these calls, one after the other.
  std::vector<unsigned char> fresh(const std::vector<std::vector<int32_t>>& calls) const {
    const StatePtr s = test::new_state(model_.get());
    for (const auto& call : calls) feed(s.get(), call.data(), call.size());
    return bytes_of(s.get());
  }

  ModelPtr model_;
  int32_t n_vocab_ = 0;
};

// What a conversation has read, call by call.
struct Script {
  std::vector<std::vector<int32_t>> calls;
  void cut(uint64_t n) {
    while (n != 0) {
      const uint64_t take = std::min<uint64_t>(n, calls.back().size());
      calls.back().resize(calls.back().size() - take);
      if (calls.back().empty()) calls.pop_back();
      n -= take;
    }
  }
  uint64_t tokens() const {
    uint64_t n = 0;
    for (const auto& c : calls) n += c.size();
    return n;
  }
};

// Drawn conversations: calls of many lengths, alone and in a batch, and steps back between them.
TEST_P(Rewind, HasTheBitsOfAStateThatNeverReadOn) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  const std::vector<uint32_t> limits = {200};  // many times slower
#else
  const std::vector<uint32_t> limits = {1, 40, 200, 1000};
#endif
  for (const uint32_t limit : limits) {
    std::mt19937 random(limit);
    const auto below = [&](uint64_t n) { return static_cast<uint64_t>(random()) % n; };
    const StatePtr s = new_state(model_.get(), limit), company = test::new_state(model_.get());
    Script script;
    uint64_t floor = 0, seed = 0;
    const uint64_t most_bytes = 11 * info_of_model().state_bytes + (1u << 17);
    for (int turn = 0; turn < (limit == 200 ? 24 : 10); ++turn) {
      const uint64_t lengths[] = {1, 1 + below(5), 1 + below(64), 64, 1 + below(200), 512, 1 + below(700)};
      const uint64_t n = lengths[below(7)];
      if (script.tokens() + n < 2200) {
        script.calls.push_back(some_tokens(n, n_vocab_, ++seed));
        const int32_t* tokens = script.calls.back().data();
        if (turn % 3 == 2) {
          recurra_state* states[] = {company.get(), s.get()};
          const int32_t* lists[] = {tokens, tokens};
          const size_t counts[] = {1 + below(n), n};
          ASSERT_EQ(recurra_feed_batch(states, lists, counts, 2, nullptr), RECURRA_OK) << recurra_last_error();
        } else {
          feed(s.get(), tokens, n);
        }
        const uint64_t now = script.tokens();
        floor = std::max(floor, now - std::min<uint64_t>(limit, now));
      }
      const recurra_state_info info = info_of(s.get());
      ASSERT_EQ(info.n_tokens, script.tokens());
      ASSERT_EQ(info.rewind_tokens, script.tokens() - floor);
      if (!GetParam().subject.grows) {
        EXPECT_LE(info.state_bytes, most_bytes);
      }
      if (turn % 2 == 0) continue;
      const uint64_t back = turn % 8 == 7 ? info.rewind_tokens : below(info.rewind_tokens + 1);
      ASSERT_EQ(recurra_state_rewind(s.get(), back), RECURRA_OK) << recurra_last_error();
      script.cut(back);
      ASSERT_EQ(bytes_of(s.get()), fresh(script.calls)) << "limit " << limit << ", turn " << turn << ", back " << back;
      expect_refused(s.get(), info.rewind_tokens - back + 1,
                     "can go back " + std::to_string(info.rewind_tokens - back) + " tokens");
    }
    feed(s.get(), some_tokens(100, n_vocab_, 99).data(), 100);
    script.calls.push_back(some_tokens(100, n_vocab_, 99));
    EXPECT_EQ(bytes_of(s.get()), fresh(script.calls));
  }
}

// Generation reads token by token what may be whole blocks.
TEST_P(Rewind, OverWhatWasGenerated) {
  const StatePtr s = new_state(model_.get(), 300), once = test::new_state(model_.get());
  const auto prompt = some_tokens(70, n_vocab_);
  std::vector<int32_t> out(150);
  size_t n = 0;
  recurra_generate_options o;
  recurra_generate_options_init(&o, sizeof o);
  recurra_sampler_options draw;
  recurra_sampler_options_init(&draw, sizeof draw);
  draw.temperature = 1;
  recurra_sampler* sampler = nullptr;
  ASSERT_EQ(recurra_sampler_create(&sampler, &draw), RECURRA_OK);
  o.sampler = sampler;
  o.max_tokens = out.size();
  feed(s.get(), prompt.data(), prompt.size());
  ASSERT_EQ(recurra_generate(out.data(), out.size(), &n, s.get(), &o), RECURRA_OK) << recurra_last_error();
  recurra_sampler_free(sampler);
  if (n < 5) return;  // it ended its text at once
  feed(s.get(), prompt.data(), prompt.size());
  ASSERT_EQ(recurra_state_rewind(s.get(), prompt.size() + 4), RECURRA_OK) << recurra_last_error();
  feed(once.get(), prompt.data(), prompt.size());
  for (size_t i = 0; i + 4 < n; ++i) feed(once.get(), out.data() + i, 1);
  EXPECT_EQ(bytes_of(s.get()), bytes_of(once.get()));
}

TEST_P(Rewind, ToTheVeryBeginningAndNotAtAll) {
  const StatePtr s = new_state(model_.get(), 500), none = test::new_state(model_.get());
  const auto empty = bytes_of(s.get());
  const auto tokens = some_tokens(400, n_vocab_);
  EXPECT_EQ(recurra_state_rewind(s.get(), 0), RECURRA_OK);
  expect_refused(s.get(), 1, "can go back 0 tokens");
  feed(s.get(), tokens.data(), 400);
  ASSERT_EQ(recurra_state_set_note(s.get(), "title", "kept"), RECURRA_OK);
  ASSERT_EQ(recurra_state_rewind(s.get(), 400), RECURRA_OK) << recurra_last_error();
  size_t n = 0;
  char note[8];
  ASSERT_EQ(recurra_state_get_note(note, sizeof note, &n, s.get(), "title"), RECURRA_OK);
  ASSERT_EQ(recurra_state_set_note(s.get(), "title", nullptr), RECURRA_OK);
  EXPECT_EQ(bytes_of(s.get()), empty);
  feed(none.get(), tokens.data(), 400);
  EXPECT_EQ(recurra_state_rewind(none.get(), 0), RECURRA_OK);
  expect_refused(none.get(), 1, "made without rewind_tokens");
  EXPECT_EQ(info_of(none.get()).rewind_tokens, 0u);
}

TEST_P(Rewind, CopiesGoBackTooAndLoadedStatesBeginAnew) {
  const auto tokens = some_tokens(600, n_vocab_);
  const StatePtr s = new_state(model_.get(), 400), narrow = new_state(model_.get(), 50),
                 none = test::new_state(model_.get()), loaded = new_state(model_.get(), 400);
  feed(s.get(), tokens.data(), 300);
  feed(s.get(), tokens.data() + 300, 290);
  const auto all = bytes_of(s.get());
  recurra_state* c = nullptr;
  ASSERT_EQ(recurra_state_clone(&c, s.get()), RECURRA_OK) << recurra_last_error();
  const StatePtr twin(c);
  ASSERT_EQ(recurra_state_copy(narrow.get(), s.get()), RECURRA_OK);
  ASSERT_EQ(recurra_state_copy(none.get(), s.get()), RECURRA_OK);
  ASSERT_EQ(recurra_load_memory(loaded.get(), all.data(), all.size()), RECURRA_OK);
  EXPECT_EQ(info_of(twin.get()).rewind_tokens, 400u);
  EXPECT_EQ(info_of(narrow.get()).rewind_tokens, 50u);
  EXPECT_EQ(info_of(none.get()).rewind_tokens, 0u);
  EXPECT_EQ(info_of(loaded.get()).rewind_tokens, 0u);

  const auto want = [&](size_t n) {
    std::vector<std::vector<int32_t>> calls = {
        {tokens.begin(), tokens.begin() + static_cast<long>(std::min(n, size_t{300}))}};
    if (n > 300) calls.push_back({tokens.begin() + 300, tokens.begin() + static_cast<long>(n)});
    return fresh(calls);
  };
  ASSERT_EQ(recurra_state_rewind(twin.get(), 333), RECURRA_OK);
  EXPECT_EQ(bytes_of(twin.get()), want(257));
  feed(twin.get(), tokens.data(), 100);  // writes into what the original keeps, if anything is wrong
  ASSERT_EQ(recurra_state_rewind(narrow.get(), 50), RECURRA_OK);
  EXPECT_EQ(bytes_of(narrow.get()), want(540));
  EXPECT_EQ(bytes_of(s.get()), all);
  ASSERT_EQ(recurra_state_rewind(s.get(), 45), RECURRA_OK);
  EXPECT_EQ(bytes_of(s.get()), want(545));

  feed(loaded.get(), tokens.data() + 590, 10);
  EXPECT_EQ(info_of(loaded.get()).rewind_tokens, 10u);
  ASSERT_EQ(recurra_state_rewind(loaded.get(), 10), RECURRA_OK);
  EXPECT_EQ(bytes_of(loaded.get()), all);

  // What has no history ends one; so does a reset, and a memory that was written.
  ASSERT_EQ(recurra_state_copy(s.get(), none.get()), RECURRA_OK);
  EXPECT_EQ(info_of(s.get()).rewind_tokens, 0u);
  feed(s.get(), tokens.data(), 5);
  ASSERT_EQ(recurra_state_rewind(s.get(), 5), RECURRA_OK);
  EXPECT_EQ(bytes_of(s.get()), all);
  ASSERT_EQ(recurra_state_reset(narrow.get()), RECURRA_OK);
  EXPECT_EQ(info_of(narrow.get()).rewind_tokens, 0u);
  size_t memories = 0;
  ASSERT_EQ(recurra_memory_count(&memories, twin.get()), RECURRA_OK);
  if (memories == 0) return;
  recurra_memory_info m{};
  m.struct_size = sizeof m;
  ASSERT_EQ(recurra_memory_describe(&m, twin.get(), 0), RECURRA_OK);
  const std::vector<float> ones(static_cast<size_t>(m.n_rows * m.n_columns), 1.f);
  ASSERT_EQ(recurra_memory_write(twin.get(), 0, ones.data(), ones.size()), RECURRA_OK);
  EXPECT_EQ(info_of(twin.get()).rewind_tokens, 0u);
}

// A feed that was cancelled has read what n_done says, and can be gone back over like any other.
TEST_P(Rewind, AfterACancelledFeedAndAFailedOne) {
  const StatePtr s = new_state(model_.get(), 700);
  const auto tokens = some_tokens(1500, n_vocab_);
  feed(s.get(), tokens.data(), 100);
  auto wrong = tokens;
  wrong[900] = n_vocab_;
  EXPECT_EQ(recurra_feed(s.get(), wrong.data(), 1000, nullptr), RECURRA_E_TOKEN);
  EXPECT_EQ(info_of(s.get()).rewind_tokens, 100u);
  recurra_feed_options o;
  recurra_feed_options_init(&o, sizeof o);
  uint64_t done = 0;
  o.n_done = &done;
  o.progress = [](void*, uint64_t now, uint64_t) { return now >= 500 ? 1 : 0; };
  EXPECT_EQ(recurra_feed(s.get(), tokens.data() + 100, 1400, &o), RECURRA_E_CANCELLED);
  ASSERT_LT(done, 1400u);
  EXPECT_EQ(info_of(s.get()).rewind_tokens, std::min<uint64_t>(700, 100 + done));
  ASSERT_EQ(recurra_state_rewind(s.get(), 333), RECURRA_OK) << recurra_last_error();
  EXPECT_EQ(bytes_of(s.get()), fresh({{tokens.begin(), tokens.begin() + 100},
                                      {tokens.begin() + 100, tokens.begin() + 100 + static_cast<long>(done) - 333}}));
  recurra_cancel* cancel = nullptr;
  ASSERT_EQ(recurra_cancel_create(&cancel), RECURRA_OK);
  recurra_cancel_trigger(cancel);
  o = {};
  recurra_feed_options_init(&o, sizeof o);
  o.cancel = cancel;
  const uint64_t can = info_of(s.get()).rewind_tokens;
  EXPECT_EQ(recurra_feed(s.get(), tokens.data(), 500, &o), RECURRA_E_CANCELLED);
  recurra_cancel_free(cancel);
  EXPECT_EQ(info_of(s.get()).rewind_tokens, can);
}

// One call many times as long as what is kept.
TEST_P(Rewind, HistoriesOfLongCallsStayBounded) {
  const StatePtr s = new_state(model_.get(), 256);
  const auto tokens = some_tokens(3000, n_vocab_);
  feed(s.get(), tokens.data(), 10);
  feed(s.get(), tokens.data() + 10, 2900);
  EXPECT_EQ(info_of(s.get()).rewind_tokens, 256u);
  if (!GetParam().subject.grows) {
    EXPECT_LE(info_of(s.get()).state_bytes, 11 * info_of_model().state_bytes + (1u << 16));
  }
  ASSERT_EQ(recurra_state_rewind(s.get(), 256), RECURRA_OK) << recurra_last_error();
  EXPECT_EQ(bytes_of(s.get()),
            fresh({{tokens.begin(), tokens.begin() + 10}, {tokens.begin() + 10, tokens.begin() + 2654}}));
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Subject& s : subjects_here()) {
    const std::string name = s.name;
    all.push_back({s, "f32", false});
    if (name == "rwkv7" || name == "qwen35") {
      all.push_back({s, "bf16", false});
      all.push_back({s, "f32", true});
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Models, Rewind, testing::ValuesIn(cases()), [](const auto& test) {
  return std::string(test.param.subject.name) + "_" + test.param.dtype + (test.param.exact ? "_exact" : "");
});

}  // namespace
}  // namespace recurra::test
