#include "model/history.h"

#include <algorithm>
#include <new>

namespace recurra {
namespace {

constexpr uint64_t kLeastSpacing = 64, kParts = 8;

}  // namespace

void Stretch::forget_before(uint64_t place) noexcept {
  const auto after = std::find_if(marks.begin(), marks.end(), [&](const auto& m) { return m->tokens > place; });
  if (after == marks.begin()) return;
  const auto last = after - 1;
  reads.erase(reads.begin(), reads.begin() + static_cast<std::ptrdiff_t>((*last)->tokens - first));
  first = (*last)->tokens;
  marks.erase(marks.begin(), last);
}

void Stretch::clear(uint64_t at) noexcept {
  first = at;
  reads.clear();
  marks.clear();
}

History::History(Arena& arena, Backend& backend, uint64_t limit)
    : arena_(&arena), backend_(&backend), limit_(limit), spacing_(std::max(kLeastSpacing, limit / kParts)) {}

uint64_t History::bytes() const {
  return (kept_.marks.size() + fresh_.marks.size()) * arena_->slot_bytes() +
         (kept_.reads.capacity() + fresh_.reads.capacity()) * sizeof(Stretch::Read);
}

void History::begin(uint64_t tokens) noexcept {
  kept_.clear(tokens);
  fresh_.clear(tokens);
  floor_ = tokens;
}

History History::take_over(const History& other, uint64_t tokens) const {
  History h(*arena_, *backend_, limit_);
  h.begin(tokens);
  if (limit_ == 0 || other.limit_ == 0 || other.kept_.marks.empty()) return h;
  h.kept_ = other.kept_;
  h.floor_ = std::max(other.floor_, tokens - std::min(limit_, tokens));
  h.kept_.forget_before(h.floor_);
  return h;
}

uint64_t History::next_mark() const {
  const auto& marks = fresh_.marks.empty() ? kept_.marks : fresh_.marks;
  return marks.back()->tokens + spacing_;
}

std::shared_ptr<const Mark> History::mark(const std::byte* slot, uint64_t tokens) const {
  auto made = std::make_shared<Mark>();
  made->slot = arena_->take();
  made->tokens = tokens;
  backend_->copy(made->slot.data(), slot, arena_->slot_bytes());
  return made;
}

// All that is small is reserved here; a slot is taken in passed(), before which whoever feeds has a way back.
void History::prepare(const std::byte* slot, uint64_t tokens, uint64_t count) {
  if (limit_ == 0) return;
  const uint64_t most = limit_ + 2 * spacing_ + static_cast<uint64_t>(backend_->pass_rows().block),
                 marks = limit_ / spacing_ + 4;
  kept_.reads.reserve(static_cast<size_t>(2 * most));
  kept_.marks.reserve(static_cast<size_t>(2 * marks));
  fresh_.reads.reserve(static_cast<size_t>(std::min(count, most)));
  fresh_.marks.reserve(static_cast<size_t>(marks));
  if (kept_.marks.empty()) kept_.marks.push_back(mark(slot, tokens));
}

void History::passed(const std::byte* slot, const int32_t* tokens, uint64_t count, bool block) {
  for (uint64_t i = 0; i < count; ++i) fresh_.reads.push_back({tokens[i], block});
  if (end() >= next_mark()) fresh_.marks.push_back(mark(slot, end()));
  fresh_.forget_before(end() - std::min(limit_, end()));
}

void History::commit() noexcept {
  if (limit_ == 0) return;
  try {
    if (fresh_.begins_with_mark()) {
      std::swap(kept_, fresh_);  // what was kept is farther back than the limit
    } else {
      kept_.reads.insert(kept_.reads.end(), fresh_.reads.begin(), fresh_.reads.end());
      kept_.marks.insert(kept_.marks.end(), fresh_.marks.begin(), fresh_.marks.end());
    }
    floor_ = std::max(floor_, kept_.end() - std::min(limit_, kept_.end()));
    kept_.forget_before(floor_);
    fresh_.clear(kept_.end());
  } catch (const std::bad_alloc&) {  // prepare() has reserved it
    begin(fresh_.end());
  }
}

void History::discard() noexcept { fresh_.clear(kept_.end()); }

const Mark& History::mark_before(uint64_t place) const {
  const auto after =
      std::find_if(kept_.marks.begin(), kept_.marks.end(), [&](const auto& m) { return m->tokens > place; });
  return **(after - 1);
}

void History::cut(uint64_t place) noexcept {
  while (kept_.marks.back()->tokens > place) kept_.marks.pop_back();
  kept_.reads.resize(static_cast<size_t>(place - kept_.first));
  const auto block = static_cast<uint64_t>(kBlock);
  for (uint64_t i = std::max(place - place % block, kept_.first); i < place; ++i)
    kept_.reads[static_cast<size_t>(i - kept_.first)].block = false;
  fresh_.clear(place);
}

}  // namespace recurra
