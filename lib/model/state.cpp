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

State::State(std::shared_ptr<const Model> model, uint64_t rewind)
    : model_(std::move(model)),
      slot_(model_->arena().take()),
      cache_(model_->backend(), model_->layout().cache_layers(), model_->layout().cache_width()),
      history_(model_->arena(), model_->backend(), rewind) {
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
  History history = history_.take_over(other.history_, other.tokens_);
  model_->backend().copy(slot_.data(), other.slot_.data(), model_->arena().slot_bytes());
  cache_ = std::move(cache);
  history_ = std::move(history);
  tokens_ = other.tokens_;
  notes_.swap(notes);
}

void State::reset() {
  model_->backend().clear(slot_.data(), model_->arena().slot_bytes());
  cache_.clear();
  history_.begin(0);
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
  history_.prepare(slot_.data(), tokens_, count);
  return {slot_.data(), tokens_, tokens, count, cache_.view(), history_.limit() != 0 ? &history_ : nullptr};
}

void State::advance(uint64_t done) noexcept {
  tokens_ += done;
  cache_.keep(tokens_);
  if (done != 0)
    history_.commit();
  else
    history_.discard();
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
  Checkpoint c{model_->arena().take(), tokens_, history_};
  model_->backend().copy(c.slot.data(), slot_.data(), model_->arena().slot_bytes());
  return c;
}

void State::restore(Checkpoint&& c) noexcept {
  model_->backend().copy(slot_.data(), c.slot.data(), model_->arena().slot_bytes());
  tokens_ = c.tokens;
  cache_.keep(tokens_);
  history_ = std::move(c.history);
}

// On a copy, so that whatever fails changes nothing.
void State::rewind(uint64_t count) {
  if (count > rewindable() && history_.limit() == 0)
    fail(Code::invalid, "n_tokens is %llu, but the state was made without rewind_tokens, so it cannot go back",
         static_cast<unsigned long long>(count));
  if (count > rewindable())
    fail(Code::invalid, "n_tokens is %llu; the state can go back %llu tokens (its rewind_tokens is %llu)",
         static_cast<unsigned long long>(count), static_cast<unsigned long long>(rewindable()),
         static_cast<unsigned long long>(history_.limit()));
  if (count == 0) return;
  const uint64_t place = tokens_ - count, block = static_cast<uint64_t>(kBlock);
  const Mark& mark = history_.mark_before(place);
  const Arena::Slot slot = model_->arena().take();
  model_->backend().copy(slot.data(), mark.slot.data(), model_->arena().slot_bytes());
  TokenCache cache = cache_;
  cache.keep(mark.tokens);
  cache.prepare(mark.tokens, place - mark.tokens);

  std::vector<int32_t> tokens;
  for (uint64_t at = mark.tokens; at < place; at += tokens.size()) {
    // Whole blocks that were read as such, or a piece too short to have any.
    uint64_t end = at;
    while (end % block == 0 && place - end >= block && history_.at(end).block) end += block;
    if (end == at) end = std::min(place, at - at % (block / 2) + block / 2);
    tokens.clear();
    for (uint64_t i = at; i < end; ++i) tokens.push_back(history_.at(i).token);
    Sequence s{slot.data(), at, tokens.data(), tokens.size(), cache.view()};
    model_->feed({&s, 1}, {});
  }
  // Nothing can fail any more.
  model_->backend().copy(slot_.data(), slot.data(), model_->arena().slot_bytes());
  cache_ = std::move(cache);
  tokens_ = place;
  history_.cut(place);
}

bool State::pick(int32_t& token, const Pick& by) const {
  need_tokens("logits");
  const std::byte* slot = slot_.data();
  return model_->pick(&token, {&by, 1}, {&slot, 1});
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
