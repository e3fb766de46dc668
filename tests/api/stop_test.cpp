// Long work that is stopped in its middle, by a thread, a signal or its own callback: it says where it is, and the
// state is bit for bit one that was fed just so far. And what callbacks may do meanwhile.
#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <functional>
#include <thread>

#include "support/api.h"

namespace recurra::test {
namespace {

struct Progress {
  std::vector<uint64_t> done;
  uint64_t total = 0, stop_at = ~uint64_t{0};
  std::function<void()> also;
};

int32_t follow(void* user, uint64_t done, uint64_t total) {
  auto& p = *static_cast<Progress*>(user);
  p.done.push_back(done);
  p.total = total;
  if (p.also) p.also();
  return done >= p.stop_at ? 1 : 0;
}

class Stop : public ::testing::Test {
 protected:
  void SetUp() override {
    recurra_cancel* raw = nullptr;
    ASSERT_OK(recurra_cancel_create(&raw));
    cancel.reset(raw);
    options.n_done = &n_done;
    feed(state.get(), start);
  }
  // The state has read n_done of these tokens, and is what a state is that was fed them alone; it works on.
  void expect_fed(const recurra_state* s, const Tokens& tokens, uint64_t n, uint32_t step = 0) {
    const StatePtr expected = make_state(model.get());
    feed(expected.get(), start);
    recurra_feed_options o = defaults(recurra_feed_options_init);
    o.step = step;
    if (n != 0) {
      EXPECT_OK(recurra_feed(expected.get(), tokens.data(), n, &o));
    }
    EXPECT_EQ(info_of(s).n_tokens, start.size() + n);
    EXPECT_EQ(bytes_of(s), bytes_of(expected.get()));
    const StatePtr on = clone(s);
    feed(on.get(), {1, 2, 3});
    feed(expected.get(), {1, 2, 3});
    EXPECT_EQ(bytes_of(on.get()), bytes_of(expected.get()));
  }

  ModelPtr model = open_model(small_model(), 2);
  StatePtr state = make_state(model.get());
  CancelPtr cancel;
  const Tokens start = some_tokens(30, 77);  // so that the tokens fed do not begin with a block
  uint64_t n_done = 99;
  recurra_feed_options options = defaults(recurra_feed_options_init);
};

TEST_F(Stop, ProgressSaysHowFar) {
  Progress progress;
  const Tokens tokens = some_tokens(5000);
  options.progress = follow;
  options.user = &progress;
  EXPECT_OK(recurra_feed(state.get(), tokens.data(), tokens.size(), &options));
  ASSERT_GT(progress.done.size(), 5u);
  EXPECT_TRUE(std::is_sorted(progress.done.begin(), progress.done.end()));
  EXPECT_EQ(progress.done.back(), 5000u);
  EXPECT_EQ(progress.total, 5000u);
  expect_fed(state.get(), tokens, 5000);
}

TEST_F(Stop, ByTheProgressCallback) {
  const Tokens tokens = some_tokens(1300);
  for (const uint32_t step : {0u, 1u}) {
    for (const uint64_t at : {1u, 35u, 600u, 1290u, 1300u}) {
      SCOPED_TRACE(std::to_string(step) + " " + std::to_string(at));
      const StatePtr s = clone(state.get());
      Progress progress;
      progress.stop_at = at;
      options.step = step;
      options.progress = follow;
      options.user = &progress;
      EXPECT_ERROR(recurra_feed(s.get(), tokens.data(), tokens.size(), &options), RECURRA_E_CANCELLED,
                   std::to_string(progress.done.empty() ? 0 : progress.done.back()));
      EXPECT_EQ(n_done, progress.done.back());
      EXPECT_GE(n_done, at);
      expect_fed(s.get(), tokens, n_done, step);
    }
  }
}

TEST_F(Stop, BeforeItBegan) {
  ASSERT_OK(recurra_cancel_trigger(cancel.get()));
  const Tokens tokens = some_tokens(3000);
  options.cancel = cancel.get();
  EXPECT_ERROR(recurra_feed(state.get(), tokens.data(), tokens.size(), &options), RECURRA_E_CANCELLED, "cancelled");
  EXPECT_EQ(n_done, 0u);
  expect_fed(state.get(), tokens, 0);
  recurra_generate_options g = defaults(recurra_generate_options_init);
  g.cancel = cancel.get();
  recurra_token out[9];
  size_t n = 99;
  EXPECT_ERROR(recurra_generate(out, 9, &n, state.get(), &g), RECURRA_E_CANCELLED, "cancelled");
  EXPECT_EQ(n, 0u);
  recurra_model_options m = defaults(recurra_model_options_init);
  m.cancel = cancel.get();
  recurra_model* raw = nullptr;
  EXPECT_ERROR(recurra_model_open(&raw, small_model().c_str(), &m), RECURRA_E_CANCELLED, "cancelled");
  EXPECT_EQ(raw, nullptr);
  expect_fed(state.get(), tokens, 0);
  ASSERT_OK(recurra_cancel_reset(cancel.get()));  // and it may be used again
  EXPECT_OK(recurra_feed(state.get(), tokens.data(), tokens.size(), &options));
  EXPECT_EQ(n_done, 3000u);
}

TEST_F(Stop, FromAnotherThread) {
  const Tokens tokens = some_tokens(100000);
  options.cancel = cancel.get();
  size_t stopped = 0;
  for (int round = 0; round < (kSanitized ? 5 : 12); ++round) {
    const StatePtr s = clone(state.get());
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(500 + 1700 * round));
      EXPECT_EQ(recurra_cancel_trigger(cancel.get()), RECURRA_OK);
    });
    const recurra_status status = recurra_feed(s.get(), tokens.data(), tokens.size(), &options);
    other.join();
    if (status == RECURRA_OK) {
      EXPECT_EQ(n_done, tokens.size());
    } else {
      EXPECT_TRUE(is_status(status, RECURRA_E_CANCELLED, "cancelled"));
      EXPECT_LT(n_done, tokens.size());
      ++stopped;
    }
    expect_fed(s.get(), tokens, n_done);
    ASSERT_OK(recurra_cancel_reset(cancel.get()));
  }
  EXPECT_GT(stopped, 2u);
}

recurra_cancel* g_cancel = nullptr;
void on_alarm(int) { recurra_cancel_trigger(g_cancel); }

TEST_F(Stop, FromASignalHandler) {
  const Tokens tokens = some_tokens(2000000);
  options.cancel = g_cancel = cancel.get();
  struct sigaction action {
  }, old{};
  action.sa_handler = on_alarm;
  ASSERT_EQ(::sigaction(SIGALRM, &action, &old), 0);
  itimerval soon{};
  soon.it_value.tv_usec = 20000;
  ASSERT_EQ(::setitimer(ITIMER_REAL, &soon, nullptr), 0);
  EXPECT_ERROR(recurra_feed(state.get(), tokens.data(), tokens.size(), &options), RECURRA_E_CANCELLED, "cancelled");
  ASSERT_EQ(::sigaction(SIGALRM, &old, nullptr), 0);
  EXPECT_LT(n_done, tokens.size());
  expect_fed(state.get(), tokens, n_done);
}

TEST_F(Stop, ABatch) {
  const Tokens a = some_tokens(2000, 1), b = some_tokens(900, 2);
  const StatePtr second = clone(state.get());
  recurra_state* const states[] = {state.get(), second.get()};
  const recurra_token* const lists[] = {a.data(), b.data()};
  const size_t sizes[] = {a.size(), b.size()};
  Progress progress;
  progress.stop_at = 1200;
  options.progress = follow;
  options.user = &progress;
  EXPECT_ERROR(recurra_feed_batch(states, lists, sizes, 2, &options), RECURRA_E_CANCELLED, "of 2900");
  const uint64_t first = info_of(states[0]).n_tokens - start.size(), other = info_of(states[1]).n_tokens - start.size();
  EXPECT_EQ(n_done, first + other);
  EXPECT_EQ(n_done, progress.done.back());
  expect_fed(states[0], a, first);
  expect_fed(states[1], b, other);
}

TEST_F(Stop, ScoresAndQueriesLeaveTheStateAnyway) {
  const std::string before = bytes_of(state.get());
  const Tokens tokens = some_tokens(3000);
  std::vector<float> scores(tokens.size());
  Progress progress;
  progress.stop_at = 1000;
  options.progress = follow;
  options.user = &progress;
  EXPECT_ERROR(recurra_score(scores.data(), state.get(), tokens.data(), tokens.size(), &options), RECURRA_E_CANCELLED,
               "");
  EXPECT_GE(n_done, 1000u);
  EXPECT_EQ(bytes_of(state.get()), before);
  recurra_generate_options g = defaults(recurra_generate_options_init);
  ASSERT_OK(recurra_cancel_trigger(cancel.get()));
  g.cancel = cancel.get();
  recurra_token out[9];
  size_t n = 9;
  EXPECT_ERROR(recurra_query(out, 9, &n, state.get(), tokens.data(), tokens.size(), &g), RECURRA_E_CANCELLED, "");
  EXPECT_EQ(bytes_of(state.get()), before);
}

// A generation that is cancelled from its callback: what was read, was returned; held-back text too.
struct Collected {
  recurra_cancel* cancel;
  size_t cancel_after;
  Tokens tokens;
  std::string text;
};
int32_t collect(void* user, recurra_token token, const char* text, size_t length) {
  auto& c = *static_cast<Collected*>(user);
  if (token >= 0) c.tokens.push_back(token);
  c.text.append(text, length);
  if (c.tokens.size() == c.cancel_after) recurra_cancel_trigger(c.cancel);
  return 0;
}

TEST_F(Stop, Generation) {
  size_t held = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    recurra_sampler_options so = defaults(recurra_sampler_options_init);
    so.temperature = 2;
    so.seed = seed;
    recurra_sampler* sampler = nullptr;
    ASSERT_OK(recurra_sampler_create(&sampler, &so));
    const SamplerPtr owner(sampler);
    Collected collected{cancel.get(), 9, {}, {}};
    recurra_generate_options g = defaults(recurra_generate_options_init);
    g.sampler = sampler;
    g.cancel = cancel.get();
    g.on_token = collect;
    g.user = &collected;
    const StatePtr s = clone(state.get());
    char out[400];
    size_t n = 0;
    const recurra_status status = recurra_generate_text(out, sizeof out, &n, s.get(), &g);
    if (collected.tokens.size() < 9) continue;  // the model ended its text first
    EXPECT_TRUE(is_status(status, RECURRA_E_CANCELLED, "cancelled"));
    EXPECT_EQ(collected.tokens.size(), 9u);
    const std::string text = detokenize(model.get(), collected.tokens);
    EXPECT_EQ(collected.text, text);
    EXPECT_EQ(std::string(out, n), text);
    held += (static_cast<unsigned char>(text.back()) >= 0xc2) ? 1 : 0;
    EXPECT_EQ(info_of(s.get()).n_tokens, start.size() + 9);
    const StatePtr expected = clone(state.get());
    for (const recurra_token t : collected.tokens) feed(expected.get(), {t});
    EXPECT_EQ(bytes_of(s.get()), bytes_of(expected.get()));
    ASSERT_OK(recurra_cancel_reset(cancel.get()));
  }
  EXPECT_GT(held, 0u) << "no text was held back: nothing was tested";
}

// ---- from within a callback -----------------------------------------------------------------------------------------

TEST_F(Stop, TheStateIsBusyMeanwhile) {
  const StatePtr other = clone(state.get());
  const Tokens more = some_tokens(200, 5);
  size_t calls = 0;
  const auto try_all = [&](bool reading) {
    ++calls;
    std::vector<float> floats(272), matrix(32 * 32);
    recurra_token token = 1;
    size_t n = 0;
    const recurra_status reader = reading ? RECURRA_OK : RECURRA_E_BUSY;
    const auto expect_reader = [&](recurra_status status) { EXPECT_TRUE(is_status(status, reader, "in use")); };
    EXPECT_ERROR(recurra_feed(state.get(), &token, 1, nullptr), RECURRA_E_BUSY, "in use");
    EXPECT_ERROR(recurra_feed_text(state.get(), "a", 1, nullptr), RECURRA_E_BUSY, "in use");
    EXPECT_ERROR(recurra_state_reset(state.get()), RECURRA_E_BUSY, "in use");
    EXPECT_ERROR(recurra_state_rewind(state.get(), 1), RECURRA_E_BUSY, "in use");
    EXPECT_ERROR(recurra_state_set_note(state.get(), "k", "v"), RECURRA_E_BUSY, "in use");
    EXPECT_ERROR(recurra_state_copy(state.get(), other.get()), RECURRA_E_BUSY, "in use");
    EXPECT_ERROR(recurra_generate(&token, 1, &n, state.get(), nullptr), RECURRA_E_BUSY, "in use");
    EXPECT_ERROR(recurra_load_memory(state.get(), "x", 1), RECURRA_E_BUSY, "in use");
    EXPECT_ERROR(recurra_memory_write(state.get(), 0, matrix.data(), matrix.size()), RECURRA_E_BUSY, "in use");
    recurra_state* const states[] = {other.get(), state.get()};
    const recurra_token* const lists[] = {more.data(), more.data()};
    const size_t sizes[] = {1, 1};
    EXPECT_ERROR(recurra_feed_batch(states, lists, sizes, 2, nullptr), RECURRA_E_BUSY, "in use");
    expect_reader(recurra_logits(floats.data(), floats.size(), state.get()));
    expect_reader(recurra_logits_batch(floats.data(), floats.size(), states + 1, 1));
    expect_reader(recurra_score(floats.data(), state.get(), &token, 1, nullptr));
    expect_reader(recurra_memory_read(matrix.data(), matrix.size(), state.get(), 0));
    recurra_state* copy = nullptr;
    expect_reader(recurra_state_clone(&copy, state.get()));
    recurra_state_free(copy);
    // Another state of the same model is free.
    const StatePtr third = clone(other.get());
    feed(third.get(), more);
  };
  Progress progress;
  progress.also = [&] { try_all(false); };
  options.progress = follow;
  options.user = &progress;
  const Tokens tokens = some_tokens(1300);
  EXPECT_OK(recurra_feed(state.get(), tokens.data(), tokens.size(), &options));
  expect_fed(state.get(), tokens, tokens.size());
  expect_fed(other.get(), {}, 0);
  EXPECT_GT(calls, 2u);

  // While it is read, it can be read.
  const std::string before = bytes_of(state.get());
  std::vector<float> scores(tokens.size());
  progress.also = [&] { try_all(true); };
  EXPECT_OK(recurra_score(scores.data(), state.get(), tokens.data(), tokens.size(), &options));
  const auto write = [](void* user, const void*, size_t size) -> size_t {
    (*static_cast<std::function<void(bool)>*>(user))(true);
    return size;
  };
  std::function<void(bool)> any = try_all;
  EXPECT_OK(recurra_save_stream(state.get(), write, &any, nullptr));
  EXPECT_EQ(bytes_of(state.get()), before);
  const auto read = [](void* user, void*, size_t) -> size_t {
    (*static_cast<std::function<void(bool)>*>(user))(false);
    return 0;
  };
  EXPECT_ERROR(recurra_load_stream(state.get(), read, &any), RECURRA_E_CORRUPT, "");
  EXPECT_EQ(bytes_of(state.get()), before);

  // From on_token.
  const auto on_token = [](void* user, recurra_token, const char*, size_t) -> int32_t {
    (*static_cast<std::function<void(bool)>*>(user))(false);
    return 1;
  };
  recurra_generate_options g = defaults(recurra_generate_options_init);
  g.on_token = on_token;
  g.user = &any;
  size_t n = 0;
  EXPECT_OK(recurra_generate(nullptr, 0, &n, state.get(), &g));
}

// The state that is being fed may be fed to the end by a callback's callback's ... states: depth is no problem.
TEST_F(Stop, CallsWithinCalls) {
  constexpr int kDepth = 8;
  const Tokens tokens = some_tokens(200, 5);
  std::function<void(int)> dive = [&](int depth) {
    const StatePtr s = clone(state.get());
    Progress progress;
    bool dived = depth == kDepth;
    progress.also = [&] {
      if (!dived) {
        dived = true;
        dive(depth + 1);
      }
    };
    recurra_feed_options o = defaults(recurra_feed_options_init);
    o.progress = follow;
    o.user = &progress;
    EXPECT_OK(recurra_feed(s.get(), tokens.data(), tokens.size(), &o));
    expect_fed(s.get(), tokens, tokens.size());
  };
  StatePtr fresh = make_state(model.get());
  feed(fresh.get(), start);
  state.swap(fresh);
  dive(0);
}

}  // namespace
}  // namespace recurra::test
