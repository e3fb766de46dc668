// recurra.hpp over the shared library, as a C++ program uses it: what it adds to the C ABI is ownership, exceptions
// that cross C calls, and containers. (Not linked with the library's own objects, whose namespace has the same name.)
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <recurra/recurra.hpp>
#include <thread>

namespace {

using recurra::Error;
using recurra::Token;

constexpr const char* kTold = "User: My name is Dave.\n\nAssistant: Noted.\n\n";
constexpr const char* kAsked = "User: What is my name?\n\nAssistant:";

struct Thrown {};  // no std::exception: whatever a callback throws comes through

template <typename Call>
recurra_status status_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_FALSE(std::string(error.what()).empty());
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.status();
  }
  return RECURRA_OK;
}

const recurra::Model& model() {
  static const recurra::Model opened = recurra::Model::open_default();
  return opened;
}

std::uint64_t n_told() { return model().tokenize(kTold).size(); }

recurra::State told() {
  recurra::State state(model());
  state.feed_text(kTold);
  return state;
}

TEST(Hpp, SaysWhatTheLibraryIs) {
  EXPECT_EQ(recurra::version(), std::to_string(RECURRA_VERSION_MAJOR) + "." + std::to_string(RECURRA_VERSION_MINOR) +
                                    "." + std::to_string(RECURRA_VERSION_PATCH));
  EXPECT_FALSE(recurra::build_info().empty());
  const std::vector<std::string> backends = recurra::backends();
  EXPECT_NE(std::find(backends.begin(), backends.end(), "reference"), backends.end());
}

TEST(Hpp, DefaultsAreTheLibrarys) {
  recurra_sampler_options s;
  ASSERT_EQ(recurra_sampler_options_init(&s, sizeof s), RECURRA_OK);
  const recurra::SamplerOptions sampler;
  EXPECT_EQ(sampler.temperature, s.temperature);
  EXPECT_EQ(sampler.seed, s.seed);
  EXPECT_EQ(sampler.top_k, s.top_k);
  EXPECT_EQ(sampler.top_p, s.top_p);
  EXPECT_EQ(sampler.min_p, s.min_p);
  EXPECT_EQ(sampler.repeat_penalty, s.repeat_penalty);
  EXPECT_EQ(sampler.repeat_last_n, s.repeat_last_n);
  recurra_generate_options g;
  ASSERT_EQ(recurra_generate_options_init(&g, sizeof g), RECURRA_OK);
  EXPECT_EQ(recurra::GenerateOptions().max_tokens, g.max_tokens);
  recurra_model_options m;
  ASSERT_EQ(recurra_model_options_init(&m, sizeof m), RECURRA_OK);
  EXPECT_EQ(recurra::ModelOptions().threads, m.threads);
  EXPECT_EQ(recurra::ModelOptions().backend, m.backend);
  EXPECT_EQ(recurra::ModelOptions().dtype, m.dtype);
  EXPECT_EQ(recurra::ModelOptions().state_dtype, m.state_dtype);
  recurra_save_options f;
  ASSERT_EQ(recurra_save_options_init(&f, sizeof f), RECURRA_OK);
  EXPECT_EQ(recurra::SaveOptions().dtype, f.dtype);
}

TEST(Hpp, ModelTellsOfItself) {
  const recurra::ModelInfo info = model().info();
  EXPECT_EQ(info.n_vocab, model().n_vocab());
  EXPECT_EQ(info.n_embd, model().n_embd());
  EXPECT_EQ(info.fingerprint.size(), 32u);
  EXPECT_EQ(model().metadata("general.architecture"), info.architecture);
  const std::vector<std::string> keys = model().metadata_keys();
  EXPECT_NE(std::find(keys.begin(), keys.end(), "general.architecture"), keys.end());
  EXPECT_TRUE(model().has_metadata("general.architecture"));
  EXPECT_FALSE(model().has_metadata("no.such.key"));
  EXPECT_EQ(status_of([] { model().metadata("no.such.key"); }), RECURRA_E_NOT_FOUND);
  EXPECT_EQ(status_of([] { recurra::Model::open("no/such/file"); }), RECURRA_E_NOT_FOUND);
}

TEST(Hpp, TextGoesToTokensAndBack) {
  const std::string bytes("a\0\xff\n", 4);
  EXPECT_EQ(model().detokenize(model().tokenize(bytes)), bytes);
  EXPECT_TRUE(model().tokenize("").empty());
  EXPECT_EQ(model().detokenize(std::vector<Token>()), "");
  EXPECT_EQ(status_of([] { model().detokenize({-1}); }), RECURRA_E_TOKEN);
  const std::string many(100000, 'x');
  EXPECT_EQ(model().detokenize(model().tokenize(many)), many);
}

TEST(Hpp, StatesGoBack) {
  recurra::StateOptions options;
  options.rewind_tokens = 100;
  recurra::State state(model(), options), without = told();
  state.feed_text(kTold);
  const std::vector<std::uint8_t> before = state.save_memory();
  state.feed_text(kAsked);
  state.rewind(state.n_tokens() - n_told());
  EXPECT_EQ(state.save_memory(), before);
  EXPECT_EQ(state.save_memory(), without.save_memory());
  EXPECT_EQ(status_of([&] { state.rewind(state.info().rewind_tokens + 1); }), RECURRA_E_INVALID);
  EXPECT_EQ(status_of([&] { without.rewind(1); }), RECURRA_E_INVALID);
  options.rewind_tokens = 1u << 30;
  EXPECT_EQ(status_of([&] { recurra::State(model(), options); }), RECURRA_E_INVALID);
}

TEST(Hpp, MemoriesAreMatrices) {
  recurra::State state = told();
  const std::size_t n = state.memory_count();
  ASSERT_GT(n, 0u);
  const recurra::MemoryInfo info = state.memory_info(n - 1);
  EXPECT_EQ(info.layer, model().info().n_layer - 1);
  EXPECT_EQ(info.name, "layers." + std::to_string(info.layer) + ".time_mix.state");
  std::vector<float> memory = state.memory(n - 1);
  EXPECT_EQ(memory.size(), static_cast<std::size_t>(info.n_rows) * static_cast<std::size_t>(info.n_columns));
  for (float& value : memory) value += 1;
  state.set_memory(n - 1, memory);
  EXPECT_EQ(state.memory(n - 1), memory);
  EXPECT_EQ(status_of([&] { state.memory(n); }), RECURRA_E_INVALID);
  EXPECT_EQ(status_of([&] { state.set_memory(0, {1, 2}); }), RECURRA_E_INVALID);
}

TEST(Hpp, ObjectsMoveAndMayGoInAnyOrder) {
  auto shared = std::make_unique<recurra::Model>(model().share());
  recurra::State state(*shared);
  shared.reset();
  state.feed_text(kTold);
  recurra::State moved = std::move(state);
  EXPECT_EQ(moved.n_tokens(), n_told());
  EXPECT_EQ(status_of([&] { state.n_tokens(); }),
            RECURRA_E_INVALID);  // NOLINT(bugprone-use-after-move): that is the test
  recurra::State clone = moved.clone();
  moved.reset();
  EXPECT_EQ(moved.n_tokens(), 0u);
  EXPECT_EQ(clone.n_tokens(), n_told());
  moved.copy_from(clone);
  EXPECT_EQ(moved.logits(), clone.logits());
  state = std::move(moved);
  EXPECT_EQ(state.hidden(), clone.hidden());
}

TEST(Hpp, FeedFillsLogitsAndLogprobs) {
  const std::vector<Token> tokens = model().tokenize(kTold);
  const std::size_t n_vocab = static_cast<std::size_t>(model().n_vocab());
  std::vector<float> logits(tokens.size() * n_vocab), logprobs(tokens.size());
  std::uint64_t n_done = 0;
  recurra::FeedOptions options;
  options.step = true;
  options.logits = logits.data();
  options.logprobs = logprobs.data();
  options.n_done = &n_done;
  recurra::State state(model());
  state.feed(tokens, options);
  EXPECT_EQ(n_done, tokens.size());
  EXPECT_TRUE(std::isnan(logprobs[0]));
  EXPECT_EQ(std::vector<float>(logits.end() - static_cast<std::ptrdiff_t>(n_vocab), logits.end()), state.logits());

  recurra::State first(model());
  first.feed(tokens.data(), 1);
  recurra::FeedOptions step;
  step.step = true;
  const std::vector<float> scores = first.score({tokens.begin() + 1, tokens.end()}, step);
  for (std::size_t i = 0; i < scores.size(); ++i)
    EXPECT_NEAR(scores[i], logprobs[i + 1], 1e-4) << i;  // float32 rounding
}

TEST(Hpp, BatchIsWhatEachWouldBeAlone) {
  const std::vector<std::vector<Token>> tokens = {model().tokenize(kTold), model().tokenize("User: Hello.\n\n")};
  recurra::State a(model()), b(model()), alone(model());
  recurra::feed_batch({&a, &b}, tokens);
  alone.feed(tokens[1]);
  EXPECT_EQ(b.logits(), alone.logits());
  const std::vector<float> both = recurra::logits_batch({&a, &b});
  EXPECT_EQ(std::vector<float>(both.begin() + model().n_vocab(), both.end()), alone.logits());
  EXPECT_EQ(status_of([&] { recurra::logits_batch({}); }), RECURRA_E_INVALID);
  EXPECT_EQ(status_of([&] { recurra::logits_batch({&a, nullptr}); }), RECURRA_E_INVALID);
  EXPECT_EQ(status_of([&] { recurra::feed_batch({&a}, tokens); }), RECURRA_E_INVALID);
  EXPECT_EQ(status_of([&] { recurra::feed_batch({&a, nullptr}, tokens); }), RECURRA_E_INVALID);
  EXPECT_EQ(status_of([&] { recurra::feed_batch({&a, &a}, tokens); }), RECURRA_E_INVALID);
}

TEST(Hpp, GenerateAndQueryAgree) {
  recurra::State state = told();
  recurra::GenerateOptions options;
  options.max_tokens = 40;
  options.stop_texts = {"\n\n"};
  const std::string answer = state.query_text(kAsked, options);
  EXPECT_EQ(state.n_tokens(), n_told());
  std::string streamed;
  options.on_token = [&](Token, std::string_view text) {
    streamed += text;
    return true;
  };
  const std::vector<Token> tokens = state.query(model().tokenize(kAsked), options);
  EXPECT_EQ(model().detokenize(tokens).substr(0, answer.size()), answer);
  EXPECT_EQ(streamed, answer);
  state.feed_text(kAsked);
  EXPECT_EQ(state.generate_text(options), answer);
  options.max_tokens = 0;
  EXPECT_EQ(state.generate_text(options), "");
  EXPECT_TRUE(state.generate(options).empty());
}

TEST(Hpp, SamplerRepeatsItsSeed) {
  recurra::SamplerOptions options;
  options.temperature = 1;
  options.seed = 5;
  std::string texts[2];
  for (std::string& text : texts) {
    recurra::Sampler sampler(options);
    recurra::GenerateOptions generation;
    generation.sampler = &sampler;
    generation.max_tokens = 50;
    text = told().query_text(kAsked, generation);
  }
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_EQ(recurra::Sampler().pick({0.f, 2.f, 2.f, 1.f}), 1);
  options.top_p = -1;
  EXPECT_EQ(status_of([&] { recurra::Sampler sampler(options); }), RECURRA_E_INVALID);
}

TEST(Hpp, CallbacksStopCallsAndTheirExceptionsComeThrough) {
  recurra::State state = told();
  recurra::FeedOptions feed;
  feed.progress = [](std::uint64_t, std::uint64_t) -> bool { throw Thrown(); };
  EXPECT_THROW(state.feed_text(std::string(500, 'x'), feed), Thrown);
  feed.progress = [](std::uint64_t, std::uint64_t) { return false; };
  EXPECT_EQ(status_of([&] { state.feed_text(std::string(500, 'x'), feed); }), RECURRA_E_CANCELLED);

  recurra::GenerateOptions generation;
  generation.max_tokens = 100;
  int calls = 0;
  generation.on_token = [&](Token token, std::string_view) {
    if (token >= 0) ++calls;
    return calls < 3;
  };
  EXPECT_EQ(state.generate(generation).size(), 3u);
  generation.on_token = [](Token, std::string_view) -> bool { throw Thrown(); };
  EXPECT_THROW(state.generate(generation), Thrown);
  EXPECT_THROW(state.generate_text(generation), Thrown);
  EXPECT_THROW(state.query_text(kAsked, generation), Thrown);

  recurra::ModelOptions open;
  open.progress = [](std::uint64_t, std::uint64_t) -> bool { throw Thrown(); };
  EXPECT_THROW(recurra::Model::open_default(open), Thrown);

  EXPECT_THROW(state.save_stream([](const void*, std::size_t) -> std::size_t { throw Thrown(); }), Thrown);
  EXPECT_THROW(state.load_stream([](void*, std::size_t) -> std::size_t { throw Thrown(); }), Thrown);
  EXPECT_EQ(status_of([&] { state.save_stream([](const void*, std::size_t) { return std::size_t{0}; }); }),
            RECURRA_E_CALLBACK);
}

TEST(Hpp, FromACallbackTheStateIsBusy) {
  recurra::State state = told();
  recurra_status seen = RECURRA_OK;
  recurra::GenerateOptions generation;
  generation.max_tokens = 1;
  generation.on_token = [&](Token, std::string_view) {
    seen = status_of([&] { state.feed_text("x"); });
    return true;
  };
  state.generate(generation);
  EXPECT_EQ(seen, RECURRA_E_BUSY);
}

TEST(Hpp, CancelStopsFromAnotherThread) {
  recurra::Cancel cancel;
  recurra::State state(model());
  recurra::FeedOptions options;
  std::uint64_t n_done = 0;
  options.cancel = &cancel;
  options.n_done = &n_done;
  const std::vector<Token> tokens(2000000, 'x');
  std::thread other([&] { cancel.trigger(); });
  EXPECT_EQ(status_of([&] { state.feed(tokens, options); }), RECURRA_E_CANCELLED);
  other.join();
  EXPECT_EQ(state.n_tokens(), n_done);
  EXPECT_LT(n_done, tokens.size());
  cancel.reset();
  state.feed(tokens.data(), 10, options);
  EXPECT_EQ(n_done, 10u);
}

TEST(Hpp, SavesAndLoadsThroughFilesMemoryAndStreams) {
  const recurra::State state = [] {
    recurra::State s = told();
    s.set_note("title", "Dave");
    s.set_note("gone", std::string(70000 / 2, 'x'));
    EXPECT_EQ(s.note("gone").size(), 35000u);
    s.remove_note("gone");
    return s;
  }();
  EXPECT_TRUE(state.has_note("title"));
  EXPECT_FALSE(state.has_note("gone"));
  EXPECT_EQ(status_of([&] { state.note("gone"); }), RECURRA_E_NOT_FOUND);

  const std::vector<std::uint8_t> bytes = state.save_memory();
  EXPECT_EQ(bytes.size(), state.info().file_bytes);
  std::vector<std::uint8_t> streamed;
  state.save_stream([&](const void* data, std::size_t size) {
    const auto* p = static_cast<const std::uint8_t*>(data);
    streamed.insert(streamed.end(), p, p + size);
    return size;
  });
  EXPECT_EQ(streamed, bytes);

  recurra::State loaded(model());
  std::size_t at = 0;
  loaded.load_stream([&](void* data, std::size_t size) {
    const std::size_t n = std::min(size, bytes.size() - at);
    std::memcpy(data, bytes.data() + at, n);
    at += n;
    return n;
  });
  EXPECT_EQ(loaded.note("title"), "Dave");
  EXPECT_EQ(loaded.logits(), state.logits());
  loaded.reset();
  loaded.load_memory(bytes);
  EXPECT_EQ(loaded.logits(), state.logits());

  const std::string path = (std::filesystem::temp_directory_path() / "recurra-hpp-test.state").string();
  recurra::SaveOptions half;
  half.dtype = "f16";
  state.save_file(path, half);
  const recurra::Peek peek = recurra::peek_file(path);
  EXPECT_EQ(peek.n_tokens, state.n_tokens());
  EXPECT_EQ(peek.dtype, "f16");
  EXPECT_EQ(peek.n_notes, 1u);
  EXPECT_EQ(peek.file_bytes, std::filesystem::file_size(path));
  EXPECT_NE(peek.metadata.find("note.title"), std::string::npos);
  loaded.load_file(path);
  EXPECT_EQ(loaded.n_tokens(), state.n_tokens());
  std::filesystem::remove(path);
  EXPECT_EQ(status_of([&] { loaded.load_file(path); }), RECURRA_E_NOT_FOUND);
  EXPECT_EQ(status_of([&] { recurra::peek_file(path); }), RECURRA_E_NOT_FOUND);
  EXPECT_EQ(status_of([&] { loaded.load_memory(bytes.data(), bytes.size() / 2); }), RECURRA_E_CORRUPT);
}

TEST(Hpp, LogLinesArriveUntilTheyAreTurnedOff) {
  int lines = 0;
  recurra::set_log(
      [&](std::int32_t, const std::string& message) {
        ++lines;
        EXPECT_FALSE(message.empty());
        throw Thrown();  // dropped
      },
      RECURRA_LOG_DEBUG);
  recurra::Model::open_default();
  recurra::set_log(nullptr);
  const int before = lines;
  recurra::Model::open_default();
  EXPECT_EQ(lines, before);
}

}  // namespace
