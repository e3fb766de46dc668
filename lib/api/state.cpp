// recurra.h, "state", "feed" and "query".
#include <cmath>
#include <string>

#include "api/feed.h"
#include "api/structs.h"

namespace recurra {

recurra_feed_options feed_defaults() { return {}; }

recurra_feed_options checked_feed(const recurra_feed_options* options) {
  recurra_feed_options o = feed_defaults();
  copy_in(o, options, "recurra_feed_options");
  if (o.step > 1) fail(Code::invalid, "recurra_feed_options: step is %u, expected 0 or 1", o.step);
  if (o.n_done != nullptr) *o.n_done = 0;
  return o;
}

FeedOptions feed_options(const recurra_feed_options& o) {
  FeedOptions f;
  f.step = o.step != 0;
  f.logits = o.logits;
  f.logprobs = o.logprobs;
  f.control.cancel = o.cancel != nullptr ? &o.cancel->flag : nullptr;
  if (o.progress != nullptr)
    f.control.progress = [&o](uint64_t done, uint64_t total) { return o.progress(o.user, done, total) == 0; };
  return f;
}

void need_tokens(size_t n_tokens, const void* tokens, const char* name) {
  if (n_tokens == 0) fail(Code::invalid, "there are no tokens to read");
  need(tokens, name);
}

namespace {

void no_outputs(const recurra_feed_options& o, const char* call) {
  if (o.logits != nullptr || o.logprobs != nullptr) fail(Code::invalid, "logits and logprobs must be NULL in %s", call);
}

void feed_batch(recurra_state* const* states, const recurra_token* const* tokens, const size_t* n_tokens,
                size_t n_states, const recurra_feed_options* options) {
  const recurra_feed_options o = checked_feed(options);
  no_outputs(o, "recurra_feed_batch");
  if (n_states == 0) fail(Code::invalid, "n_states is 0, expected at least 1");
  need(states, "states");
  need(tokens, "tokens");
  need(n_tokens, "n_tokens");
  std::vector<State*> all;
  std::vector<std::unique_ptr<State::Write>> locks;
  for (size_t i = 0; i < n_states; ++i) {
    if (states[i] == nullptr) fail(Code::invalid, "states[%zu] is NULL", i);
    if (n_tokens[i] == 0) fail(Code::invalid, "n_tokens[%zu] is 0, expected at least 1", i);
    if (tokens[i] == nullptr) fail(Code::invalid, "tokens[%zu] is NULL", i);
    if (&states[i]->state.model() != &states[0]->state.model())
      fail(Code::invalid, "states[%zu] is of another model than states[0]", i);
    for (size_t j = 0; j < i; ++j)
      if (states[j] == states[i]) fail(Code::invalid, "states[%zu] and states[%zu] are the same state", j, i);
    all.push_back(&states[i]->state);
  }
  for (State* s : all) locks.push_back(std::make_unique<State::Write>(*s));
  State::feed_batch({all.data(), all.size()}, tokens, n_tokens, feed_options(o), o.n_done);
}

void logits_batch(float* out, size_t n, const recurra_state* const* states, size_t n_states) {
  if (n_states == 0) fail(Code::invalid, "n_states is 0, expected at least 1");
  need(states, "states");
  need(out, "out");
  std::vector<const State*> all;
  for (size_t i = 0; i < n_states; ++i) {
    if (states[i] == nullptr) fail(Code::invalid, "states[%zu] is NULL", i);
    if (&states[i]->state.model() != &states[0]->state.model())
      fail(Code::invalid, "states[%zu] is of another model than states[0]", i);
    all.push_back(&states[i]->state);
  }
  const auto vocabulary = static_cast<size_t>(all[0]->model().vocabulary());
  if (n / vocabulary != n_states || n % vocabulary != 0)
    fail(Code::invalid, "n is %zu, expected %zu states times the vocabulary's %zu", n, n_states, vocabulary);
  std::vector<std::unique_ptr<State::Read>> locks;
  for (const State* s : all) locks.push_back(std::make_unique<State::Read>(*s));
  State::logits_batch(out, {all.data(), all.size()});
}

}  // namespace
}  // namespace recurra

using namespace recurra;

recurra_status recurra_state_options_init(recurra_state_options* options, size_t struct_size) {
  return guard([&] { init_options(options, struct_size, recurra_state_options{}, "recurra_state_options"); });
}

recurra_status recurra_state_create(recurra_state** out, recurra_model* model, const recurra_state_options* options) {
  return guard([&] {
    need(out, "out");
    need(model, "model");
    recurra_state_options o{};
    copy_in(o, options, "recurra_state_options");
    if (o.rewind_tokens > History::kMost)
      fail(Code::invalid, "recurra_state_options: rewind_tokens is %u, expected at most %llu", o.rewind_tokens,
           static_cast<unsigned long long>(History::kMost));
    *out = std::make_unique<recurra_state>(model->model, o.rewind_tokens).release();
  });
}

recurra_status recurra_state_clone(recurra_state** out, const recurra_state* source) {
  return guard([&] {
    need(out, "out");
    need(source, "source");
    const State::Read lock(source->state);
    auto copy = std::make_unique<recurra_state>(source->state.shared_model(), source->state.rewind_limit());
    copy->state.assign(source->state);
    *out = copy.release();
  });
}

recurra_status recurra_state_copy(recurra_state* target, const recurra_state* source) {
  return guard([&] {
    need(target, "target");
    need(source, "source");
    if (&target->state.model() != &source->state.model())
      fail(Code::invalid, "target and source are of different models");
    if (target == source) return;
    const State::Read from(source->state);
    const State::Write to(target->state);
    target->state.assign(source->state);
  });
}

recurra_status recurra_state_reset(recurra_state* state) {
  return guard([&] {
    need(state, "state");
    const State::Write lock(state->state);
    state->state.reset();
  });
}

recurra_status recurra_state_rewind(recurra_state* state, uint64_t n_tokens) {
  return guard([&] {
    need(state, "state");
    const State::Write lock(state->state);
    state->state.rewind(n_tokens);
  });
}

void recurra_state_free(recurra_state* state) { delete state; }

recurra_status recurra_state_get_info(recurra_state_info* info, const recurra_state* state) {
  return guard([&] {
    need(state, "state");
    const State::Read lock(state->state);
    recurra_state_info i{};
    i.n_notes = static_cast<uint32_t>(state->state.notes().size());
    i.n_tokens = state->state.tokens();
    i.state_bytes = state->state.bytes();
    i.file_bytes = state->state.file_size(StateType::f32);
    i.rewind_tokens = state->state.rewindable();
    copy_out(info, i, "recurra_state_info");
  });
}

recurra_status recurra_state_set_note(recurra_state* state, const char* key, const char* value) {
  return guard([&] {
    need(state, "state");
    need(key, "key");
    const State::Write lock(state->state);
    state->state.set_note(key, value);
  });
}

recurra_status recurra_state_get_note(char* out, size_t capacity, size_t* n_out, const recurra_state* state,
                                      const char* key) {
  return guard([&] {
    need(state, "state");
    need(key, "key");
    const State::Read lock(state->state);
    const auto found = state->state.notes().find(key);
    if (found == state->state.notes().end())
      fail(Code::not_found, "there is no note '%s'", printable(std::string(key)).c_str());
    fill(out, capacity, n_out, found->second.data(), found->second.size(), "bytes");
  });
}

recurra_status recurra_feed_options_init(recurra_feed_options* options, size_t struct_size) {
  return guard([&] { init_options(options, struct_size, feed_defaults(), "recurra_feed_options"); });
}

recurra_status recurra_feed(recurra_state* state, const recurra_token* tokens, size_t n_tokens,
                            const recurra_feed_options* options) {
  return guard([&] {
    const recurra_feed_options o = checked_feed(options);
    need(state, "state");
    need_tokens(n_tokens, tokens, "tokens");
    const State::Write lock(state->state);
    state->state.feed(tokens, n_tokens, feed_options(o), o.n_done);
  });
}

recurra_status recurra_feed_text(recurra_state* state, const char* text, size_t length,
                                 const recurra_feed_options* options) {
  return guard([&] {
    const recurra_feed_options o = checked_feed(options);
    no_outputs(o, "recurra_feed_text");
    need(state, "state");
    const std::vector<int32_t> tokens = state->state.model().need_tokenizer().encode(text_view(text, length, "text"));
    need_tokens(tokens.size(), tokens.data(), "text");
    const State::Write lock(state->state);
    state->state.feed(tokens.data(), tokens.size(), feed_options(o), o.n_done);
  });
}

recurra_status recurra_feed_batch(recurra_state* const* states, const recurra_token* const* tokens,
                                  const size_t* n_tokens, size_t n_states, const recurra_feed_options* options) {
  return guard([&] { feed_batch(states, tokens, n_tokens, n_states, options); });
}

recurra_status recurra_logits(float* out, size_t n, const recurra_state* state) {
  return guard([&] {
    need(state, "state");
    need(out, "out");
    const size_t expected = static_cast<size_t>(state->state.model().vocabulary());
    if (n != expected) fail(Code::invalid, "n is %zu, expected the vocabulary's %zu", n, expected);
    const State::Read lock(state->state);
    state->state.logits(out);
  });
}

recurra_status recurra_logits_batch(float* out, size_t n, const recurra_state* const* states, size_t n_states) {
  return guard([&] { logits_batch(out, n, states, n_states); });
}

recurra_status recurra_hidden(float* out, size_t n, const recurra_state* state) {
  return guard([&] {
    need(state, "state");
    need(out, "out");
    const size_t expected = static_cast<size_t>(state->state.model().network().width);
    if (n != expected) fail(Code::invalid, "n is %zu, expected the width's %zu", n, expected);
    const State::Read lock(state->state);
    state->state.hidden(out);
  });
}

recurra_status recurra_score(float* out, const recurra_state* state, const recurra_token* tokens, size_t n_tokens,
                             const recurra_feed_options* options) {
  return guard([&] {
    recurra_feed_options o = checked_feed(options);
    need(state, "state");
    need(out, "out");
    need_tokens(n_tokens, tokens, "tokens");
    if (o.logprobs != nullptr) fail(Code::invalid, "logprobs must be NULL in recurra_score");
    o.logprobs = out;
    const State::Read lock(state->state);
    State copy(state->state.shared_model());
    copy.assign(state->state);
    copy.feed(tokens, n_tokens, feed_options(o), o.n_done);
  });
}
