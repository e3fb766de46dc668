// Many threads on one state and on one model.
#include <atomic>
#include <thread>

#include "support/api.h"

namespace recurra::test {
namespace {

template <class Body>
void in_threads(int n, const Body& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& t : threads) t.join();
}

// Four threads use one state as they please: a call is done or refused as busy, one that was refused is done when asked
// again, and the state is what the calls that were done make of it.
TEST(Concurrency, FourThreadsOnOneState) {
  const ModelPtr model = open_model(small_model(), 2);
  const StatePtr state = make_state(model.get());
  constexpr recurra_token kToken = 5;
  constexpr uint64_t kTokens = 4;
  std::atomic<uint64_t> fed{1};
  feed(state.get(), {kToken});
  in_threads(4, [&](int thread) {
    std::vector<float> floats(272);
    std::string bytes(info_of(model.get()).state_bytes * 2 + 8192, '\0');
    const StatePtr own = make_state(model.get());
    for (int i = 0; i < 60;) {
      recurra_status status = RECURRA_OK;
      switch ((i + thread) % 6) {
        case 0: {
          const recurra_token tokens[kTokens] = {kToken, kToken, kToken, kToken};
          uint64_t n_done = 9;
          recurra_feed_options o = defaults(recurra_feed_options_init);
          o.step = 1;  // one token or many, the same bits
          o.n_done = &n_done;
          status = recurra_feed(state.get(), tokens, kTokens, &o);
          EXPECT_EQ(n_done, status == RECURRA_OK ? kTokens : 0);
          fed += n_done;
          break;
        }
        case 1:
          status = recurra_logits(floats.data(), floats.size(), state.get());
          break;
        case 2: {
          size_t n = 0;
          status = recurra_save_memory(&bytes[0], bytes.size(), &n, state.get(), nullptr);
          if (status == RECURRA_OK) {
            EXPECT_OK(recurra_load_memory(own.get(), bytes.data(), n));
          }
          break;
        }
        case 3: {
          recurra_state* copy = nullptr;
          status = recurra_state_clone(&copy, state.get());
          recurra_state_free(copy);
          break;
        }
        case 4:
          status = recurra_state_set_note(state.get(), "title", i % 2 != 0 ? "one" : "two");
          break;
        default: {
          const recurra_token tokens[] = {1, 2, 3};
          status = recurra_score(floats.data(), state.get(), tokens, 3, nullptr);
        }
      }
      if (status == RECURRA_E_BUSY) {
        std::this_thread::yield();
        continue;
      }
      EXPECT_OK(status);
      ++i;
    }
  });
  EXPECT_EQ(info_of(state.get()).n_tokens, fed.load());
  ASSERT_OK(recurra_state_set_note(state.get(), "title", nullptr));
  const StatePtr expected = make_state(model.get());
  const Tokens all(fed, kToken);
  recurra_feed_options o = defaults(recurra_feed_options_init);
  o.step = 1;
  EXPECT_OK(recurra_feed(expected.get(), all.data(), all.size(), &o));
  EXPECT_EQ(bytes_of(state.get()), bytes_of(expected.get()));
}

// Readers do not stand in each other's way.
TEST(Concurrency, ManyReadersOfOneState) {
  const ModelPtr model = open_model(small_model(), 2);
  const StatePtr state = make_state(model.get());
  feed(state.get(), some_tokens(100));
  const std::string bytes = bytes_of(state.get());
  const std::vector<float> logits = logits_of(state.get());
  const Tokens tokens = some_tokens(70, 3);
  std::vector<float> scores(tokens.size());
  ASSERT_OK(recurra_score(scores.data(), state.get(), tokens.data(), tokens.size(), nullptr));
  in_threads(4, [&](int) {
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(same_bits(logits_of(state.get()), logits));
      EXPECT_EQ(bytes_of(state.get()), bytes);
      std::vector<float> mine(tokens.size());
      EXPECT_OK(recurra_score(mine.data(), state.get(), tokens.data(), tokens.size(), nullptr));
      EXPECT_TRUE(same_bits(mine, scores));
    }
  });
}

// States of one model in threads of their own: the same bits as alone. The model is opened by all at once and freed by
// the last.
TEST(Concurrency, AStatePerThread) {
  const Tokens tokens = some_tokens(700);
  std::string expected;
  {
    const ModelPtr model = open_model(small_model(), 1);
    const StatePtr state = make_state(model.get());
    feed(state.get(), tokens);
    expected = bytes_of(state.get());
  }
  recurra_model* shared = open_model(small_model(), 2).release();
  in_threads(4, [&](int thread) {
    EXPECT_OK(recurra_model_retain(shared));
    for (int i = 0; i < 5; ++i) {
      const StatePtr state = make_state(shared);
      feed(state.get(), tokens);
      EXPECT_EQ(bytes_of(state.get()), expected);
      const char* text = nullptr;
      EXPECT_OK(recurra_model_metadata(&text, shared, "rwkv7.attention.layer_norm_epsilon"));
      EXPECT_EQ(tokenize(shared, "ex es re").size(), tokenize(shared, "ex es re").size());
      EXPECT_NE(recurra_build_info(), nullptr);
      EXPECT_OK(recurra_log_set(nullptr, nullptr, thread));
    }
    recurra_model_release(shared);
  });
  recurra_model_release(shared);
}

}  // namespace
}  // namespace recurra::test
