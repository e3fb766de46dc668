#include "model/state.h"

#include <cstring>

#include "core/error.h"
#include "core/utf8.h"

namespace recurra {
namespace {

constexpr size_t kMostNotes = 256, kLongestKey = 128, kLongestValue = size_t{64} << 10;

void check_key(const std::string& key) {
  if (key.empty() || key.size() > kLongestKey)
    fail(Code::invalid, "a note's key has %zu bytes, expected 1 to %zu", key.size(), kLongestKey);
  for (const char c : key) {
    const bool fine =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    if (!fine) fail(Code::invalid, "the note key '%s' has a byte outside [A-Za-z0-9_.-]", printable(key).c_str());
  }
}

void check_value(const std::string& key, const char* value) {
  const size_t size = std::strlen(value);
  if (size > kLongestValue)
    fail(Code::invalid, "the note '%s' has %zu bytes, expected at most %zu", key.c_str(), size, kLongestValue);
  for (size_t i = 0; i < size;) {
    const size_t n = utf8_sequence(value + i, size - i);
    if (n == 0) fail(Code::invalid, "the note '%s' is not valid UTF-8 at byte %zu", key.c_str(), i);
    i += n;
  }
}

}  // namespace

State::State(std::shared_ptr<const Model> model)
    : model_(std::move(model)),
      slot_(model_->arena().take()),
      cache_(model_->backend(), model_->layout().cache_layers(), model_->layout().cache_width()) {
  reset();
}

State::Write::Write(State& state) : state_(state) {
  int32_t none = 0;
  if (!state.users_.compare_exchange_strong(none, -1, std::memory_order_acquire))
    fail(Code::busy, "the state is in use by %s", none < 0 ? "another call that changes it" : "a call that reads it");
}

State::Read::Read(const State& state) : state_(state) {
  int32_t now = state.users_.load(std::memory_order_relaxed);
  do {
    if (now < 0) fail(Code::busy, "the state is in use by another call that changes it");
  } while (!state.users_.compare_exchange_weak(now, now + 1, std::memory_order_acquire));
}

void State::assign(const State& other) {
  std::map<std::string, std::string> notes = other.notes_;  // may throw, as the next: before anything is changed
  TokenCache cache = other.cache_;
  model_->backend().copy(slot_.data(), other.slot_.data(), model_->arena().slot_bytes());
  cache_ = std::move(cache);
  tokens_ = other.tokens_;
  notes_.swap(notes);
}

void State::reset() {
  model_->backend().clear(slot_.data(), model_->arena().slot_bytes());
  cache_.clear();
  tokens_ = 0;
  notes_.clear();
}

void State::set_note(const std::string& key, const char* value) {
  check_key(key);
  if (value == nullptr) {
    notes_.erase(key);
    return;
  }
  check_value(key, value);
  if (notes_.size() >= kMostNotes && notes_.count(key) == 0)
    fail(Code::invalid, "the state has %zu notes already, the most there may be", kMostNotes);
  notes_[key] = value;
}

void State::need_tokens(const char* what) const {
  if (tokens_ == 0) fail(Code::invalid, "the state has read no token yet, so it has no %s", what);
}

Sequence State::sequence(const int32_t* tokens, uint64_t count) {
  cache_.prepare(tokens_, count);
  return {slot_.data(), tokens_, tokens, count, cache_.view()};
}

void State::advance(uint64_t done) noexcept {
  tokens_ += done;
  cache_.keep(tokens_);
}

void State::feed(const int32_t* tokens, uint64_t count, const FeedOptions& options, uint64_t* done) {
  model_->check_tokens(tokens, count);
  Sequence s{};
  const auto finish = [&] {
    advance(s.done);
    if (done != nullptr) *done = s.done;
  };
  try {
    s = sequence(tokens, count);
    model_->feed({&s, 1}, options);
  } catch (...) {
    finish();
    throw;
  }
  finish();
}

void State::feed_batch(Span<State* const> states, const int32_t* const* tokens, const size_t* counts,
                       const FeedOptions& options, uint64_t* done) {
  const Model& model = *states[0]->model_;
  for (size_t i = 0; i < states.size(); ++i) model.check_tokens(tokens[i], counts[i]);
  std::vector<Sequence> sequences(states.size());
  const auto finish = [&] {
    uint64_t all = 0;
    for (size_t i = 0; i < states.size(); ++i) {
      states[i]->advance(sequences[i].done);
      all += sequences[i].done;
    }
    if (done != nullptr) *done = all;
  };
  try {
    for (size_t i = 0; i < states.size(); ++i) sequences[i] = states[i]->sequence(tokens[i], counts[i]);
    model.feed({sequences.data(), sequences.size()}, options);
  } catch (...) {
    finish();
    throw;
  }
  finish();
}

State::Checkpoint State::checkpoint() const {
  Checkpoint c{model_->arena().take(), tokens_};
  model_->backend().copy(c.slot.data(), slot_.data(), model_->arena().slot_bytes());
  return c;
}

void State::restore(const Checkpoint& c) noexcept {
  model_->backend().copy(slot_.data(), c.slot.data(), model_->arena().slot_bytes());
  tokens_ = c.tokens;
  cache_.keep(tokens_);
}

void State::logits(float* out) const {
  need_tokens("logits");
  const std::byte* slot = slot_.data();
  model_->logits(out, {&slot, 1});
}

void State::logits_batch(float* out, Span<const State* const> states) {
  std::vector<const std::byte*> slots;
  for (const State* s : states) {
    s->need_tokens("logits");
    slots.push_back(s->slot_.data());
  }
  states[0]->model_->logits(out, {slots.data(), slots.size()});
}

void State::hidden(float* out) const {
  need_tokens("hidden vector");
  model_->hidden(out, slot_.data());
}

}  // namespace recurra
