// Wrong models, tokens and options, through the C ABI: each has its status code and one line that names what was wrong,
// no state changes, and the library goes on as before. State files are in state_errors_test.cpp, NULL in null_test.cpp.
#include <sys/stat.h>

#include <climits>
#include <functional>
#include <limits>
#include <thread>

#include "support/api.h"
#include "support/files.h"
#include "support/tiny_model.h"

namespace recurra::test {
namespace {

// ---- model files ----------------------------------------------------------------------------------------------------

// Opens bytes that lie at the very end of an allocation, so that the address sanitizer sees every read past them.
recurra_status open_bytes(const std::string& bytes) {
  const std::unique_ptr<char[]> exact(new char[bytes.size()]);  // aligned for any type
  std::memcpy(exact.get(), bytes.data(), bytes.size());
  recurra_model* model = nullptr;
  const recurra_status status = recurra_model_open_memory(&model, exact.get(), bytes.size(), nullptr);
  EXPECT_EQ(model != nullptr, status == RECURRA_OK);
  recurra_model_release(model);
  return status;
}

recurra_status open_path(const std::string& path) {
  recurra_model* model = nullptr;
  const recurra_status status = recurra_model_open(&model, path.c_str(), nullptr);
  EXPECT_EQ(model != nullptr, status == RECURRA_OK);
  recurra_model_release(model);
  return status;
}

TEST(WrongModel, TheTinyOneIsRight) { EXPECT_OK(open_bytes(TinyModel().build())); }

TEST(WrongModel, NoFile) {
  const Folder folder;
  EXPECT_ERROR(open_path(folder / "absent.gguf"), RECURRA_E_NOT_FOUND, folder / "absent.gguf");
  write_whole(folder / "file", "x");
  EXPECT_ERROR(open_path(folder / "file/absent.gguf"), RECURRA_E_NOT_FOUND, "file/absent.gguf");
  EXPECT_ERROR(open_path(""), RECURRA_E_NOT_FOUND, "");
  EXPECT_ERROR(open_path(folder / "two\nlines\x01\xff"), RECURRA_E_NOT_FOUND, "two\\x0alines\\x01\\xff");
  EXPECT_ERROR(open_path(folder / std::string(300, 'x')), RECURRA_E_IO, "xxx");
}

TEST(WrongModel, NotAFile) {
  const Folder folder;
  EXPECT_ERROR(open_path(folder.path()), RECURRA_E_NOT_FOUND, "the folder has no config.json");
  EXPECT_ERROR(open_path("/dev/null"), RECURRA_E_FORMAT, "/dev/null: is not a regular file");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_ERROR(open_path(folder / "pipe"), RECURRA_E_FORMAT,
               "is not a regular file");  // and does not wait for a writer
}

TEST(WrongModel, Empty) {
  const Folder folder;
  write_whole(folder / "empty.gguf", "");
  EXPECT_ERROR(open_path(folder / "empty.gguf"), RECURRA_E_FORMAT, "empty");
  EXPECT_ERROR(open_bytes(""), RECURRA_E_FORMAT, "memory");
}

TEST(WrongModel, CutAtEveryPercent) {
  const Folder folder;
  const std::string whole = read_whole(small_model());
  for (size_t percent = 0; percent < 100; ++percent) {
    SCOPED_TRACE(percent);
    const std::string cut = whole.substr(0, whole.size() * percent / 100);
    EXPECT_ERROR(open_bytes(cut), RECURRA_E_FORMAT, "memory");
    write_whole(folder / "cut.gguf", cut);
    EXPECT_ERROR(open_path(folder / "cut.gguf"), RECURRA_E_FORMAT, "cut.gguf");
  }
  EXPECT_ERROR(open_bytes(whole.substr(0, whole.size() - 1)), RECURRA_E_FORMAT, "cut off");
}

TEST(WrongModel, CutAnywhereInTheTables) {
  const std::string whole = TinyModel().build();
  const size_t tables = whole.size() - TinyModel().builder().payload.size();
  for (size_t size = 0; size < tables; ++size)
    EXPECT_ERROR(open_bytes(whole.substr(0, size)), RECURRA_E_FORMAT, "memory");
}

TEST(WrongModel, MemoryThatIsNotAligned) {
  std::string bytes = "x" + TinyModel().build();
  const auto address = reinterpret_cast<uintptr_t>(bytes.data()) % 8;
  recurra_model* model = nullptr;
  EXPECT_ERROR(recurra_model_open_memory(&model, bytes.data() + (address == 0), bytes.size() - 1, nullptr),
               RECURRA_E_INVALID, "multiple of 8");
}

TEST(WrongModel, MagicAndVersion) {
  GgufBuilder file = TinyModel().builder();
  file.magic = "GGML";
  EXPECT_ERROR(open_bytes(file.build()), RECURRA_E_FORMAT, "GGML");
  file.magic = std::string(
      "\x7f"
      "E\nF",
      4);
  EXPECT_ERROR(open_bytes(file.build()), RECURRA_E_FORMAT, "\\x7fE\\x0aF");
  file.magic = "GGUF";
  file.version = 0;
  EXPECT_ERROR(open_bytes(file.build()), RECURRA_E_FORMAT, "version 0");
  for (const uint32_t version : {1u, 4u, 4000000000u}) {
    file.version = version;
    EXPECT_ERROR(open_bytes(file.build()), RECURRA_E_UNSUPPORTED, "version " + std::to_string(version));
  }
  file.version = 0x03000000;
  EXPECT_ERROR(open_bytes(file.build()), RECURRA_E_UNSUPPORTED, "big-endian");
}

TEST(WrongModel, HugeCounts) {
  for (const uint64_t n : {uint64_t{1} << 32, uint64_t{1} << 60, ~uint64_t{0}}) {
    const std::string shown = std::to_string(n);
    GgufBuilder file = TinyModel().builder();
    file.n_keys = n;
    EXPECT_ERROR(open_bytes(file.build()), RECURRA_E_FORMAT, shown);
    file = TinyModel().builder();
    file.n_tensors = n;
    EXPECT_ERROR(open_bytes(file.build()), RECURRA_E_FORMAT, shown);
    file = TinyModel().builder();
    file.key("a.string", 8, Bytes().u64(n).data);
    EXPECT_ERROR(open_bytes(file.build()), RECURRA_E_FORMAT, shown);
    file = TinyModel().builder();
    file.key("an.array", 9, Bytes().u32(4).u64(n).data);
    EXPECT_ERROR(open_bytes(file.build()), RECURRA_E_FORMAT, "an.array");
    file = TinyModel().builder();
    file.tensor_at(0, "huge", {n, n, n, n}, 0);
    EXPECT_ERROR(open_bytes(file.build()), RECURRA_E_FORMAT, "huge");
    file = TinyModel().builder();
    file.tensor_at(n - 32 + n % 32, "far", {1}, 0);
    EXPECT_ERROR(open_bytes(file.build()), RECURRA_E_FORMAT, "far");
  }
}

TEST(WrongModel, Hyperparameters) {
  const std::pair<const char*, uint32_t> wrong[] = {
      {"rwkv7.block_count", 0},         {"rwkv7.block_count", 5000},       {"rwkv7.block_count", 0xffffffff},
      {"rwkv7.embedding_length", 0},    {"rwkv7.embedding_length", 17},    {"rwkv7.embedding_length", 0xffffffff},
      {"rwkv7.wkv.head_size", 0},       {"rwkv7.wkv.head_size", 7},        {"rwkv7.wkv.head_size", 1 << 30},
      {"rwkv7.feed_forward_length", 0}, {"rwkv7.feed_forward_length", 31}, {"rwkv7.feed_forward_length", 0x7fffffff},
  };
  for (const auto& [key, value] : wrong) {
    SCOPED_TRACE(std::string(key) + " = " + std::to_string(value));
    TinyModel tiny;
    tiny.numbers[key] = value;
    EXPECT_ERROR(open_bytes(tiny.build()), RECURRA_E_FORMAT, "");
  }
  for (const auto& [key, value] : TinyModel().numbers) {
    TinyModel tiny;
    tiny.numbers.erase(key);
    EXPECT_ERROR(open_bytes(tiny.build()), RECURRA_E_FORMAT, key);
  }
  TinyModel more;  // layers than there are
  more.numbers["rwkv7.block_count"] = 3;
  EXPECT_ERROR(open_bytes(more.build()), RECURRA_E_FORMAT, "blk.2.");
}

// The names of all tensors that the network needs; layer 0 has no use for the value residual, and a head may be absent.
std::vector<std::string> needed_tensors() {
  std::vector<std::string> names;
  TinyModel tiny;
  tiny.edit = [&](TinyModel::Entry& e) {
    if (e.name.find("blk.0.time_mix_v") == std::string::npos || e.name.find("value") != std::string::npos)
      names.push_back(e.name);
    return true;
  };
  tiny.build();
  names.erase(std::find(names.begin(), names.end(), "output.weight"));
  return names;
}

TEST(WrongModel, EachTensorMissing) {
  EXPECT_GT(needed_tensors().size(), 50u);
  for (const std::string& name : needed_tensors()) {
    TinyModel tiny;
    tiny.edit = [&](const TinyModel::Entry& e) { return e.name != name; };
    EXPECT_ERROR(open_bytes(tiny.build()), RECURRA_E_FORMAT, name);
  }
}

TEST(WrongModel, EachTensorOfTheWrongShape) {
  for (const std::string& name : needed_tensors()) {
    SCOPED_TRACE(name);
    TinyModel tiny;
    tiny.edit = [&](TinyModel::Entry& e) {
      if (e.name != name) return true;
      e.ne[0] += 1;  // the width, or the rank that the tensor before says
      uint64_t elements = 1;
      for (const uint64_t n : e.ne) elements *= n;
      e.bytes.resize(elements * 4);
      return true;
    };
    const recurra_status status = open_bytes(tiny.build());
    EXPECT_TRUE(is_status(status, RECURRA_E_FORMAT, name));
    EXPECT_TRUE(is_status(status, RECURRA_E_FORMAT, "expected"));
  }
}

TEST(WrongModel, TensorsOfTypesThatNothingComputesWith) {
  const std::pair<uint32_t, const char*> types[] = {
      {10, "Q2_K"}, {28, "F64"}, {26, "I32"}, {24, "I8"}, {4000000000u, "4000000000"}};
  for (const char* tensor :
       {"token_embd.weight", "output_norm.weight", "blk.1.time_mix_key.weight", "blk.0.time_mix_w1.weight"}) {
    for (const auto& [type, shown] : types) {
      SCOPED_TRACE(std::string(tensor) + " as " + shown);
      TinyModel tiny;
      tiny.edit = [&, type = type](TinyModel::Entry& e) {
        if (e.name == tensor) {
          e.type = type;
          if (type == 28) e.bytes += e.bytes;
        }
        return true;
      };
      const recurra_status status = open_bytes(tiny.build());
      EXPECT_TRUE(is_status(status, RECURRA_E_UNSUPPORTED, tensor));
      EXPECT_TRUE(is_status(status, RECURRA_E_UNSUPPORTED, shown));
    }
  }
}

TEST(WrongModel, ArchitectureAndTokenizer) {
  TinyModel tiny;
  tiny.architecture = "mamba9\n";
  EXPECT_ERROR(open_bytes(tiny.build()), RECURRA_E_UNSUPPORTED, "'mamba9\\x0a'");
  tiny.architecture = std::string(2000, 'a');
  EXPECT_ERROR(open_bytes(tiny.build()), RECURRA_E_UNSUPPORTED, "aaa...");
  tiny = {};
  tiny.tokenizer = "t5";
  EXPECT_ERROR(open_bytes(tiny.build()), RECURRA_E_UNSUPPORTED, "\"t5\"");
  tiny.tokenizer = "rwkv";
  EXPECT_ERROR(open_bytes(tiny.build()), RECURRA_E_FORMAT, "tokenizer.ggml.tokens");
  EXPECT_ERROR(open_bytes(GgufBuilder().build()), RECURRA_E_FORMAT, "general.architecture");
  GgufBuilder file;
  file.key_u32("general.architecture", 7);
  EXPECT_ERROR(open_bytes(file.build()), RECURRA_E_FORMAT, "general.architecture");
}

TEST(WrongModel, Options) {
  const auto open_with = [](const std::function<void(recurra_model_options&)>& change) {
    recurra_model_options o = defaults(recurra_model_options_init);
    change(o);
    recurra_model* model = nullptr;
    const recurra_status status = recurra_model_open(&model, small_model().c_str(), &o);
    recurra_model_release(model);
    return status;
  };
  EXPECT_ERROR(open_with([](auto& o) { o.backend = "tpu\n"; }), RECURRA_E_BACKEND, "'tpu\\x0a'");
  EXPECT_ERROR(open_with([](auto& o) { o.backend = ""; }), RECURRA_E_BACKEND, "''");
  EXPECT_ERROR(open_with([](auto& o) { o.dtype = "f64"; }), RECURRA_E_INVALID, "'f64'");
  EXPECT_ERROR(open_with([](auto& o) { o.state_dtype = "bf16"; }), RECURRA_E_INVALID, "state_dtype is 'bf16'");
  for (const char* backend : {"cpu", "reference"})
    EXPECT_ERROR(open_with([&](auto& o) { o.state_dtype = "f16", o.backend = backend; }), RECURRA_E_UNSUPPORTED,
                 "needs the cuda backend");
  EXPECT_EQ(open_with([](auto& o) { o.state_dtype = nullptr; }), RECURRA_OK);
  EXPECT_ERROR(open_with([](auto& o) { o.threads = 100000; }), RECURRA_E_INVALID, "100000");
  EXPECT_ERROR(open_with([](auto& o) { o.exact = 2; }), RECURRA_E_INVALID, "exact is 2");
  EXPECT_ERROR(open_with([](auto& o) { o.reserved = 1; }), RECURRA_E_INVALID, "reserved is 1");
  EXPECT_ERROR(open_with([](auto& o) { o.progress = [](void*, uint64_t, uint64_t) -> int32_t { return 1; }; }),
               RECURRA_E_CANCELLED, "cancelled");
  const std::string name(5000, 'n');
  EXPECT_ERROR(open_with([&](auto& o) { o.backend = name.c_str(); }), RECURRA_E_BACKEND, "nnn...");
}

// ---- on a state -----------------------------------------------------------------------------------------------------

class WrongCall : public ::testing::Test {
 protected:
  void SetUp() override {
    feed(state.get(), some_tokens(70));
    ASSERT_OK(recurra_state_set_note(state.get(), "title", "kept"));
    before = bytes_of(state.get());
  }
  void TearDown() override {
    EXPECT_EQ(bytes_of(state.get()), before);
    feed(state.get(), {1});  // and it works
    EXPECT_EQ(info_of(state.get()).n_tokens, 71u);
    EXPECT_EQ(logits_of(state.get()).size(), 272u);
  }
  ModelPtr model = open_model();
  StatePtr state = make_state(model.get());
  std::string before;
  std::vector<float> floats = std::vector<float>(272 * 4);
  Tokens out = Tokens(64);
  char text[256] = "";
  size_t n = 0;
};

TEST_F(WrongCall, TokensOutsideTheVocabulary) {
  const StatePtr other = make_state(model.get());
  const std::string empty = bytes_of(other.get());
  for (const recurra_token wrong : {-1, 272, INT_MIN, INT_MAX}) {
    const std::string shown = "token " + std::to_string(wrong) + " ";
    for (const size_t at : {size_t{0}, size_t{1}, size_t{500}, size_t{999}}) {
      Tokens tokens = some_tokens(1000);
      tokens[at] = wrong;
      uint64_t done = 99;
      recurra_feed_options o = defaults(recurra_feed_options_init);
      o.n_done = &done;
      EXPECT_ERROR(recurra_feed(state.get(), tokens.data(), tokens.size(), &o), RECURRA_E_TOKEN, shown);
      EXPECT_NE(last_error().find("index " + std::to_string(at)), std::string::npos) << last_error();
      EXPECT_EQ(done, 0u);
      EXPECT_ERROR(recurra_score(floats.data(), state.get(), tokens.data(), tokens.size(), nullptr), RECURRA_E_TOKEN,
                   shown);
      EXPECT_ERROR(recurra_query(out.data(), 1, &n, state.get(), tokens.data(), tokens.size(), nullptr),
                   RECURRA_E_TOKEN, shown);
      EXPECT_ERROR(recurra_detokenize(text, sizeof text, &n, model.get(), tokens.data(), tokens.size()),
                   RECURRA_E_TOKEN, shown);
    }
    const Tokens right = some_tokens(3), tokens = {4, wrong};
    recurra_state* const states[] = {state.get(), other.get()};
    const recurra_token* const lists[] = {right.data(), tokens.data()};
    const size_t sizes[] = {3, 2};
    EXPECT_ERROR(recurra_feed_batch(states, lists, sizes, 2, nullptr), RECURRA_E_TOKEN, shown);
    EXPECT_EQ(bytes_of(other.get()), empty);
    recurra_generate_options g = defaults(recurra_generate_options_init);
    g.stop_tokens = &wrong;
    g.n_stop_tokens = 1;
    EXPECT_ERROR(recurra_generate(out.data(), 1, &n, state.get(), &g), RECURRA_E_TOKEN, shown);
  }
}

TEST_F(WrongCall, NoTokens) {
  const recurra_token token = 1;
  EXPECT_ERROR(recurra_feed(state.get(), &token, 0, nullptr), RECURRA_E_INVALID, "no tokens");
  EXPECT_ERROR(recurra_feed(state.get(), nullptr, 0, nullptr), RECURRA_E_INVALID, "no tokens");
  EXPECT_ERROR(recurra_feed_text(state.get(), "", (size_t)-1, nullptr), RECURRA_E_INVALID, "no tokens");
  EXPECT_ERROR(recurra_feed_text(state.get(), nullptr, 0, nullptr), RECURRA_E_INVALID, "no tokens");
  EXPECT_ERROR(recurra_score(floats.data(), state.get(), &token, 0, nullptr), RECURRA_E_INVALID, "no tokens");
  const recurra_token* list = &token;
  const size_t none = 0;
  recurra_state* raw = state.get();
  EXPECT_ERROR(recurra_feed_batch(&raw, &list, &none, 1, nullptr), RECURRA_E_INVALID, "n_tokens[0] is 0");
  EXPECT_ERROR(recurra_feed_batch(&raw, &list, &none, 0, nullptr), RECURRA_E_INVALID, "n_states is 0");
  // Nothing asked for is nothing wrong.
  EXPECT_OK(recurra_tokenize(nullptr, 0, &n, model.get(), "", 0));
  EXPECT_EQ(n, 0u);
  EXPECT_OK(recurra_detokenize(nullptr, 0, &n, model.get(), nullptr, 0));
  EXPECT_OK(recurra_query(out.data(), 1, &n, state.get(), nullptr, 0, nullptr));
}

TEST_F(WrongCall, BeforeTheFirstToken) {
  const StatePtr empty = make_state(model.get());
  EXPECT_ERROR(recurra_logits(floats.data(), 272, empty.get()), RECURRA_E_INVALID, "no token");
  EXPECT_ERROR(recurra_hidden(floats.data(), 64, empty.get()), RECURRA_E_INVALID, "no token");
  EXPECT_ERROR(recurra_generate(out.data(), 1, &n, empty.get(), nullptr), RECURRA_E_INVALID, "no token");
  EXPECT_ERROR(recurra_query(out.data(), 1, &n, empty.get(), nullptr, 0, nullptr), RECURRA_E_INVALID, "no token");
  EXPECT_EQ(info_of(empty.get()).n_tokens, 0u);
}

TEST_F(WrongCall, Sizes) {
  for (const size_t wrong : {size_t{0}, size_t{271}, size_t{273}, static_cast<size_t>(-1)}) {
    EXPECT_ERROR(recurra_logits(floats.data(), wrong, state.get()), RECURRA_E_INVALID, std::to_string(wrong));
    EXPECT_ERROR(recurra_hidden(floats.data(), wrong, state.get()), RECURRA_E_INVALID, std::to_string(wrong));
  }
  EXPECT_EQ(recurra_tokenize(out.data(), 2, &n, model.get(), "abcdef", 6), RECURRA_E_TOO_SMALL);
  EXPECT_EQ(n, tokenize(model.get(), "abcdef").size());
  const Tokens tokens = some_tokens(40);
  EXPECT_ERROR(recurra_detokenize(text, 1, &n, model.get(), tokens.data(), tokens.size()), RECURRA_E_TOO_SMALL,
               std::to_string(detokenize(model.get(), tokens).size()));
  EXPECT_EQ(n, detokenize(model.get(), tokens).size());
  EXPECT_ERROR(recurra_state_get_note(text, 3, &n, state.get(), "title"), RECURRA_E_TOO_SMALL, "4");
  EXPECT_EQ(n, 4u);
  std::string file(before.size() - 1, 'x');
  EXPECT_ERROR(recurra_save_memory(&file[0], file.size(), &n, state.get(), nullptr), RECURRA_E_TOO_SMALL,
               std::to_string(before.size()));
  EXPECT_EQ(n, before.size());
  EXPECT_EQ(file, std::string(before.size() - 1, 'x'));
}

TEST_F(WrongCall, Options) {
  const recurra_token token = 1;
  recurra_feed_options f = defaults(recurra_feed_options_init);
  f.step = 2;
  EXPECT_ERROR(recurra_feed(state.get(), &token, 1, &f), RECURRA_E_INVALID, "step is 2");
  f = defaults(recurra_feed_options_init);
  f.logprobs = floats.data();
  EXPECT_ERROR(recurra_feed_text(state.get(), "a", 1, &f), RECURRA_E_INVALID, "logprobs");
  EXPECT_ERROR(recurra_score(floats.data(), state.get(), &token, 1, &f), RECURRA_E_INVALID, "logprobs");
  recurra_save_options s = defaults(recurra_save_options_init);
  s.dtype = "q8";
  EXPECT_ERROR(recurra_save_memory(text, sizeof text, &n, state.get(), &s), RECURRA_E_INVALID, "'q8'");
  s = defaults(recurra_save_options_init);
  s.reserved = 7;
  EXPECT_ERROR(recurra_save_memory(text, sizeof text, &n, state.get(), &s), RECURRA_E_INVALID, "reserved is 7");
  recurra_state_options o = defaults(recurra_state_options_init);
  o.rewind_tokens = (1u << 20) + 1;
  recurra_state* made = nullptr;
  EXPECT_ERROR(recurra_state_create(&made, model.get(), &o), RECURRA_E_INVALID, "rewind_tokens is 1048577");
  const char* const empty = "";
  recurra_generate_options g = defaults(recurra_generate_options_init);
  g.stop_texts = &empty;
  g.n_stop_texts = 1;
  EXPECT_ERROR(recurra_generate(out.data(), 1, &n, state.get(), &g), RECURRA_E_INVALID, "stop_texts[0] is empty");
  EXPECT_ERROR(recurra_log_set(nullptr, nullptr, 4), RECURRA_E_INVALID, "least_level is 4");
  EXPECT_ERROR(recurra_log_set(nullptr, nullptr, -1), RECURRA_E_INVALID, "least_level is -1");
  EXPECT_EQ(recurra_backend_name(-1), nullptr);
  EXPECT_EQ(recurra_backend_name(recurra_backend_count()), nullptr);
  EXPECT_STREQ(recurra_status_name(1), "unknown status");
  EXPECT_STREQ(recurra_status_name(-17), "unknown status");
  EXPECT_STREQ(recurra_status_name(INT_MIN), "unknown status");
}

TEST_F(WrongCall, SamplerOptions) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const auto create = [](const std::function<void(recurra_sampler_options&)>& change) {
    recurra_sampler_options o = defaults(recurra_sampler_options_init);
    change(o);
    recurra_sampler* sampler = nullptr;
    const recurra_status status = recurra_sampler_create(&sampler, &o);
    EXPECT_EQ(sampler != nullptr, status == RECURRA_OK);
    recurra_sampler_free(sampler);
    return status;
  };
  for (const float wrong : {-1.0f, nan, infinity}) {
    EXPECT_ERROR(create([=](auto& o) { o.temperature = wrong; }), RECURRA_E_INVALID, "temperature");
    EXPECT_ERROR(create([=](auto& o) { o.top_p = wrong; }), RECURRA_E_INVALID, "top_p");
    EXPECT_ERROR(create([=](auto& o) { o.min_p = wrong; }), RECURRA_E_INVALID, "min_p");
    EXPECT_ERROR(create([=](auto& o) { o.repeat_penalty = wrong; }), RECURRA_E_INVALID, "repeat_penalty");
  }
  EXPECT_ERROR(create([](auto& o) { o.top_k = -5; }), RECURRA_E_INVALID, "-5");
  EXPECT_ERROR(create([](auto& o) { o.top_p = 0; }), RECURRA_E_INVALID, "top_p");
  EXPECT_ERROR(create([](auto& o) { o.repeat_last_n = -5; }), RECURRA_E_INVALID, "-5");
  EXPECT_ERROR(create([](auto& o) { o.repeat_last_n = INT_MAX; }), RECURRA_E_INVALID, "2147483647");
  EXPECT_ERROR(create([](auto& o) { o.reserved = 7; }), RECURRA_E_INVALID, "reserved is 7");

  recurra_sampler* sampler = nullptr;
  ASSERT_OK(recurra_sampler_create(&sampler, nullptr));
  const SamplerPtr owner(sampler);
  recurra_token token = -7;
  std::vector<float> logits = {0, 1, nan};
  EXPECT_ERROR(recurra_sampler_pick(&token, sampler, logits.data(), 3), RECURRA_E_INVALID, "nan");
  logits[2] = infinity;
  EXPECT_ERROR(recurra_sampler_pick(&token, sampler, logits.data(), 3), RECURRA_E_INVALID, "inf");
  EXPECT_ERROR(recurra_sampler_pick(&token, sampler, logits.data(), 0), RECURRA_E_INVALID, "n_logits is 0");
  EXPECT_ERROR(recurra_sampler_pick(&token, sampler, logits.data(), size_t{1} << 40), RECURRA_E_INVALID,
               "1099511627776");
  EXPECT_EQ(token, -7);
}

TEST_F(WrongCall, Notes) {
  for (const std::string key : {"", "a b", "a/b", "\xc3\xa4", "line\nbreak"})
    EXPECT_ERROR(recurra_state_set_note(state.get(), key.c_str(), "v"), RECURRA_E_INVALID, "key");
  EXPECT_ERROR(recurra_state_set_note(state.get(), std::string(129, 'k').c_str(), "v"), RECURRA_E_INVALID, "129");
  EXPECT_ERROR(recurra_state_set_note(state.get(), "k", std::string(65537, 'v').c_str()), RECURRA_E_INVALID, "65537");
  EXPECT_ERROR(recurra_state_set_note(state.get(), "k", "\xff"), RECURRA_E_INVALID, "UTF-8");
  EXPECT_ERROR(recurra_state_set_note(state.get(), "k", "cut \xe2\x82"), RECURRA_E_INVALID, "UTF-8");
  EXPECT_ERROR(recurra_state_get_note(text, sizeof text, &n, state.get(), "absent"), RECURRA_E_NOT_FOUND, "'absent'");
  const StatePtr full = make_state(model.get());
  for (int i = 0; i < 256; ++i) EXPECT_OK(recurra_state_set_note(full.get(), ("n" + std::to_string(i)).c_str(), ""));
  EXPECT_ERROR(recurra_state_set_note(full.get(), "one.more", "v"), RECURRA_E_INVALID, "256");
  EXPECT_OK(recurra_state_set_note(full.get(), "n7", "replaced"));
  EXPECT_EQ(info_of(full.get()).n_notes, 256u);
}

TEST_F(WrongCall, StatesOfTwoModels) {
  const ModelPtr second = open_model();  // the same file, but another model all the same
  const StatePtr other = make_state(second.get());
  EXPECT_ERROR(recurra_state_copy(state.get(), other.get()), RECURRA_E_INVALID, "different models");
  const Tokens tokens = {1};
  recurra_state* states[] = {state.get(), other.get()};
  const recurra_token* const lists[] = {tokens.data(), tokens.data()};
  const size_t sizes[] = {1, 1};
  EXPECT_ERROR(recurra_feed_batch(states, lists, sizes, 2, nullptr), RECURRA_E_INVALID, "states[1]");
  std::vector<float> logits(2 * static_cast<size_t>(info_of(second.get()).n_vocab));
  EXPECT_ERROR(recurra_logits_batch(logits.data(), logits.size(), states, 2), RECURRA_E_INVALID, "states[1]");
  const StatePtr empty = make_state(model.get());
  states[1] = empty.get();
  EXPECT_ERROR(recurra_logits_batch(logits.data(), logits.size(), states, 2), RECURRA_E_INVALID, "has read no token");
  EXPECT_ERROR(recurra_logits_batch(logits.data(), logits.size() - 1, states, 2), RECURRA_E_INVALID, "2 states");
  EXPECT_ERROR(recurra_logits_batch(logits.data(), SIZE_MAX, states, 2), RECURRA_E_INVALID, "2 states");
  EXPECT_ERROR(recurra_logits_batch(logits.data(), 0, states, 0), RECURRA_E_INVALID, "n_states is 0");
  states[1] = state.get();
  EXPECT_ERROR(recurra_feed_batch(states, lists, sizes, 2, nullptr), RECURRA_E_INVALID, "same state");
}

TEST_F(WrongCall, TextWithoutATokenizer) {
  TinyModel tiny;
  tiny.tokenizer = "";
  const std::string file = tiny.build();
  recurra_model* raw = nullptr;
  ASSERT_OK(recurra_model_open_memory(&raw, file.data(), file.size(), nullptr));
  const ModelPtr owner(raw);
  EXPECT_EQ(info_of(raw).has_text, 0);
  const StatePtr numbers = make_state(raw);
  feed(numbers.get(), {5});
  EXPECT_ERROR(recurra_tokenize(out.data(), 9, &n, raw, "a", 1), RECURRA_E_UNSUPPORTED, "no tokenizer");
  EXPECT_ERROR(recurra_detokenize(text, 9, &n, raw, out.data(), 1), RECURRA_E_UNSUPPORTED, "no tokenizer");
  EXPECT_ERROR(recurra_feed_text(numbers.get(), "a", 1, nullptr), RECURRA_E_UNSUPPORTED, "no tokenizer");
  EXPECT_ERROR(recurra_query_text(text, 9, &n, numbers.get(), "a", 1, nullptr), RECURRA_E_UNSUPPORTED, "no tokenizer");
  EXPECT_ERROR(recurra_generate_text(text, 9, &n, numbers.get(), nullptr), RECURRA_E_UNSUPPORTED, "no tokenizer");
  EXPECT_EQ(info_of(numbers.get()).n_tokens, 1u);
  EXPECT_OK(recurra_generate(out.data(), 9, &n, numbers.get(), nullptr));
}

TEST_F(WrongCall, MetadataThatIsNotThere) {
  const char* value = nullptr;
  EXPECT_ERROR(recurra_model_metadata(&value, model.get(), "no.such\nkey"), RECURRA_E_NOT_FOUND, "'no.such\\x0akey'");
  EXPECT_ERROR(recurra_model_metadata_key(&value, model.get(), 1000), RECURRA_E_NOT_FOUND, "1000");
  EXPECT_EQ(value, nullptr);
}

TEST_F(WrongCall, ErrorsAreOfTheThread) {
  EXPECT_EQ(recurra_logits(floats.data(), 3, state.get()), RECURRA_E_INVALID);
  const std::string mine = last_error();
  EXPECT_OK(recurra_logits(floats.data(), 272, state.get()));
  EXPECT_EQ(last_error(), mine);  // a success leaves it
  std::thread([&] {
    EXPECT_EQ(last_error(), "");
    EXPECT_EQ(recurra_hidden(floats.data(), 5, state.get()), RECURRA_E_INVALID);
    EXPECT_NE(last_error(), mine);
  }).join();
  EXPECT_EQ(last_error(), mine);
}

}  // namespace
}  // namespace recurra::test
