// The C ABI for tests: handles that free themselves, checks of an error's code and line, and the bytes of a state.
#pragma once

#include <gtest/gtest.h>
#include <recurra/recurra.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support/paths.h"

namespace recurra::test {

// A sanitizer's build is many times slower, and its memory is not the program's alone.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

struct Free {
  void operator()(recurra_model* p) const { recurra_model_release(p); }
  void operator()(recurra_state* p) const { recurra_state_free(p); }
  void operator()(recurra_sampler* p) const { recurra_sampler_free(p); }
  void operator()(recurra_cancel* p) const { recurra_cancel_free(p); }
};
using ModelPtr = std::unique_ptr<recurra_model, Free>;
using StatePtr = std::unique_ptr<recurra_state, Free>;
using SamplerPtr = std::unique_ptr<recurra_sampler, Free>;
using CancelPtr = std::unique_ptr<recurra_cancel, Free>;
using Tokens = std::vector<recurra_token>;

inline std::string last_error() { return recurra_last_error(); }

// Whether `status` is `expected` and, where that is an error, recurra_last_error() is one clear line that contains
// `names`.
inline ::testing::AssertionResult is_status(recurra_status status, recurra_status expected,
                                            const std::string& names = "") {
  const std::string line = last_error();
  if (status != expected) {
    return ::testing::AssertionFailure() << recurra_status_name(status) << (status == 0 ? "" : ": " + line)
                                         << ", expected " << recurra_status_name(expected);
  }
  if (status == RECURRA_OK) return ::testing::AssertionSuccess();
  if (line.empty()) return ::testing::AssertionFailure() << "the error line is empty";
  for (const char c : line) {
    if (static_cast<unsigned char>(c) < 0x20) return ::testing::AssertionFailure() << "not one plain line: " << line;
  }
  if (line.find(names) == std::string::npos) {
    return ::testing::AssertionFailure() << "the error line does not name '" << names << "': " << line;
  }
  return ::testing::AssertionSuccess();
}

#define EXPECT_OK(call) EXPECT_TRUE(::recurra::test::is_status((call), RECURRA_OK)) << #call
#define ASSERT_OK(call) ASSERT_TRUE(::recurra::test::is_status((call), RECURRA_OK)) << #call
// The call fails with this code and a line that names this text.
#define EXPECT_ERROR(call, code, names) EXPECT_TRUE(::recurra::test::is_status((call), (code), (names))) << #call

// An options struct with its defaults.
template <class T>
T defaults(recurra_status (*init)(T*, size_t)) {
  T options;
  EXPECT_OK(init(&options, sizeof options));
  return options;
}

// A small RWKV-7 of random weights (3 layers, width 64, 272 tokens, RWKV's tokenizer).
inline std::string small_model() { return test_data("rwkv7-hs32-f16.gguf"); }

inline ModelPtr open_model(const std::string& path = small_model(), uint32_t threads = 1,
                           const char* backend = "auto") {
  recurra_model_options options = defaults(recurra_model_options_init);
  options.threads = threads;
  options.backend = backend;
  options.dtype = "f32";
  recurra_model* model = nullptr;
  EXPECT_OK(recurra_model_open(&model, path.c_str(), &options));
  return ModelPtr(model);
}

inline StatePtr make_state(recurra_model* model) {
  recurra_state* state = nullptr;
  EXPECT_OK(recurra_state_create(&state, model, nullptr));
  return StatePtr(state);
}

inline StatePtr clone(const recurra_state* source) {
  recurra_state* state = nullptr;
  EXPECT_OK(recurra_state_clone(&state, source));
  return StatePtr(state);
}

inline recurra_model_info info_of(const recurra_model* model) {
  recurra_model_info info{};
  info.struct_size = sizeof info;
  EXPECT_OK(recurra_model_get_info(&info, model));
  return info;
}

inline recurra_state_info info_of(const recurra_state* state) {
  recurra_state_info info{};
  info.struct_size = sizeof info;
  EXPECT_OK(recurra_state_get_info(&info, state));
  return info;
}

// Everything a state is: where two states' bytes are the same, nothing tells them apart.
inline std::string bytes_of(const recurra_state* state) {
  size_t size = 0;
  EXPECT_EQ(recurra_save_memory(nullptr, 0, &size, state, nullptr), RECURRA_E_TOO_SMALL) << last_error();
  std::string bytes(size, '\0');
  EXPECT_OK(recurra_save_memory(&bytes[0], bytes.size(), &size, state, nullptr));
  return bytes;
}

inline std::vector<float> logits_of(const recurra_state* state, size_t n_vocab = 272) {
  std::vector<float> logits(n_vocab);
  EXPECT_OK(recurra_logits(logits.data(), logits.size(), state));
  return logits;
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Tokens that look random and are the same everywhere; never 0, which ends the small model's texts.
inline Tokens some_tokens(size_t n, uint32_t seed = 1, uint32_t n_vocab = 272) {
  Tokens tokens(n);
  uint64_t x = seed * 0x9e3779b97f4a7c15u;
  for (recurra_token& t : tokens) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    t = static_cast<recurra_token>(1 + (x >> 33) % (n_vocab - 1));
  }
  return tokens;
}

inline void feed(recurra_state* state, const Tokens& tokens) {
  EXPECT_OK(recurra_feed(state, tokens.data(), tokens.size(), nullptr));
}

inline std::string detokenize(const recurra_model* model, const Tokens& tokens) {
  std::string text(tokens.size() * 64, '\0');
  size_t n = 0;
  EXPECT_OK(recurra_detokenize(&text[0], text.size(), &n, model, tokens.data(), tokens.size()));
  text.resize(n);
  return text;
}

inline Tokens tokenize(const recurra_model* model, const std::string& text) {
  Tokens tokens(text.size() + 1);
  size_t n = 0;
  EXPECT_OK(recurra_tokenize(tokens.data(), tokens.size(), &n, model, text.data(), text.size()));
  tokens.resize(n);
  return tokens;
}

}  // namespace recurra::test
