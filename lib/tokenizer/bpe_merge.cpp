#include "tokenizer/bpe_merge.h"

#include <algorithm>

namespace recurra {
namespace {

uint64_t pair_of(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

uint64_t hash_of(uint64_t pair) {  // the finalizer of MurmurHash3
  pair = (pair ^ (pair >> 33)) * 0xff51afd7ed558ccdu;
  pair = (pair ^ (pair >> 33)) * 0xc4ceb9fe1a85ec53u;
  return pair ^ (pair >> 33);
}

constexpr size_t kShort = 32;  // tokens; where both ways take the same time

}  // namespace

BpeMerges::BpeMerges(const std::vector<BpeMerge>& merges) {
  size_t size = 2;
  while (size < 2 * merges.size()) size *= 2;
  slots_.resize(size);
  mask_ = size - 1;
  for (size_t i = 0; i < merges.size(); ++i) {
    const uint64_t pair = pair_of(merges[i].left, merges[i].right);
    uint64_t at = hash_of(pair) & mask_;
    while (slots_[at].pair != kNone && slots_[at].pair != pair) at = (at + 1) & mask_;
    slots_[at] = {pair, static_cast<uint32_t>(i), merges[i].result};  // of two for one pair the later counts
  }
}

const BpeMerges::Slot* BpeMerges::find(int32_t left, int32_t right) const {
  const uint64_t pair = pair_of(left, right);
  for (uint64_t at = hash_of(pair) & mask_; slots_[at].pair != kNone; at = (at + 1) & mask_) {
    if (slots_[at].pair == pair) return &slots_[at];
  }
  return nullptr;
}

uint32_t BpeMerges::rank(int32_t left, int32_t right) const {
  const Slot* const slot = find(left, right);
  return slot != nullptr ? slot->rank : kNoRank;
}

void BpeMerges::apply(std::vector<int32_t>& tokens, Scratch& scratch) const {
  if (tokens.size() < 2) return;
  tokens.size() <= kShort ? apply_short(tokens, scratch) : apply_long(tokens, scratch);
}

void BpeMerges::apply_short(std::vector<int32_t>& tokens, Scratch& scratch) const {
  std::vector<uint32_t>& ranks = scratch.rank;  // of tokens i and i + 1
  ranks.clear();
  for (size_t i = 0; i + 1 < tokens.size(); ++i) ranks.push_back(rank(tokens[i], tokens[i + 1]));
  while (!ranks.empty()) {
    const auto best = std::min_element(ranks.begin(), ranks.end());
    if (*best == kNoRank) return;
    const size_t i = static_cast<size_t>(best - ranks.begin());
    tokens[i] = find(tokens[i], tokens[i + 1])->result;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    ranks.erase(best);
    if (i > 0) ranks[i - 1] = rank(tokens[i - 1], tokens[i]);
    if (i < ranks.size()) ranks[i] = rank(tokens[i], tokens[i + 1]);
  }
}

// The tokens are a list, tied by `next` and `previous`; one that is merged into its neighbour on the left is -1. A
// queued pair may be gone when its turn comes: it is there still if its tokens merge to the same as when it was queued,
// since any that swallowed another since is longer.
void BpeMerges::apply_long(std::vector<int32_t>& tokens, Scratch& scratch) const {
  const uint32_t n = static_cast<uint32_t>(tokens.size()), none = n;
  std::vector<uint32_t>&next = scratch.next, &previous = scratch.previous;
  next.resize(n);
  previous.resize(n);
  for (uint32_t i = 0; i < n; ++i) {
    next[i] = i + 1;  // of the last: none
    previous[i] = i == 0 ? none : i - 1;
  }
  std::vector<Scratch::Candidate>& queue = scratch.queue;
  const auto later = [](const Scratch::Candidate& a, const Scratch::Candidate& b) { return a.order > b.order; };
  const auto candidate = [&](uint32_t left, Scratch::Candidate& c) {
    const Slot* const slot = find(tokens[left], tokens[next[left]]);
    if (slot == nullptr) return false;
    c = {static_cast<uint64_t>(slot->rank) << 32 | left, slot->result};
    return true;
  };
  queue.clear();
  Scratch::Candidate c{};
  for (uint32_t i = 0; i + 1 < n; ++i) {
    if (candidate(i, c)) queue.push_back(c);
  }
  std::make_heap(queue.begin(), queue.end(), later);
  while (!queue.empty()) {
    const Scratch::Candidate best = queue.front();
    std::pop_heap(queue.begin(), queue.end(), later);
    queue.pop_back();
    const uint32_t left = static_cast<uint32_t>(best.order);
    if (tokens[left] < 0 || next[left] == none) continue;
    const uint32_t right = next[left];
    const Slot* const slot = find(tokens[left], tokens[right]);
    if (slot == nullptr || slot->result != best.result) continue;
    tokens[left] = best.result;
    tokens[right] = -1;
    next[left] = next[right];
    if (next[left] != none) {
      previous[next[left]] = left;
      if (candidate(left, c)) {
        queue.push_back(c);
        std::push_heap(queue.begin(), queue.end(), later);
      }
    }
    if (previous[left] != none && candidate(previous[left], c)) {
      queue.push_back(c);
      std::push_heap(queue.begin(), queue.end(), later);
    }
  }
  tokens.erase(std::remove(tokens.begin(), tokens.end(), -1), tokens.end());
}

}  // namespace recurra
