// recurra.h, "generate" and the two calls of "query" that generate.
#include <string>

#include "api/feed.h"
#include "api/structs.h"

namespace recurra {
namespace {

recurra_generate_options defaults() {
  recurra_generate_options o{};
  o.max_tokens = 256;
  return o;
}

recurra_generate_options checked(const recurra_generate_options* options) {
  recurra_generate_options o = defaults();
  copy_in(o, options, "recurra_generate_options");
  if (o.n_stop_texts != 0) need(o.stop_texts, "stop_texts");
  if (o.n_stop_tokens != 0) need(o.stop_tokens, "stop_tokens");
  for (uint32_t i = 0; i < o.n_stop_texts; ++i) {
    if (o.stop_texts[i] == nullptr) fail(Code::invalid, "stop_texts[%u] is NULL", i);
    if (*o.stop_texts[i] == '\0') fail(Code::invalid, "stop_texts[%u] is empty", i);
  }
  return o;
}

GenerateOptions translated(const recurra_generate_options& o) {
  GenerateOptions g;
  g.max_tokens = o.max_tokens;
  for (uint32_t i = 0; i < o.n_stop_texts; ++i) g.stop_texts.emplace_back(o.stop_texts[i]);
  if (o.n_stop_tokens != 0) g.stop_tokens.assign(o.stop_tokens, o.stop_tokens + o.n_stop_tokens);
  g.sampler = o.sampler != nullptr ? &o.sampler->sampler : nullptr;
  g.cancel = o.cancel != nullptr ? &o.cancel->flag : nullptr;
  return g;
}

bool tell(const recurra_generate_options& o, int32_t token, std::string_view text) {
  return o.on_token == nullptr || o.on_token(o.user, token, text.data(), text.size()) == 0;
}

// Generates on a state that the caller has locked.
void tokens_from(State& state, const recurra_generate_options& o, recurra_token* out, size_t capacity, size_t* n_out) {
  GenerateOptions g = translated(o);
  size_t n = 0;
  if (capacity != 0 && capacity < g.max_tokens) g.max_tokens = capacity;
  g.on_token = [&](int32_t token, std::string_view text) {
    if (token >= 0) {
      if (capacity != 0) out[n] = token;
      *n_out = ++n;
    }
    return tell(o, token, text);
  };
  generate(state, g);
}

void text_from(State& state, const recurra_generate_options& o, char* out, size_t capacity, size_t* n_out) {
  state.model().need_tokenizer();
  GenerateOptions g = translated(o);
  g.on_token = [&](int32_t token, std::string_view text) {
    if (*n_out < capacity) std::memcpy(out + *n_out, text.data(), std::min(text.size(), capacity - *n_out));
    *n_out += text.size();
    return tell(o, token, text);
  };
  generate(state, g);
  if (*n_out > capacity && capacity != 0)
    fail(Code::too_small, "the buffer holds %zu bytes, the text has %zu; the state has moved", capacity, *n_out);
}

template <class T>
void check_buffer(T* out, size_t capacity, size_t* n_out) {
  need(n_out, "n_out");
  *n_out = 0;
  if (capacity != 0) need(out, "out");
}

// A copy of the state that has read the prompt.
void read_prompt(State& copy, const State& state, const int32_t* prompt, size_t n_prompt, const recurra_generate_options& o) {
  copy.assign(state);
  FeedOptions feed;
  feed.control.cancel = o.cancel != nullptr ? &o.cancel->flag : nullptr;
  if (n_prompt != 0) copy.feed(prompt, n_prompt, feed, nullptr);
}

}  // namespace
}  // namespace recurra

using namespace recurra;

recurra_status recurra_generate_options_init(recurra_generate_options* options, size_t struct_size) {
  return guard([&] { init_options(options, struct_size, defaults(), "recurra_generate_options"); });
}

recurra_status recurra_generate(recurra_token* out, size_t capacity, size_t* n_out, recurra_state* state,
                                const recurra_generate_options* options) {
  return guard([&] {
    check_buffer(out, capacity, n_out);
    need(state, "state");
    const recurra_generate_options o = checked(options);
    const State::Write lock(state->state);
    tokens_from(state->state, o, out, capacity, n_out);
  });
}

recurra_status recurra_generate_text(char* out, size_t capacity, size_t* n_out, recurra_state* state,
                                     const recurra_generate_options* options) {
  return guard([&] {
    check_buffer(out, capacity, n_out);
    need(state, "state");
    const recurra_generate_options o = checked(options);
    const State::Write lock(state->state);
    text_from(state->state, o, out, capacity, n_out);
  });
}

recurra_status recurra_query(recurra_token* out, size_t capacity, size_t* n_out, const recurra_state* state,
                             const recurra_token* prompt, size_t n_prompt, const recurra_generate_options* options) {
  return guard([&] {
    check_buffer(out, capacity, n_out);
    need(state, "state");
    const recurra_generate_options o = checked(options);
    if (n_prompt != 0) need(prompt, "prompt");
    const State::Read lock(state->state);
    State copy(state->state.shared_model());
    read_prompt(copy, state->state, prompt, n_prompt, o);
    tokens_from(copy, o, out, capacity, n_out);
  });
}

recurra_status recurra_query_text(char* out, size_t capacity, size_t* n_out, const recurra_state* state, const char* prompt,
                                  size_t length, const recurra_generate_options* options) {
  return guard([&] {
    check_buffer(out, capacity, n_out);
    need(state, "state");
    const recurra_generate_options o = checked(options);
    const std::vector<int32_t> tokens = state->state.model().need_tokenizer().encode(text_view(prompt, length, "prompt"));
    const State::Read lock(state->state);
    State copy(state->state.shared_model());
    read_prompt(copy, state->state, tokens.data(), tokens.size(), o);
    text_from(copy, o, out, capacity, n_out);
  });
}
