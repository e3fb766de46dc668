// The public API in the few calls tests make all the time; a failure is the test's failure, with the library's line.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "recurra/recurra.h"

namespace recurra::test {

// What a test program is run for: RECURRA_TEST_BACKEND, or the cpu.
inline const char* backend_under_test() {
  const char* backend = std::getenv("RECURRA_TEST_BACKEND");
  return backend != nullptr && *backend != '\0' ? backend : "cpu";
}

struct FreeModel {
  void operator()(recurra_model* m) const { recurra_model_release(m); }
};
struct FreeState {
  void operator()(recurra_state* s) const { recurra_state_free(s); }
};
using ModelPtr = std::unique_ptr<recurra_model, FreeModel>;
using StatePtr = std::unique_ptr<recurra_state, FreeState>;

inline ModelPtr open_model(const std::string& path, const char* backend = backend_under_test(), const char* dtype = "f32",
                           uint32_t threads = 2, bool exact = false) {
  recurra_model_options o;
  EXPECT_EQ(recurra_model_options_init(&o, sizeof o), RECURRA_OK);
  o.backend = backend;
  o.dtype = dtype;
  o.threads = threads;
  o.exact = exact ? 1 : 0;
  recurra_model* m = nullptr;
  EXPECT_EQ(recurra_model_open(&m, path.c_str(), &o), RECURRA_OK) << recurra_last_error();
  return ModelPtr(m);
}

// On the default backend with two threads, for dtypes that it may not have: the caller sees the status.
inline recurra_status try_open(ModelPtr& out, const std::string& path, const char* dtype, bool exact = false) {
  recurra_model_options o;
  EXPECT_EQ(recurra_model_options_init(&o, sizeof o), RECURRA_OK);
  o.dtype = dtype;
  o.threads = 2;
  o.exact = exact ? 1 : 0;
  recurra_model* m = nullptr;
  const recurra_status status = recurra_model_open(&m, path.c_str(), &o);
  out.reset(m);
  return status;
}

inline recurra_model_info info_of(const recurra_model* m) {
  recurra_model_info i{};
  i.struct_size = sizeof i;
  EXPECT_EQ(recurra_model_get_info(&i, m), RECURRA_OK) << recurra_last_error();
  return i;
}

inline StatePtr new_state(recurra_model* m) {
  recurra_state* s = nullptr;
  EXPECT_EQ(recurra_state_create(&s, m, nullptr), RECURRA_OK) << recurra_last_error();
  return StatePtr(s);
}

inline void feed(recurra_state* s, const int32_t* tokens, size_t n, bool step = false, float* logits = nullptr) {
  recurra_feed_options o;
  EXPECT_EQ(recurra_feed_options_init(&o, sizeof o), RECURRA_OK);
  o.step = step ? 1 : 0;
  o.logits = logits;
  EXPECT_EQ(recurra_feed(s, tokens, n, &o), RECURRA_OK) << recurra_last_error();
}

// The whole state as bytes: equal bytes, equal state.
inline std::vector<unsigned char> bytes_of(const recurra_state* s) {
  size_t n = 0;
  EXPECT_EQ(recurra_save_memory(nullptr, 0, &n, s, nullptr), RECURRA_E_TOO_SMALL);
  std::vector<unsigned char> bytes(n);
  EXPECT_EQ(recurra_save_memory(bytes.data(), n, &n, s, nullptr), RECURRA_OK) << recurra_last_error();
  return bytes;
}

inline std::vector<float> logits_of(const recurra_state* s, int32_t n_vocab) {
  std::vector<float> logits(static_cast<size_t>(n_vocab));
  EXPECT_EQ(recurra_logits(logits.data(), logits.size(), s), RECURRA_OK) << recurra_last_error();
  return logits;
}

template <class T>
std::vector<T> read_values(const std::string& path) {
  std::ifstream f(path, std::ios::binary | std::ios::ate);
  EXPECT_TRUE(f.good()) << path;
  std::vector<T> v(static_cast<size_t>(f.tellg()) / sizeof(T));
  f.seekg(0);
  f.read(reinterpret_cast<char*>(v.data()), static_cast<std::streamsize>(v.size() * sizeof(T)));
  return v;
}

// Tokens from a fixed generator (SplitMix64), the same everywhere.
inline std::vector<int32_t> some_tokens(size_t n, int32_t n_vocab, uint64_t seed = 1) {
  std::vector<int32_t> t(n);
  for (int32_t& x : t) {
    seed += 0x9e3779b97f4a7c15u;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    x = static_cast<int32_t>((z ^ (z >> 31)) % static_cast<uint64_t>(n_vocab));
  }
  return t;
}

}  // namespace recurra::test
