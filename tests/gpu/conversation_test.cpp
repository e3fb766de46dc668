// Conversations that move between the CPU and a GPU, many at once, and device memory that runs out.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "support/api.h"
#include "support/files.h"

namespace recurra::test {
namespace {

recurra_model* try_open(const char* path, const char* backend, const char* dtype, const char* state = "f32") {
  recurra_model_options o = defaults(recurra_model_options_init);
  o.backend = backend;
  o.dtype = dtype;
  o.state_dtype = state;
  recurra_model* model = nullptr;
  return recurra_model_open(&model, path, &o) == RECURRA_OK ? model : nullptr;
}

class Cuda : public testing::Test {
 protected:
  void SetUp() override {
    gpu_.reset(try_open(nullptr, "cuda", "f32"));
    if (!gpu_) GTEST_SKIP() << last_error();
    cpu_.reset(try_open(nullptr, "cpu", "f32"));
    ASSERT_TRUE(cpu_) << last_error();
    n_vocab_ = static_cast<size_t>(info_of(gpu_.get()).n_vocab);
  }

  // A state's logits, and the best token.
  recurra_token best(const recurra_state* s, std::vector<float>* logits = nullptr) const {
    std::vector<float> l = logits_of(s, n_vocab_);
    const auto token = static_cast<recurra_token>(std::max_element(l.begin(), l.end()) - l.begin());
    if (logits != nullptr) *logits = std::move(l);
    return token;
  }
  static float difference(const std::vector<float>& a, const std::vector<float>& b) {
    float most = 0;
    for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::isnan(a[i]) ? INFINITY : std::abs(a[i] - b[i]));
    return most;
  }

  static std::vector<float> memory_of(const recurra_state* s, size_t index) {
    recurra_memory_info info{};
    info.struct_size = sizeof info;
    EXPECT_OK(recurra_memory_describe(&info, s, index));
    std::vector<float> values(static_cast<size_t>(info.n_rows) * static_cast<size_t>(info.n_columns));
    EXPECT_OK(recurra_memory_read(values.data(), values.size(), s, index));
    return values;
  }
  void alone_as_in_a_batch(const char* state) {
    int models = 0;
    for (const char* name : {"rwkv7-f16", "rwkv7-f32", "rwkv7-hs32-f16", "rwkv7-d256-q4_0", "rwkv7-d256-q4_k_m",
                             "rwkv7-d256-q5_k_m", "rwkv7-d256-q6_k", "rwkv7-d256-q8_0", "tiny-rwkv7-trained",
                             "mamba2-g2-f16", "mamba2-d256-q4_k_m", "mamba2-d256-q6_k", "qwen35-f16", "mamba-f16"}) {
      const std::string file = shared_path(std::string("goldens/") + name + ".gguf");
      const ModelPtr model(try_open(file.c_str(), "cuda", "f32", state));
      if (!model) continue;  // not every machine has all of them
      ++models;
      const auto vocabulary = static_cast<size_t>(info_of(model.get()).n_vocab);
      const Tokens tokens = some_tokens(12, 7, static_cast<uint32_t>(vocabulary));
      const StatePtr alone = make_state(model.get()), one = make_state(model.get()), two = make_state(model.get());
      for (size_t i = 0; i < tokens.size(); ++i) {
        feed(alone.get(), {tokens[i]});
        recurra_state* states[] = {one.get(), two.get()};
        const recurra_token* pointers[] = {&tokens[i], &tokens[tokens.size() - 1 - i]};
        const size_t counts[] = {1, 1};
        ASSERT_OK(recurra_feed_batch(states, pointers, counts, 2, nullptr));
        ASSERT_TRUE(same_bits(logits_of(alone.get(), vocabulary), logits_of(one.get(), vocabulary)))
            << name << ", token " << i << ": differs by "
            << difference(logits_of(alone.get(), vocabulary), logits_of(one.get(), vocabulary));
      }
    }
    std::printf("%d models\n", models);
  }

  ModelPtr gpu_, cpu_;
  size_t n_vocab_ = 0;
};

const char* const kOpening =
    "User: My name is Ada and I live in Lisbon. I have a grey cat. What should I cook tonight?\n\nAssistant:";

// 256 greedy tokens by the CPU alone; and by a state that begins on the CPU, goes on on the GPU, through a file, back
// on the CPU, and on the GPU again. The tokens are the same, or they first differ where the two best logits are closer
// than what the two backends were seen to differ by.
TEST_F(Cuda, ConversationMoves) {
  const Tokens opening = tokenize(cpu_.get(), kOpening);
  ASSERT_GT(opening.size(), 16u);
  const StatePtr alone = make_state(cpu_.get());
  feed(alone.get(), opening);
  StatePtr moving = make_state(cpu_.get());
  feed(moving.get(), opening);
  const Folder folder;
  const std::string file = folder / "moving.safetensors";
  const auto move_to = [&](recurra_model* model, bool by_file) {
    StatePtr there = make_state(model);
    if (by_file) {
      ASSERT_OK(recurra_save_file(moving.get(), file.c_str(), nullptr));
      ASSERT_OK(recurra_load_file(there.get(), file.c_str()));
    } else {
      const std::string bytes = bytes_of(moving.get());
      ASSERT_OK(recurra_load_memory(there.get(), bytes.data(), bytes.size()));
    }
    moving = std::move(there);
  };
  float rounding = 0;
  int same = 0;
  for (; same < 256; ++same) {
    if (same == 32) move_to(gpu_.get(), false);
    if (same == 128) move_to(cpu_.get(), true);
    if (same == 160) move_to(gpu_.get(), true);
    std::vector<float> here, there;
    const recurra_token token = best(alone.get(), &here), other = best(moving.get(), &there);
    rounding = std::max(rounding, difference(there, here));
    if (token != other) {
      EXPECT_LT(here[static_cast<size_t>(token)] - here[static_cast<size_t>(other)], 2 * rounding) << "token " << same;
      break;
    }
    ASSERT_OK(recurra_feed(alone.get(), &token, 1, nullptr));
    ASSERT_OK(recurra_feed(moving.get(), &token, 1, nullptr));
  }
  std::printf("%d tokens alike, logits differ by at most %.1e\n", same, static_cast<double>(rounding));
  EXPECT_LT(rounding, 1e-3f);
}

// A state read on the GPU and saved there is the CPU's to rounding, tensor by tensor, whole prompts and single tokens.
TEST_F(Cuda, PromptsAgree) {
  for (const size_t n : {1u, 63u, 64u, 200u, 700u}) {
    const Tokens tokens = some_tokens(n, 3, static_cast<uint32_t>(n_vocab_));
    const StatePtr here = make_state(cpu_.get()), there = make_state(gpu_.get());
    feed(here.get(), tokens);
    feed(there.get(), tokens);
    EXPECT_LT(difference(logits_of(there.get(), n_vocab_), logits_of(here.get(), n_vocab_)), 2e-3f) << n << " tokens";
    const StatePtr back = make_state(cpu_.get());
    const std::string bytes = bytes_of(there.get());
    ASSERT_OK(recurra_load_memory(back.get(), bytes.data(), bytes.size()));
    EXPECT_LT(difference(logits_of(back.get(), n_vocab_), logits_of(there.get(), n_vocab_)), 1e-3f) << n << " tokens";
  }
}

// States that join and leave a batch have what they would have alone.
TEST_F(Cuda, Batch) {
  constexpr size_t kStates = 70, kSteps = 12;
  std::vector<StatePtr> together, alone;
  for (size_t i = 0; i < kStates; ++i) {
    together.push_back(make_state(gpu_.get()));
    alone.push_back(make_state(gpu_.get()));
  }
  std::vector<uint64_t> read(kStates, 0);
  for (size_t step = 0; step < kSteps; ++step) {
    std::vector<recurra_state*> states;
    std::vector<Tokens> tokens;
    for (size_t i = 0; i < kStates; ++i) {
      if ((i + step) % 5 == 0) continue;  // not in this round
      states.push_back(together[i].get());
      tokens.push_back(some_tokens(1, static_cast<uint32_t>(i * 100 + step), static_cast<uint32_t>(n_vocab_)));
      feed(alone[i].get(), tokens.back());
    }
    std::vector<const recurra_token*> pointers;
    std::vector<size_t> counts;
    for (const Tokens& t : tokens) {
      pointers.push_back(t.data());
      counts.push_back(t.size());
    }
    ASSERT_OK(recurra_feed_batch(states.data(), pointers.data(), counts.data(), states.size(), nullptr));
  }
  for (size_t i = 0; i < kStates; ++i)
    EXPECT_TRUE(same_bits(logits_of(together[i].get(), n_vocab_), logits_of(alone[i].get(), n_vocab_))) << i;
}

// With dtype f32 a state alone has the bits that it has beside another one, for every kind of model and of weights.
TEST_F(Cuda, AloneAsInABatch) { alone_as_in_a_batch("f32"); }
TEST_F(Cuda, AloneAsInABatchWithHalfStates) { alone_as_in_a_batch("f16"); }

// A state of the CPU moves to float16 on the GPU: what it holds is rounded once, and from then on moves, is copied and
// goes on without another rounding.
TEST_F(Cuda, HalfStatesMove) {
  const ModelPtr half(try_open(nullptr, "cuda", "f32", "f16"));
  ASSERT_TRUE(half) << last_error();
  EXPECT_LT(info_of(half.get()).state_bytes, 0.6 * static_cast<double>(info_of(gpu_.get()).state_bytes));
  const Tokens opening = tokenize(cpu_.get(), kOpening), tail = some_tokens(20, 4, static_cast<uint32_t>(n_vocab_));
  const StatePtr here = make_state(cpu_.get()), there = make_state(half.get()), back = make_state(cpu_.get()),
                 again = make_state(half.get());
  feed(here.get(), opening);
  const std::string first = bytes_of(here.get());
  ASSERT_OK(recurra_load_memory(there.get(), first.data(), first.size()));
  const std::string second = bytes_of(there.get());
  ASSERT_OK(recurra_load_memory(back.get(), second.data(), second.size()));
  ASSERT_OK(recurra_load_memory(again.get(), second.data(), second.size()));
  size_t memories = 0;
  ASSERT_OK(recurra_memory_count(&memories, here.get()));
  ASSERT_GT(memories, 0u);
  for (size_t i = 0; i < memories; ++i) {
    const std::vector<float> a = memory_of(here.get(), i), b = memory_of(there.get(), i), c = memory_of(back.get(), i);
    ASSERT_TRUE(same_bits(b, c)) << i;
    for (size_t j = 0; j < a.size(); ++j)
      ASSERT_LE(std::abs(b[j] - a[j]), std::max(std::abs(a[j]) / 2048, 0x1p-25f)) << i << ", " << j;
  }
  EXPECT_EQ(bytes_of(again.get()), second);
  // The same calls, the same bits: from a file, and from a copy.
  const StatePtr copy = clone(there.get());
  for (const recurra_token token : tail) {
    feed(there.get(), {token});
    feed(again.get(), {token});
    feed(copy.get(), {token});
    feed(here.get(), {token});
  }
  EXPECT_TRUE(same_bits(logits_of(there.get(), n_vocab_), logits_of(again.get(), n_vocab_)));
  EXPECT_TRUE(same_bits(logits_of(there.get(), n_vocab_), logits_of(copy.get(), n_vocab_)));
  EXPECT_EQ(bytes_of(there.get()), bytes_of(copy.get()));
  const float off = difference(logits_of(there.get(), n_vocab_), logits_of(here.get(), n_vocab_));
  std::printf("logits differ by at most %.1e\n", static_cast<double>(off));
  EXPECT_LT(off, 0.5f);
  EXPECT_GT(off, 0.0f);
}

// Prompts, in blocks and in pieces, with states in float16.
TEST_F(Cuda, PromptsOfHalfStates) {
  for (const char* dtype : {"f32", "bf16"}) {
    const ModelPtr half(try_open(nullptr, "cuda", dtype, "f16")), full(try_open(nullptr, "cuda", dtype, "f32"));
    ASSERT_TRUE(half && full) << last_error();
    for (const size_t n : {1u, 63u, 64u, 200u, 700u}) {
      const Tokens tokens = some_tokens(n, 3, static_cast<uint32_t>(n_vocab_));
      const StatePtr a = make_state(half.get()), b = make_state(full.get());
      for (int call = 0; call < 3; ++call) {
        feed(a.get(), tokens);
        feed(b.get(), tokens);
      }
      EXPECT_LT(difference(logits_of(a.get(), n_vocab_), logits_of(b.get(), n_vocab_)), 0.3f) << dtype << ", " << n;
    }
  }
}

// Greedy tokens are picked on the GPU: those that the logits, copied to the host, have as their best.
TEST_F(Cuda, GreedyTokens) {
  constexpr size_t kTokens = 40;
  const Tokens opening = tokenize(gpu_.get(), kOpening);
  const StatePtr one = make_state(gpu_.get()), two = make_state(gpu_.get());
  feed(one.get(), opening);
  feed(two.get(), opening);
  recurra_generate_options o = defaults(recurra_generate_options_init);
  Tokens picked(kTokens);
  size_t n = 0;
  ASSERT_OK(recurra_generate(picked.data(), kTokens, &n, one.get(), &o));
  ASSERT_GT(n, 4u);
  for (size_t i = 0; i < n; ++i) {
    const recurra_token token = best(two.get());
    ASSERT_EQ(picked[i], token) << "token " << i;
    feed(two.get(), {token});
  }
}

// And so are all others: those that a sampler of the same seed picks from the logits, copied to the host.
TEST_F(Cuda, SampledTokens) {
  constexpr size_t kTokens = 40;
  const Tokens opening = tokenize(gpu_.get(), kOpening);
  struct {
    float temperature, top_p, min_p, repeat_penalty;
    uint32_t top_k;
  } const kinds[] = {{0.8f, 0.95f, 0.05f, 1, 40}, {1, 1, 0, 1, 0}, {1.2f, 0.9f, 0, 1.2f, 0}, {0, 1, 0, 1.5f, 0}};
  for (const auto& kind : kinds) {
    recurra_sampler_options s = defaults(recurra_sampler_options_init);
    s.temperature = kind.temperature;
    s.top_k = kind.top_k;
    s.top_p = kind.top_p;
    s.min_p = kind.min_p;
    s.repeat_penalty = kind.repeat_penalty;
    s.seed = 5;
    recurra_sampler* made[2] = {};
    for (recurra_sampler*& m : made) ASSERT_OK(recurra_sampler_create(&m, &s));
    const SamplerPtr there(made[0]), here(made[1]);
    const StatePtr one = make_state(gpu_.get()), two = make_state(gpu_.get());
    feed(one.get(), opening);
    feed(two.get(), opening);
    recurra_generate_options o = defaults(recurra_generate_options_init);
    o.sampler = there.get();
    Tokens picked(kTokens);
    size_t n = 0;
    ASSERT_OK(recurra_generate(picked.data(), kTokens, &n, one.get(), &o));
    for (size_t i = 0; i < n; ++i) {
      const std::vector<float> logits = logits_of(two.get(), n_vocab_);
      recurra_token token = -1;
      ASSERT_OK(recurra_sampler_pick(&token, here.get(), logits.data(), logits.size()));
      ASSERT_EQ(picked[i], token) << "temperature " << kind.temperature << ", token " << i;
      feed(two.get(), {token});
    }
    std::printf("%zu tokens at temperature %g\n", n, static_cast<double>(kind.temperature));
  }
}

// Device memory that has run out is an error with a code, and everything there is works on.
TEST_F(Cuda, OutOfMemory) {
  const uint64_t megabytes = (info_of(gpu_.get()).model_bytes >> 20) + 64;
  ::setenv("RECURRA_CUDA_LIMIT_MB", std::to_string(megabytes).c_str(), 1);
  const ModelPtr model(try_open(nullptr, "cuda", "f32"));
  ::unsetenv("RECURRA_CUDA_LIMIT_MB");
  ASSERT_TRUE(model) << last_error();
  const Tokens tokens = some_tokens(40, 5, static_cast<uint32_t>(n_vocab_));
  const StatePtr first = make_state(model.get());
  feed(first.get(), tokens);
  const std::vector<float> before = logits_of(first.get(), n_vocab_);
  std::vector<StatePtr> states;
  recurra_status status = RECURRA_OK;
  while (states.size() < 100000) {
    recurra_state* state = nullptr;
    status = recurra_state_create(&state, model.get(), nullptr);
    if (status != RECURRA_OK) break;
    states.emplace_back(state);
  }
  EXPECT_EQ(status, RECURRA_E_MEMORY);
  EXPECT_EQ(last_error().find("out of device memory"), 0u) << last_error();
  ASSERT_GT(states.size(), 1u);
  EXPECT_TRUE(same_bits(logits_of(first.get(), n_vocab_), before));
  states.resize(states.size() / 2);
  const StatePtr again = make_state(model.get());
  feed(again.get(), tokens);
  EXPECT_LT(difference(logits_of(again.get(), n_vocab_), before), 1e-6f);
}

// A model that does not fit is an error too, and the next one opens.
TEST_F(Cuda, ModelTooLarge) {
  ::setenv("RECURRA_CUDA_LIMIT_MB", "1", 1);
  recurra_model_options o = defaults(recurra_model_options_init);
  o.backend = "cuda";
  recurra_model* model = nullptr;
  EXPECT_ERROR(recurra_model_open(&model, nullptr, &o), RECURRA_E_MEMORY, "out of device memory");
  ::unsetenv("RECURRA_CUDA_LIMIT_MB");
  const ModelPtr opened(try_open(nullptr, "cuda", "f32"));
  EXPECT_TRUE(opened) << last_error();
}

// What is read, saved and freed over and over leaves nothing behind.
TEST_F(Cuda, ManyStatesComeAndGo) {
  const Tokens tokens = some_tokens(70, 6, static_cast<uint32_t>(n_vocab_));
  std::vector<float> first;
  for (int i = 0; i < 50; ++i) {
    const StatePtr state = make_state(gpu_.get());
    feed(state.get(), tokens);
    const StatePtr copy = clone(state.get());
    std::vector<float> logits = logits_of(copy.get(), n_vocab_);
    if (first.empty()) first = logits;
    ASSERT_TRUE(same_bits(logits, first)) << "run " << i << " differs from the first";
  }
}

}  // namespace
}  // namespace recurra::test
