// What the calls do when all is right: feed, query, states, save and load, notes, memory that anyone may free in any
// order. Generation is in generate_test.cpp, cancelling in stop_test.cpp, threads and forks in concurrency_test.cpp.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "support/api.h"
#include "support/files.h"

namespace recurra::test {
namespace {

constexpr size_t kVocabulary = 272, kWidth = 64;

class Behaviour : public ::testing::Test {
 protected:
  ModelPtr model = open_model();
  StatePtr state = make_state(model.get());
};

// ---- feed -----------------------------------------------------------------------------------------------------------

TEST_F(Behaviour, FeedCounts) {
  uint64_t done = 7;
  recurra_feed_options o = defaults(recurra_feed_options_init);
  o.n_done = &done;
  const Tokens tokens = some_tokens(333);
  EXPECT_OK(recurra_feed(state.get(), tokens.data(), tokens.size(), &o));
  EXPECT_EQ(done, 333u);
  EXPECT_EQ(info_of(state.get()).n_tokens, 333u);
  const uint64_t bytes = info_of(state.get()).state_bytes;
  EXPECT_EQ(bytes, info_of(model.get()).state_bytes);
  EXPECT_EQ(info_of(model.get()).state_bytes_per_token, 0u);
  EXPECT_OK(
      recurra_feed_text(state.get(), "\xc3\xa4 text, and a byte that is none: \xff", static_cast<size_t>(-1), &o));
  EXPECT_EQ(done, tokenize(model.get(), "\xc3\xa4 text, and a byte that is none: \xff").size());
  EXPECT_EQ(info_of(state.get()).n_tokens, 333u + done);
  EXPECT_EQ(info_of(state.get()).state_bytes, bytes);
}

TEST_F(Behaviour, FeedTextIsFeedOfItsTokens) {
  const std::string text = "User: ex es re a" + std::string("\0zero", 5) + "\n\n\xf0\x9f\x98\x80";
  EXPECT_OK(recurra_feed_text(state.get(), text.data(), text.size(), nullptr));
  const StatePtr other = make_state(model.get());
  feed(other.get(), tokenize(model.get(), text));
  EXPECT_EQ(bytes_of(state.get()), bytes_of(other.get()));
  EXPECT_EQ(detokenize(model.get(), tokenize(model.get(), text)), text);
}

// The same calls give the same bits: again, with other threads, and on any number of states together.
TEST_F(Behaviour, SameCallsSameBits) {
  const Tokens first = some_tokens(1000, 1), second = some_tokens(77, 2);
  feed(state.get(), first);
  feed(state.get(), second);
  const std::string expected = bytes_of(state.get());
  for (const uint32_t threads : {1u, 2u, 5u}) {
    const ModelPtr other = open_model(small_model(), threads);
    EXPECT_EQ(info_of(other.get()).threads, threads);
    const StatePtr again = make_state(other.get());
    feed(again.get(), first);
    feed(again.get(), second);
    EXPECT_EQ(bytes_of(again.get()), expected) << threads;
  }
}

TEST_F(Behaviour, BatchIsEachAlone) {
  const size_t lengths[] = {1, 5, 64, 63, 65, 200, 700, 1};
  constexpr size_t kStates = 8;
  std::vector<StatePtr> together, alone;
  std::vector<Tokens> tokens;
  std::vector<recurra_state*> states;
  std::vector<const recurra_token*> lists;
  std::vector<size_t> sizes;
  for (size_t i = 0; i < kStates; ++i) {
    together.push_back(make_state(model.get()));
    alone.push_back(make_state(model.get()));
    const Tokens before = some_tokens(1 + i * 30, static_cast<uint32_t>(50 + i));  // at various places of their blocks
    feed(together.back().get(), before);
    feed(alone.back().get(), before);
    tokens.push_back(some_tokens(lengths[i], static_cast<uint32_t>(i)));
    states.push_back(together.back().get());
    lists.push_back(tokens.back().data());
    sizes.push_back(lengths[i]);
  }
  uint64_t done = 0;
  recurra_feed_options o = defaults(recurra_feed_options_init);
  o.n_done = &done;
  EXPECT_OK(recurra_feed_batch(states.data(), lists.data(), sizes.data(), kStates, &o));
  EXPECT_EQ(done, std::accumulate(sizes.begin(), sizes.end(), size_t{0}));
  for (size_t i = 0; i < kStates; ++i) {
    feed(alone[i].get(), tokens[i]);
    EXPECT_EQ(bytes_of(together[i].get()), bytes_of(alone[i].get())) << i;
  }
}

// float32 rounding of another order of the sums, on logits of magnitude 1 to 10.
constexpr float kRounding = 2e-4f;

float largest_difference(const float* a, const float* b, size_t n) {
  float most = 0;
  for (size_t i = 0; i < n; ++i) most = std::max(most, std::fabs(a[i] - b[i]));
  return most;
}

TEST_F(Behaviour, LogitsAfterEachTokenAreTheStates) {
  const Tokens tokens = some_tokens(150);
  std::vector<float> step(tokens.size() * kVocabulary), block(step.size());
  recurra_feed_options o = defaults(recurra_feed_options_init);
  o.logits = block.data();
  const StatePtr other = make_state(model.get());
  EXPECT_OK(recurra_feed(other.get(), tokens.data(), tokens.size(), &o));
  EXPECT_LT(largest_difference(&block[149 * kVocabulary], logits_of(other.get()).data(), kVocabulary), kRounding);

  o.step = 1;
  o.logits = step.data();
  EXPECT_OK(recurra_feed(state.get(), tokens.data(), tokens.size(), &o));
  EXPECT_LT(largest_difference(step.data(), block.data(), step.size()), kRounding);

  const StatePtr one_by_one = make_state(model.get());
  for (size_t i = 0; i < tokens.size(); ++i) {
    feed(one_by_one.get(), {tokens[i]});
    const std::vector<float> expected(step.begin() + static_cast<long>(i * kVocabulary),
                                      step.begin() + static_cast<long>((i + 1) * kVocabulary));
    ASSERT_TRUE(same_bits(logits_of(one_by_one.get()), expected)) << "token " << i;
  }
  EXPECT_EQ(bytes_of(one_by_one.get()), bytes_of(state.get()));
}

// ln p from logits, in double.
double log_probability(const float* logits, recurra_token token) {
  double sum = 0;
  for (size_t i = 0; i < kVocabulary; ++i) sum += std::exp(static_cast<double>(logits[i]));
  return static_cast<double>(logits[token]) - std::log(sum);
}

TEST_F(Behaviour, LogprobsAreThoseOfTheLogits) {
  const Tokens tokens = some_tokens(150);
  std::vector<float> logits(tokens.size() * kVocabulary), logprobs(tokens.size(), 99.0f);
  recurra_feed_options o = defaults(recurra_feed_options_init);
  o.logits = logits.data();
  o.logprobs = logprobs.data();
  EXPECT_OK(recurra_feed(state.get(), tokens.data(), tokens.size(), &o));
  EXPECT_TRUE(std::isnan(logprobs[0]));
  for (size_t i = 1; i < tokens.size(); ++i)
    EXPECT_NEAR(logprobs[i], log_probability(&logits[(i - 1) * kVocabulary], tokens[i]), 1e-5) << i;

  // The next call's first token has a predecessor. score says the same without moving the state.
  const Tokens next = some_tokens(90, 9);
  std::vector<float> scores(next.size()), fed(next.size());
  const std::vector<float> before = logits_of(state.get());
  const std::string bytes = bytes_of(state.get());
  EXPECT_OK(recurra_score(scores.data(), state.get(), next.data(), next.size(), nullptr));
  EXPECT_EQ(bytes_of(state.get()), bytes);
  EXPECT_NEAR(scores[0], log_probability(before.data(), next[0]), 1e-5);
  o.logits = nullptr;
  o.logprobs = fed.data();
  EXPECT_OK(recurra_feed(state.get(), next.data(), next.size(), &o));
  EXPECT_TRUE(same_bits(scores, fed));
  const StatePtr empty = make_state(model.get());
  EXPECT_OK(recurra_score(scores.data(), empty.get(), next.data(), 1, nullptr));
  EXPECT_TRUE(std::isnan(scores[0]));
}

// ---- query ----------------------------------------------------------------------------------------------------------

TEST_F(Behaviour, QueriesLeaveTheState) {
  feed(state.get(), some_tokens(100));
  const std::string before = bytes_of(state.get());
  std::vector<float> floats(kVocabulary), hidden(kWidth);
  Tokens out(20);
  char text[400];
  size_t n = 0;
  const Tokens prompt = some_tokens(200, 3);
  EXPECT_OK(recurra_logits(floats.data(), kVocabulary, state.get()));
  EXPECT_OK(recurra_hidden(hidden.data(), kWidth, state.get()));
  EXPECT_TRUE(std::any_of(hidden.begin(), hidden.end(), [](float x) { return x != 0; }));
  EXPECT_OK(recurra_query(out.data(), out.size(), &n, state.get(), prompt.data(), prompt.size(), nullptr));
  out.resize(n);
  EXPECT_OK(recurra_query_text(text, sizeof text, &n, state.get(), "a question?", static_cast<size_t>(-1), nullptr));
  EXPECT_EQ(bytes_of(state.get()), before);

  // A query is a clone that reads the prompt and goes on.
  const StatePtr copy = clone(state.get());
  feed(copy.get(), prompt);
  Tokens expected(20);
  EXPECT_OK(recurra_generate(expected.data(), expected.size(), &n, copy.get(), nullptr));
  expected.resize(n);
  EXPECT_EQ(out, expected);
}

// ---- states ---------------------------------------------------------------------------------------------------------

TEST_F(Behaviour, CloneCopyReset) {
  const std::string empty = bytes_of(state.get());
  feed(state.get(), some_tokens(100));
  EXPECT_OK(recurra_state_set_note(state.get(), "title", "one"));
  const std::string first = bytes_of(state.get());
  const StatePtr copy = clone(state.get());
  EXPECT_EQ(bytes_of(copy.get()), first);
  feed(copy.get(), {5});
  EXPECT_EQ(bytes_of(state.get()), first) << "a clone is of its own";
  feed(state.get(), {5});
  EXPECT_EQ(bytes_of(copy.get()), bytes_of(state.get()));

  const StatePtr target = make_state(model.get());
  feed(target.get(), some_tokens(9));
  EXPECT_OK(recurra_state_copy(target.get(), copy.get()));
  EXPECT_EQ(bytes_of(target.get()), bytes_of(copy.get()));
  EXPECT_OK(recurra_state_copy(target.get(), target.get()));
  EXPECT_EQ(bytes_of(target.get()), bytes_of(copy.get()));
  EXPECT_OK(recurra_state_reset(target.get()));
  EXPECT_EQ(bytes_of(target.get()), empty);
  EXPECT_EQ(info_of(target.get()).n_tokens, 0u);
  EXPECT_EQ(info_of(target.get()).n_notes, 0u);
}

// Model, states, clones, samplers and cancels in 200 random orders: nothing hangs on another's life.
TEST_F(Behaviour, FreedInAnyOrder) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    recurra_model* m = open_model().release();
    ASSERT_NE(m, nullptr);
    recurra_state *a = make_state(m).release(), *b = nullptr;
    feed(a, {1, 2, 3});
    ASSERT_OK(recurra_state_clone(&b, a));
    ASSERT_OK(recurra_model_retain(m));
    recurra_sampler* sampler = nullptr;
    ASSERT_OK(recurra_sampler_create(&sampler, nullptr));
    recurra_cancel* cancel = nullptr;
    ASSERT_OK(recurra_cancel_create(&cancel));
    std::vector<std::function<void()>> frees = {
        [=] { recurra_model_release(m); },      [=] { recurra_model_release(m); },
        [=] { recurra_state_free(a); },         [=] { recurra_state_free(b); },
        [=] { recurra_sampler_free(sampler); }, [=] { recurra_cancel_free(cancel); }};
    std::shuffle(frees.begin(), frees.end(), random);
    for (const auto& f : frees) f();
  }
}

TEST_F(Behaviour, StatesWorkWithoutTheModelsHandle) {
  model.reset();
  feed(state.get(), some_tokens(100));
  const StatePtr copy = clone(state.get());
  EXPECT_EQ(logits_of(copy.get()).size(), kVocabulary);
  recurra_token token = 0;
  size_t n = 0;
  state.reset();
  EXPECT_OK(recurra_generate(&token, 1, &n, copy.get(), nullptr));
}

TEST_F(Behaviour, Notes) {
  EXPECT_OK(recurra_state_set_note(state.get(), "title", "\xe2\x82\xac \"quoted\" \\ \n"));
  EXPECT_OK(recurra_state_set_note(state.get(), "empty", ""));
  EXPECT_OK(recurra_state_set_note(state.get(), std::string(128, 'k').c_str(), std::string(65536, 'v').c_str()));
  EXPECT_EQ(info_of(state.get()).n_notes, 3u);
  const auto note = [](const recurra_state* s, const char* key) {
    std::string value(70000, '\0');
    size_t n = 0;
    EXPECT_OK(recurra_state_get_note(&value[0], value.size(), &n, s, key));
    value.resize(n);
    return value;
  };
  const std::string bytes = bytes_of(state.get());
  EXPECT_EQ(info_of(state.get()).file_bytes, bytes.size());
  const StatePtr other = make_state(model.get());
  EXPECT_OK(recurra_state_set_note(other.get(), "gone", "after the load"));
  EXPECT_OK(recurra_load_memory(other.get(), bytes.data(), bytes.size()));
  for (const recurra_state* s : {state.get(), other.get()}) {
    EXPECT_EQ(note(s, "title"), "\xe2\x82\xac \"quoted\" \\ \n");
    EXPECT_EQ(note(s, "empty"), "");
    EXPECT_EQ(note(s, std::string(128, 'k').c_str()), std::string(65536, 'v'));
    EXPECT_EQ(info_of(s).n_notes, 3u);
  }
  EXPECT_OK(recurra_state_set_note(state.get(), "title", nullptr));
  EXPECT_OK(recurra_state_set_note(state.get(), "title", nullptr));
  EXPECT_EQ(info_of(state.get()).n_notes, 2u);
}

// ---- save and load --------------------------------------------------------------------------------------------------

struct Pipe {
  std::string bytes;
  size_t at = 0;
};
size_t write_pipe(void* user, const void* data, size_t size) {
  static_cast<Pipe*>(user)->bytes.append(static_cast<const char*>(data), size);
  return size;
}
size_t read_pipe(void* user, void* data, size_t size) {
  auto& p = *static_cast<Pipe*>(user);
  const size_t n = std::min(size, p.bytes.size() - p.at);
  std::memcpy(data, p.bytes.data() + p.at, n);
  p.at += n;
  return n;
}

TEST_F(Behaviour, SaveLoadGoOn) {
  const Folder folder;
  const std::string path = folder / "conversation \xc3\xa4";
  feed(state.get(), some_tokens(100));
  EXPECT_OK(recurra_save_file(state.get(), path.c_str(), nullptr));
  const std::string bytes = bytes_of(state.get());
  EXPECT_EQ(read_whole(path), bytes);
  Pipe pipe;
  EXPECT_OK(recurra_save_stream(state.get(), write_pipe, &pipe, nullptr));
  EXPECT_EQ(pipe.bytes, bytes);

  const StatePtr from_file = make_state(model.get()), from_memory = make_state(model.get());
  const ModelPtr reopened = open_model();
  const StatePtr from_stream = make_state(reopened.get());
  feed(from_memory.get(), {1, 2, 3});
  EXPECT_OK(recurra_load_file(from_file.get(), path.c_str()));
  EXPECT_OK(recurra_load_memory(from_memory.get(), bytes.data(), bytes.size()));
  EXPECT_OK(recurra_load_stream(from_stream.get(), read_pipe, &pipe));
  feed(state.get(), some_tokens(300, 2));
  for (recurra_state* s : {from_file.get(), from_memory.get(), from_stream.get()}) {
    EXPECT_EQ(bytes_of(s), bytes);
    feed(s, some_tokens(300, 2));
    EXPECT_EQ(bytes_of(s), bytes_of(state.get()));
    EXPECT_TRUE(same_bits(logits_of(s), logits_of(state.get())));
  }
  EXPECT_EQ(folder.listing().size(), 1u);
}

TEST_F(Behaviour, AnEmptyStateIsSavedToo) {
  const std::string bytes = bytes_of(state.get());
  const StatePtr other = make_state(model.get());
  feed(other.get(), {1});
  EXPECT_OK(recurra_load_memory(other.get(), bytes.data(), bytes.size()));
  EXPECT_EQ(info_of(other.get()).n_tokens, 0u);
  std::vector<float> floats(kVocabulary);
  EXPECT_ERROR(recurra_logits(floats.data(), kVocabulary, other.get()), RECURRA_E_INVALID, "no token");
}

TEST_F(Behaviour, HalfTheSize) {
  feed(state.get(), some_tokens(500));
  recurra_save_options o = defaults(recurra_save_options_init);
  o.dtype = "f16";
  const std::string full = bytes_of(state.get());
  std::string half(full.size(), '\0');
  size_t n = 0;
  EXPECT_OK(recurra_save_memory(&half[0], half.size(), &n, state.get(), &o));
  half.resize(n);
  EXPECT_LT(half.size(), full.size() * 6 / 10);
  const StatePtr other = make_state(model.get());
  EXPECT_OK(recurra_load_memory(other.get(), half.data(), half.size()));
  EXPECT_EQ(info_of(other.get()).n_tokens, 500u);
  // F16 keeps 11 bits: 2^-11 of values up to a few units, through one layer's head.
  EXPECT_LT(largest_difference(logits_of(other.get()).data(), logits_of(state.get()).data(), kVocabulary), 0.02f);
  // What was rounded once is not rounded again.
  std::string again(half.size(), '\0');
  EXPECT_OK(recurra_save_memory(&again[0], again.size(), &n, other.get(), &o));
  EXPECT_EQ(again, half);
}

TEST_F(Behaviour, Peek) {
  const Folder folder;
  feed(state.get(), some_tokens(123));
  EXPECT_OK(recurra_state_set_note(state.get(), "title", "hello"));
  EXPECT_OK(recurra_save_file(state.get(), (folder / "s").c_str(), nullptr));
  recurra_peek peek{};
  peek.struct_size = sizeof peek;
  std::string metadata(4096, '\0');
  size_t n = 0;
  EXPECT_OK(recurra_peek_file(&peek, &metadata[0], metadata.size(), &n, (folder / "s").c_str()));
  metadata.resize(n);
  EXPECT_EQ(peek.format_version, 1u);
  EXPECT_EQ(peek.n_tokens, 123u);
  EXPECT_EQ(peek.n_notes, 1u);
  EXPECT_EQ(peek.file_bytes, bytes_of(state.get()).size());
  const recurra_model_info info = info_of(model.get());
  EXPECT_STREQ(peek.architecture, info.architecture);
  EXPECT_STREQ(peek.model_fingerprint, info.fingerprint);
  EXPECT_STREQ(peek.backend, info.backend);
  EXPECT_STREQ(peek.cpu_level, info.cpu_level);
  EXPECT_STREQ(peek.compute_dtype, info.dtype);
  EXPECT_STREQ(peek.dtype, "f32");
  EXPECT_EQ(std::string(peek.checksum).size(), 32u);
  EXPECT_EQ(std::string(peek.tokenizer_hash).size(), 32u);
  EXPECT_EQ(metadata.front(), '{');
  EXPECT_EQ(metadata.back(), '}');
  EXPECT_NE(metadata.find("\"note.title\":\"hello\""), std::string::npos) << metadata;
  EXPECT_ERROR(recurra_peek_file(&peek, &metadata[0], 5, &n, (folder / "s").c_str()), RECURRA_E_TOO_SMALL,
               std::to_string(metadata.size()));
  EXPECT_EQ(n, metadata.size());
}

// ---- model ----------------------------------------------------------------------------------------------------------

TEST_F(Behaviour, ModelInfo) {
  const recurra_model_info info = info_of(model.get());
  EXPECT_EQ(info.n_vocab, 272);
  EXPECT_EQ(info.n_layer, 3);
  EXPECT_EQ(info.n_embd, 64);
  EXPECT_EQ(info.bos_token, 0);
  EXPECT_EQ(info.eos_token, 0);
  EXPECT_EQ(info.has_text, 1);
  EXPECT_EQ(info.tied_embedding, 0u);
  EXPECT_EQ(info_of(open_model(test_data("mamba-f16.gguf")).get()).tied_embedding, 1u);
  EXPECT_STREQ(info.architecture, "rwkv7");
  EXPECT_STREQ(info.name, "rwkv7-random-seed12");
  EXPECT_EQ(info.path, small_model());
  EXPECT_STREQ(info.file_type, "F16");
  EXPECT_STREQ(info.tokenizer, "rwkv");
  EXPECT_STREQ(info.dtype, "f32");
  EXPECT_STREQ(info.chat_template, "");
  EXPECT_EQ(std::string(info.fingerprint).size(), 32u);
  const char *key = nullptr, *value = nullptr;
  size_t keys = 0;
  while (recurra_model_metadata_key(&key, model.get(), keys) == RECURRA_OK) {
    EXPECT_OK(recurra_model_metadata(&value, model.get(), key));
    ++keys;
  }
  EXPECT_EQ(keys, 20u);
  EXPECT_OK(recurra_model_metadata(&value, model.get(), "rwkv7.wkv.head_size"));
  EXPECT_STREQ(value, "32");
}

TEST_F(Behaviour, BackendsAgree) {
  ASSERT_GE(recurra_backend_count(), 2);
  const Tokens tokens = some_tokens(200);
  feed(state.get(), tokens);
  for (int32_t i = 0; i < recurra_backend_count(); ++i) {
    const std::string name = recurra_backend_name(i);
    if (name != "cpu" && name != "reference") continue;
    const ModelPtr other = open_model(small_model(), 1, name.c_str());
    EXPECT_EQ(info_of(other.get()).backend, name);
    EXPECT_STREQ(info_of(other.get()).fingerprint, info_of(model.get()).fingerprint);
    const StatePtr there = make_state(other.get());
    feed(there.get(), tokens);
    EXPECT_LT(largest_difference(logits_of(there.get()).data(), logits_of(state.get()).data(), kVocabulary), kRounding);
    // A state goes on in another backend.
    const std::string bytes = bytes_of(state.get());
    EXPECT_OK(recurra_load_memory(there.get(), bytes.data(), bytes.size()));
    EXPECT_LT(largest_difference(logits_of(there.get()).data(), logits_of(state.get()).data(), kVocabulary), kRounding);
  }
}

TEST_F(Behaviour, LogLines) {
  struct Lines {
    std::vector<std::string> all;
  } lines;
  const auto keep = [](void* user, int32_t level, const char* message) {
    EXPECT_GE(level, RECURRA_LOG_WARNING);
    EXPECT_EQ(std::string(message).find('\n'), std::string::npos);
    static_cast<Lines*>(user)->all.push_back(message);
  };
  EXPECT_OK(recurra_log_set(keep, &lines, RECURRA_LOG_WARNING));
  recurra_model_options o = defaults(recurra_model_options_init);
  o.dtype = "bf16";
  recurra_model* raw = nullptr;
  EXPECT_OK(recurra_model_open(&raw, small_model().c_str(), &o));
  const std::string level = info_of(raw).cpu_level;
  recurra_model_release(raw);
  EXPECT_OK(recurra_log_set(nullptr, nullptr, RECURRA_LOG_WARNING));
  if (level == "plain" || level == "avx2") {
    EXPECT_EQ(lines.all.size(), 1u);  // bf16 is slow there, it says
  }
}

}  // namespace
}  // namespace recurra::test
