// NULL for every pointer parameter of every function in recurra.h, and every size a caller's struct may claim.
#include <algorithm>
#include <cctype>
#include <functional>
#include <sstream>

#include "support/api.h"
#include "support/files.h"
#include "support/tiny_model.h"

namespace recurra::test {
namespace {

// What NULL means to a parameter.
enum class Null {
  invalid,  // RECURRA_E_INVALID, and a line that names the parameter
  fine,     // has a meaning, or is never looked at
  silent,   // RECURRA_E_INVALID without a line: a signal handler may be the caller
};

struct Case {
  const char* name;  // "function.parameter"
  Null meaning;
  std::function<recurra_status()> call;
};

size_t take_nothing(void*, const void*, size_t size) { return size; }
size_t give_nothing(void*, void*, size_t) { return 0; }

class NullTest : public ::testing::Test {
 protected:
  void SetUp() override {
    feed(state, tokens);
    ASSERT_OK(recurra_state_set_note(state, "title", "kept"));
    recurra_cancel* c = nullptr;
    ASSERT_OK(recurra_cancel_create(&c));
    cancel.reset(c);
    recurra_sampler* made = nullptr;
    ASSERT_OK(recurra_sampler_create(&made, nullptr));
    sampler.reset(made);
    logits = logits_of(state);
    short_options.max_tokens = 1;
    saved = bytes_of(state);
    ASSERT_OK(recurra_save_file(state, file.c_str(), nullptr));
  }

  std::vector<Case> cases();

  ModelPtr model_owner = open_model();
  recurra_model* model = model_owner.get();
  StatePtr state_owner = make_state(model), scratch_owner = make_state(model);
  recurra_state *state = state_owner.get(), *scratch = scratch_owner.get();
  CancelPtr cancel;
  SamplerPtr sampler;
  Folder folder;
  std::string file = folder / "state", gguf = TinyModel().build(), saved;
  Tokens tokens = some_tokens(10);
  std::vector<float> logits, floats = std::vector<float>(272 * 10);
  recurra_generate_options short_options = defaults(recurra_generate_options_init);
  // Out-parameters.
  recurra_model* m = nullptr;
  recurra_state* s = nullptr;
  recurra_token ids[64] = {};
  char text[256] = "";
  unsigned char memory[1 << 20] = {};
  size_t n = 0;
  const char* borrowed = nullptr;
};

std::vector<Case> NullTest::cases() {
  const auto free_model = [this](recurra_status status) {
    recurra_model_release(m);
    m = nullptr;
    return status;
  };
  const auto free_state = [this](recurra_status status) {
    recurra_state_free(s);
    s = nullptr;
    return status;
  };
  const auto batch = [this](bool has_states, bool has_tokens, bool has_counts) {
    recurra_state* const states[] = {scratch};
    const recurra_token* const lists[] = {tokens.data()};
    const size_t sizes[] = {tokens.size()};
    return recurra_feed_batch(has_states ? states : nullptr, has_tokens ? lists : nullptr, has_counts ? sizes : nullptr,
                              1, nullptr);
  };
  const Null invalid = Null::invalid, fine = Null::fine;
  return {
      {"recurra_log_set.callback", fine, [] { return recurra_log_set(nullptr, nullptr, 2); }},
      {"recurra_log_set.user", fine, [] { return recurra_log_set(nullptr, nullptr, 2); }},
      {"recurra_cancel_create.out", invalid, [] { return recurra_cancel_create(nullptr); }},
      {"recurra_cancel_trigger.cancel", Null::silent, [] { return recurra_cancel_trigger(nullptr); }},
      {"recurra_cancel_reset.cancel", invalid, [] { return recurra_cancel_reset(nullptr); }},
      {"recurra_cancel_free.cancel", fine, [] { return recurra_cancel_free(nullptr), 0; }},

      {"recurra_model_options_init.options", invalid, [] { return recurra_model_options_init(nullptr, 48); }},
      {"recurra_model_open.out", invalid, [] { return recurra_model_open(nullptr, "x.gguf", nullptr); }},
      {"recurra_model_open.path", fine, [=] { return free_model(recurra_model_open(&m, nullptr, nullptr)); }},
      {"recurra_model_open.options", fine,
       [=] { return free_model(recurra_model_open(&m, small_model().c_str(), nullptr)); }},
      {"recurra_model_open_memory.out", invalid,
       [=] { return recurra_model_open_memory(nullptr, gguf.data(), gguf.size(), nullptr); }},
      {"recurra_model_open_memory.data", invalid, [=] { return recurra_model_open_memory(&m, nullptr, 8, nullptr); }},
      {"recurra_model_open_memory.options", fine,
       [=] { return free_model(recurra_model_open_memory(&m, gguf.data(), gguf.size(), nullptr)); }},
      {"recurra_model_retain.model", invalid, [] { return recurra_model_retain(nullptr); }},
      {"recurra_model_release.model", fine, [] { return recurra_model_release(nullptr), 0; }},
      {"recurra_model_get_info.info", invalid, [=] { return recurra_model_get_info(nullptr, model); }},
      {"recurra_model_get_info.model", invalid,
       [] {
         recurra_model_info info{};
         info.struct_size = sizeof info;
         return recurra_model_get_info(&info, nullptr);
       }},
      {"recurra_model_metadata.out", invalid,
       [=] { return recurra_model_metadata(nullptr, model, "general.architecture"); }},
      {"recurra_model_metadata.model", invalid,
       [=] { return recurra_model_metadata(&borrowed, nullptr, "general.architecture"); }},
      {"recurra_model_metadata.key", invalid, [=] { return recurra_model_metadata(&borrowed, model, nullptr); }},
      {"recurra_model_metadata_key.out", invalid, [=] { return recurra_model_metadata_key(nullptr, model, 0); }},
      {"recurra_model_metadata_key.model", invalid, [=] { return recurra_model_metadata_key(&borrowed, nullptr, 0); }},

      {"recurra_tokenize.out", invalid, [=] { return recurra_tokenize(nullptr, 64, &n, model, "a", 1); }},
      {"recurra_tokenize.n_out", invalid, [=] { return recurra_tokenize(ids, 64, nullptr, model, "a", 1); }},
      {"recurra_tokenize.model", invalid, [=] { return recurra_tokenize(ids, 64, &n, nullptr, "a", 1); }},
      {"recurra_tokenize.text", invalid, [=] { return recurra_tokenize(ids, 64, &n, model, nullptr, 1); }},
      {"recurra_detokenize.out", invalid,
       [=] { return recurra_detokenize(nullptr, 64, &n, model, tokens.data(), tokens.size()); }},
      {"recurra_detokenize.n_out", invalid,
       [=] { return recurra_detokenize(text, 64, nullptr, model, tokens.data(), tokens.size()); }},
      {"recurra_detokenize.model", invalid,
       [=] { return recurra_detokenize(text, 64, &n, nullptr, tokens.data(), tokens.size()); }},
      {"recurra_detokenize.tokens", invalid, [=] { return recurra_detokenize(text, 64, &n, model, nullptr, 1); }},

      {"recurra_state_options_init.options", invalid, [] { return recurra_state_options_init(nullptr, 8); }},
      {"recurra_state_create.out", invalid, [=] { return recurra_state_create(nullptr, model, nullptr); }},
      {"recurra_state_create.model", invalid, [=] { return recurra_state_create(&s, nullptr, nullptr); }},
      {"recurra_state_create.options", fine, [=] { return free_state(recurra_state_create(&s, model, nullptr)); }},
      {"recurra_state_clone.out", invalid, [=] { return recurra_state_clone(nullptr, state); }},
      {"recurra_state_clone.source", invalid, [=] { return recurra_state_clone(&s, nullptr); }},
      {"recurra_state_copy.target", invalid, [=] { return recurra_state_copy(nullptr, state); }},
      {"recurra_state_copy.source", invalid, [=] { return recurra_state_copy(state, nullptr); }},
      {"recurra_state_reset.state", invalid, [] { return recurra_state_reset(nullptr); }},
      {"recurra_state_rewind.state", invalid, [] { return recurra_state_rewind(nullptr, 0); }},
      {"recurra_state_free.state", fine, [] { return recurra_state_free(nullptr), 0; }},
      {"recurra_state_get_info.info", invalid, [=] { return recurra_state_get_info(nullptr, state); }},
      {"recurra_state_get_info.state", invalid,
       [] {
         recurra_state_info info{};
         info.struct_size = sizeof info;
         return recurra_state_get_info(&info, nullptr);
       }},
      {"recurra_state_set_note.state", invalid, [] { return recurra_state_set_note(nullptr, "k", "v"); }},
      {"recurra_state_set_note.key", invalid, [=] { return recurra_state_set_note(state, nullptr, "v"); }},
      {"recurra_state_set_note.value", fine, [=] { return recurra_state_set_note(state, "none", nullptr); }},
      {"recurra_state_get_note.out", invalid, [=] { return recurra_state_get_note(nullptr, 9, &n, state, "title"); }},
      {"recurra_state_get_note.n_out", invalid,
       [=] { return recurra_state_get_note(text, 9, nullptr, state, "title"); }},
      {"recurra_state_get_note.state", invalid, [=] { return recurra_state_get_note(text, 9, &n, nullptr, "title"); }},
      {"recurra_state_get_note.key", invalid, [=] { return recurra_state_get_note(text, 9, &n, state, nullptr); }},

      {"recurra_feed_options_init.options", invalid, [] { return recurra_feed_options_init(nullptr, 56); }},
      {"recurra_feed.state", invalid, [=] { return recurra_feed(nullptr, tokens.data(), tokens.size(), nullptr); }},
      {"recurra_feed.tokens", invalid, [=] { return recurra_feed(state, nullptr, 1, nullptr); }},
      {"recurra_feed.options", fine, [=] { return recurra_feed(scratch, tokens.data(), tokens.size(), nullptr); }},
      {"recurra_feed_text.state", invalid, [] { return recurra_feed_text(nullptr, "a", 1, nullptr); }},
      {"recurra_feed_text.text", invalid, [=] { return recurra_feed_text(state, nullptr, 1, nullptr); }},
      {"recurra_feed_text.options", fine, [=] { return recurra_feed_text(scratch, "a", 1, nullptr); }},
      {"recurra_feed_batch.states", invalid, [=] { return batch(false, true, true); }},
      {"recurra_feed_batch.tokens", invalid, [=] { return batch(true, false, true); }},
      {"recurra_feed_batch.n_tokens", invalid, [=] { return batch(true, true, false); }},
      {"recurra_feed_batch.options", fine, [=] { return batch(true, true, true); }},

      {"recurra_sampler_options_init.options", invalid, [] { return recurra_sampler_options_init(nullptr, 40); }},
      {"recurra_sampler_create.out", invalid, [] { return recurra_sampler_create(nullptr, nullptr); }},
      {"recurra_sampler_create.options", fine,
       [] {
         recurra_sampler* made = nullptr;
         const recurra_status status = recurra_sampler_create(&made, nullptr);
         recurra_sampler_free(made);
         return status;
       }},
      {"recurra_sampler_pick.out", invalid,
       [=] { return recurra_sampler_pick(nullptr, sampler.get(), logits.data(), logits.size()); }},
      {"recurra_sampler_pick.sampler", invalid,
       [=] { return recurra_sampler_pick(ids, nullptr, logits.data(), logits.size()); }},
      {"recurra_sampler_pick.logits", invalid, [=] { return recurra_sampler_pick(ids, sampler.get(), nullptr, 1); }},
      {"recurra_sampler_free.sampler", fine, [] { return recurra_sampler_free(nullptr), 0; }},

      {"recurra_generate_options_init.options", invalid, [] { return recurra_generate_options_init(nullptr, 72); }},
      {"recurra_generate.out", invalid, [=] { return recurra_generate(nullptr, 9, &n, state, &short_options); }},
      {"recurra_generate.n_out", invalid, [=] { return recurra_generate(ids, 9, nullptr, state, &short_options); }},
      {"recurra_generate.state", invalid, [=] { return recurra_generate(ids, 9, &n, nullptr, &short_options); }},
      {"recurra_generate.options", fine, [=] { return recurra_generate(ids, 9, &n, scratch, nullptr); }},
      {"recurra_generate_text.out", invalid,
       [=] { return recurra_generate_text(nullptr, 9, &n, state, &short_options); }},
      {"recurra_generate_text.n_out", invalid,
       [=] { return recurra_generate_text(text, 9, nullptr, state, &short_options); }},
      {"recurra_generate_text.state", invalid,
       [=] { return recurra_generate_text(text, 9, &n, nullptr, &short_options); }},
      {"recurra_generate_text.options", fine,
       [=] {
         std::vector<char> long_text(1 << 16);
         return recurra_generate_text(long_text.data(), long_text.size(), &n, scratch, nullptr);
       }},

      {"recurra_logits.out", invalid, [=] { return recurra_logits(nullptr, 272, state); }},
      {"recurra_logits.state", invalid, [=] { return recurra_logits(floats.data(), 272, nullptr); }},
      {"recurra_logits_batch.out", invalid, [=] { return recurra_logits_batch(nullptr, 272, &state, 1); }},
      {"recurra_logits_batch.states", invalid, [=] { return recurra_logits_batch(floats.data(), 272, nullptr, 1); }},
      {"recurra_hidden.out", invalid, [=] { return recurra_hidden(nullptr, 64, state); }},
      {"recurra_hidden.state", invalid, [=] { return recurra_hidden(floats.data(), 64, nullptr); }},
      {"recurra_score.out", invalid, [=] { return recurra_score(nullptr, state, tokens.data(), 1, nullptr); }},
      {"recurra_score.state", invalid,
       [=] { return recurra_score(floats.data(), nullptr, tokens.data(), 1, nullptr); }},
      {"recurra_score.tokens", invalid, [=] { return recurra_score(floats.data(), state, nullptr, 1, nullptr); }},
      {"recurra_score.options", fine, [=] { return recurra_score(floats.data(), state, tokens.data(), 1, nullptr); }},
      {"recurra_query.out", invalid,
       [=] { return recurra_query(nullptr, 9, &n, state, tokens.data(), 1, &short_options); }},
      {"recurra_query.n_out", invalid,
       [=] { return recurra_query(ids, 9, nullptr, state, tokens.data(), 1, &short_options); }},
      {"recurra_query.state", invalid,
       [=] { return recurra_query(ids, 9, &n, nullptr, tokens.data(), 1, &short_options); }},
      {"recurra_query.prompt", invalid, [=] { return recurra_query(ids, 9, &n, state, nullptr, 1, &short_options); }},
      {"recurra_query.options", fine, [=] { return recurra_query(ids, 9, &n, state, tokens.data(), 1, nullptr); }},
      {"recurra_query_text.out", invalid,
       [=] { return recurra_query_text(nullptr, 9, &n, state, "a", 1, &short_options); }},
      {"recurra_query_text.n_out", invalid,
       [=] { return recurra_query_text(text, 9, nullptr, state, "a", 1, &short_options); }},
      {"recurra_query_text.state", invalid,
       [=] { return recurra_query_text(text, 9, &n, nullptr, "a", 1, &short_options); }},
      {"recurra_query_text.prompt", invalid,
       [=] { return recurra_query_text(text, 9, &n, state, nullptr, 1, &short_options); }},
      {"recurra_query_text.options", fine,
       [=] {
         std::vector<char> long_text(1 << 16);
         return recurra_query_text(long_text.data(), long_text.size(), &n, state, "a", 1, nullptr);
       }},

      {"recurra_memory_count.out", invalid, [=] { return recurra_memory_count(nullptr, state); }},
      {"recurra_memory_count.state", invalid, [=] { return recurra_memory_count(&n, nullptr); }},
      {"recurra_memory_describe.info", invalid, [=] { return recurra_memory_describe(nullptr, state, 0); }},
      {"recurra_memory_describe.state", invalid,
       [] {
         recurra_memory_info info{};
         info.struct_size = sizeof info;
         return recurra_memory_describe(&info, nullptr, 0);
       }},
      {"recurra_memory_read.out", invalid, [=] { return recurra_memory_read(nullptr, 1024, state, 0); }},
      {"recurra_memory_read.state", invalid, [=] { return recurra_memory_read(floats.data(), 1024, nullptr, 0); }},
      {"recurra_memory_write.state", invalid, [=] { return recurra_memory_write(nullptr, 0, floats.data(), 1024); }},
      {"recurra_memory_write.values", invalid, [=] { return recurra_memory_write(state, 0, nullptr, 1024); }},

      {"recurra_save_options_init.options", invalid, [] { return recurra_save_options_init(nullptr, 16); }},
      {"recurra_save_file.state", invalid, [=] { return recurra_save_file(nullptr, file.c_str(), nullptr); }},
      {"recurra_save_file.path", invalid, [=] { return recurra_save_file(state, nullptr, nullptr); }},
      {"recurra_save_file.options", fine, [=] { return recurra_save_file(state, file.c_str(), nullptr); }},
      {"recurra_save_memory.out", invalid,
       [=] { return recurra_save_memory(nullptr, sizeof memory, &n, state, nullptr); }},
      {"recurra_save_memory.n_out", invalid,
       [=] { return recurra_save_memory(memory, sizeof memory, nullptr, state, nullptr); }},
      {"recurra_save_memory.state", invalid,
       [=] { return recurra_save_memory(memory, sizeof memory, &n, nullptr, nullptr); }},
      {"recurra_save_memory.options", fine,
       [=] { return recurra_save_memory(memory, sizeof memory, &n, state, nullptr); }},
      {"recurra_save_stream.state", invalid,
       [] { return recurra_save_stream(nullptr, take_nothing, nullptr, nullptr); }},
      {"recurra_save_stream.write", invalid, [=] { return recurra_save_stream(state, nullptr, nullptr, nullptr); }},
      {"recurra_save_stream.user", fine, [=] { return recurra_save_stream(state, take_nothing, nullptr, nullptr); }},
      {"recurra_save_stream.options", fine, [=] { return recurra_save_stream(state, take_nothing, nullptr, nullptr); }},
      {"recurra_load_file.state", invalid, [=] { return recurra_load_file(nullptr, file.c_str()); }},
      {"recurra_load_file.path", invalid, [=] { return recurra_load_file(state, nullptr); }},
      {"recurra_load_memory.state", invalid, [=] { return recurra_load_memory(nullptr, saved.data(), saved.size()); }},
      {"recurra_load_memory.data", invalid, [=] { return recurra_load_memory(state, nullptr, 8); }},
      {"recurra_load_stream.state", invalid, [] { return recurra_load_stream(nullptr, give_nothing, nullptr); }},
      {"recurra_load_stream.read", invalid, [=] { return recurra_load_stream(state, nullptr, nullptr); }},
      {"recurra_load_stream.user", fine,
       [=] {
         const recurra_status status = recurra_load_stream(state, give_nothing, nullptr);
         return status == RECURRA_E_CORRUPT ? RECURRA_OK : status;  // nothing was there to read
       }},
      {"recurra_peek_file.peek", invalid,
       [=] { return recurra_peek_file(nullptr, nullptr, 0, nullptr, file.c_str()); }},
      {"recurra_peek_file.metadata", invalid,
       [=] {
         recurra_peek peek{};
         peek.struct_size = sizeof peek;
         return recurra_peek_file(&peek, nullptr, 9, &n, file.c_str());
       }},
      {"recurra_peek_file.n_metadata", fine,
       [=] {
         recurra_peek peek{};
         peek.struct_size = sizeof peek;
         return recurra_peek_file(&peek, nullptr, 0, nullptr, file.c_str());
       }},
      {"recurra_peek_file.path", invalid,
       [=] {
         recurra_peek peek{};
         peek.struct_size = sizeof peek;
         return recurra_peek_file(&peek, nullptr, 0, nullptr, nullptr);
       }},
  };
}

// The word that ends before `end`.
std::string word_before(const std::string& text, size_t end) {
  while (end > 0 && text[end - 1] == ' ') --end;
  size_t begin = end;
  while (begin > 0 && (std::isalnum(static_cast<unsigned char>(text[begin - 1])) || text[begin - 1] == '_')) --begin;
  return text.substr(begin, end - begin);
}

// "function.parameter" of every pointer in recurra.h, callbacks too.
std::vector<std::string> pointers_of_header() {
  std::string header = read_whole(RECURRA_HEADER);
  std::replace(header.begin(), header.end(), '\n', ' ');
  const std::string mark = "RECURRA_API ";
  std::vector<std::string> out;
  for (size_t at = header.find(mark); at != std::string::npos; at = header.find(mark, at + 1)) {
    const size_t open = header.find('(', at), close = header.find(')', at);
    if (header.compare(at + mark.size(), 2, "__") == 0) continue;  // its own #define
    std::istringstream parameters(header.substr(open + 1, close - open - 1));
    for (std::string p; std::getline(parameters, p, ',');) {
      if (p.find('*') == std::string::npos && p.find("_callback ") == std::string::npos) continue;
      out.push_back(word_before(header, open) + "." + word_before(p, p.size()));
    }
  }
  return out;
}

TEST_F(NullTest, EveryPointerOfTheHeaderIsInTheTable) {
  std::vector<std::string> table, header = pointers_of_header();
  for (const Case& c : cases()) table.push_back(c.name);
  std::sort(table.begin(), table.end());
  std::sort(header.begin(), header.end());
  EXPECT_GT(header.size(), 100u);
  EXPECT_EQ(table, header);
}

TEST_F(NullTest, IsRefusedOrHasItsMeaning) {
  for (const Case& c : cases()) {
    const recurra_status status = c.call();
    const std::string name = c.name;
    if (c.meaning == Null::fine) {
      EXPECT_TRUE(is_status(status, RECURRA_OK)) << name;
    } else if (c.meaning == Null::silent) {
      EXPECT_EQ(status, RECURRA_E_INVALID) << name;
    } else {
      EXPECT_TRUE(is_status(status, RECURRA_E_INVALID, name.substr(name.find('.') + 1) + " is NULL")) << name;
    }
    EXPECT_EQ(m, nullptr) << name;
    EXPECT_EQ(s, nullptr) << name;
  }
  EXPECT_EQ(bytes_of(state), saved);
}

TEST_F(NullTest, InsideOfStructsAndArrays) {
  // The default's meaning, as zero has none of its own.
  recurra_model_options open = defaults(recurra_model_options_init);
  open.backend = open.dtype = open.state_dtype = nullptr;
  ASSERT_OK(recurra_model_open_memory(&m, gguf.data(), gguf.size(), &open));
  recurra_model_release(m);
  recurra_save_options save = defaults(recurra_save_options_init);
  save.dtype = nullptr;
  EXPECT_OK(recurra_save_memory(memory, sizeof memory, &n, state, &save));

  recurra_generate_options generate = short_options;
  generate.n_stop_texts = 2;
  EXPECT_ERROR(recurra_generate(ids, 9, &n, state, &generate), RECURRA_E_INVALID, "stop_texts is NULL");
  const char* const stops[] = {"fine", nullptr};
  generate.stop_texts = stops;
  EXPECT_ERROR(recurra_generate(ids, 9, &n, state, &generate), RECURRA_E_INVALID, "stop_texts[1] is NULL");
  generate = short_options;
  generate.n_stop_tokens = 1;
  EXPECT_ERROR(recurra_generate_text(text, 9, &n, state, &generate), RECURRA_E_INVALID, "stop_tokens is NULL");

  recurra_state* states[] = {state, nullptr};
  const recurra_token* lists[] = {tokens.data(), tokens.data()};
  const size_t sizes[] = {1, 1};
  EXPECT_ERROR(recurra_feed_batch(states, lists, sizes, 2, nullptr), RECURRA_E_INVALID, "states[1] is NULL");
  states[1] = scratch;
  lists[1] = nullptr;
  EXPECT_ERROR(recurra_feed_batch(states, lists, sizes, 2, nullptr), RECURRA_E_INVALID, "tokens[1] is NULL");
  EXPECT_EQ(bytes_of(state), saved);
}

// ---- struct_size ----------------------------------------------------------------------------------------------------

// A struct as a program of another version has it: with bytes behind what this version knows.
template <class T>
struct Longer {
  T known;
  unsigned char tail[24];
};

template <class T>
void check_options(const char* name, recurra_status (*init)(T*, size_t),
                   const std::function<recurra_status(const T*)>& use, size_t first = sizeof(T)) {
  SCOPED_TRACE(name);
  Longer<T> o;
  for (const size_t size : {size_t{0}, size_t{4}, first - 1, size_t{1} << 40, static_cast<size_t>(-1)})
    EXPECT_ERROR(init(&o.known, size), RECURRA_E_INVALID, name);

  std::memset(&o, 0xcc, sizeof o);
  ASSERT_OK(init(&o.known, sizeof(T)));
  EXPECT_EQ(o.known.struct_size, sizeof(T));
  for (const unsigned char c : o.tail) EXPECT_EQ(c, 0xcc) << "written past the end";
  EXPECT_OK(use(&o.known));

  std::memset(&o, 0xcc, sizeof o);
  ASSERT_OK(init(&o.known, sizeof o));
  EXPECT_EQ(o.known.struct_size, sizeof o);
  for (const unsigned char c : o.tail) EXPECT_EQ(c, 0);
  EXPECT_OK(use(&o.known));
  o.tail[5] = 1;
  EXPECT_ERROR(use(&o.known), RECURRA_E_INVALID, std::string(name) + ": struct_size is " + std::to_string(sizeof o));
  o.tail[5] = 0;
  // As the first version had it.
  std::memset(&o, 0xcc, sizeof o);
  ASSERT_OK(init(&o.known, first));
  for (size_t i = first; i < sizeof o; ++i) EXPECT_EQ(reinterpret_cast<unsigned char*>(&o)[i], 0xcc) << i;
  EXPECT_OK(use(&o.known));
  std::memset(&o, 0, sizeof o);
  ASSERT_OK(init(&o.known, sizeof(T)));
  // Never initialised, or not by us: what lies behind the struct must not be looked at.
  const auto exact = std::make_unique<T>(o.known);
  for (const uint32_t size : {0u, 4u, static_cast<uint32_t>(first - 1), 0xccccccccu, 0xffffffffu}) {
    exact->struct_size = size;
    EXPECT_ERROR(use(exact.get()), RECURRA_E_INVALID, "struct_size is " + std::to_string(size));
  }
}

TEST_F(NullTest, SizesOfOptions) {
  check_options<recurra_model_options>(
      "recurra_model_options", recurra_model_options_init,
      [&](const auto* o) {
        const recurra_status status = recurra_model_open_memory(&m, gguf.data(), gguf.size(), o);
        if (status == RECURRA_OK) recurra_model_release(m);
        return status;
      },
      48);
  check_options<recurra_state_options>("recurra_state_options", recurra_state_options_init, [&](const auto* o) {
    const recurra_status status = recurra_state_create(&s, model, o);
    if (status == RECURRA_OK) recurra_state_free(s);
    return status;
  });
  check_options<recurra_feed_options>("recurra_feed_options", recurra_feed_options_init, [&](const auto* o) {
    return recurra_feed(scratch, tokens.data(), tokens.size(), o);
  });
  check_options<recurra_sampler_options>("recurra_sampler_options", recurra_sampler_options_init, [&](const auto* o) {
    recurra_sampler* made = nullptr;
    const recurra_status status = recurra_sampler_create(&made, o);
    recurra_sampler_free(made);
    return status;
  });
  check_options<recurra_generate_options>("recurra_generate_options", recurra_generate_options_init,
                                          [&](const auto* o) { return recurra_generate(ids, 1, &n, scratch, o); });
  check_options<recurra_save_options>("recurra_save_options", recurra_save_options_init, [&](const auto* o) {
    return recurra_save_memory(memory, sizeof memory, &n, state, o);
  });
  EXPECT_EQ(bytes_of(state), saved);
}

// Structs that the library fills: not a byte behind what the caller has room for, and none that this version lacks.
template <class T>
void check_result(const char* name, const std::function<recurra_status(T*)>& get, size_t first = sizeof(T)) {
  SCOPED_TRACE(name);
  Longer<T> o;
  for (const uint32_t size : {0u, 4u, static_cast<uint32_t>(first - 1)}) {
    o.known.struct_size = size;
    EXPECT_ERROR(get(&o.known), RECURRA_E_INVALID, "struct_size is " + std::to_string(size));
  }
  for (const size_t size : {first, sizeof(T), sizeof o}) {
    std::memset(&o, 0xcc, sizeof o);
    o.known.struct_size = static_cast<uint32_t>(size);
    ASSERT_OK(get(&o.known));
    EXPECT_EQ(o.known.struct_size, size);
    const auto* bytes = reinterpret_cast<const unsigned char*>(&o);
    for (size_t i = std::min(size, sizeof(T)); i < sizeof o; ++i)
      EXPECT_EQ(bytes[i], 0xcc) << "written past what is known";
  }
}

TEST_F(NullTest, SizesOfResults) {
  check_result<recurra_model_info>(
      "recurra_model_info", [&](auto* o) { return recurra_model_get_info(o, model); }, 136);
  check_result<recurra_state_info>(
      "recurra_state_info", [&](auto* o) { return recurra_state_get_info(o, state); }, 32);
  check_result<recurra_memory_info>("recurra_memory_info",
                                    [&](auto* o) { return recurra_memory_describe(o, state, 0); });
  check_result<recurra_peek>("recurra_peek",
                             [&](auto* o) { return recurra_peek_file(o, nullptr, 0, nullptr, file.c_str()); });
}

}  // namespace
}  // namespace recurra::test
