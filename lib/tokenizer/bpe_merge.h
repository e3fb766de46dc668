// The merges of byte-level BPE within one word.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/bpe.h"

namespace recurra {

// Immutable and shared between threads; what a word needs while it is merged is in a Scratch.
class BpeMerges {
 public:
  explicit BpeMerges(const std::vector<BpeMerge>& merges);

  struct Scratch {
    struct Candidate {
      uint64_t order;  // rank, then place
      int32_t result;
    };
    std::vector<Candidate> queue;
    std::vector<uint32_t> rank, next, previous;
  };

  // Merges in place. Short words look through all neighbours each time; longer ones take a queue, so that n tokens take
  // n log n steps. At most 2^32 - 2 tokens.
  void apply(std::vector<int32_t>& tokens, Scratch& scratch) const;

 private:
  struct Slot {
    uint64_t pair = kNone;  // left, then right
    uint32_t rank = 0;
    int32_t result = -1;
  };
  static constexpr uint64_t kNone = ~uint64_t{0};
  static constexpr uint32_t kNoRank = ~uint32_t{0};

  const Slot* find(int32_t left, int32_t right) const;
  uint32_t rank(int32_t left, int32_t right) const;
  void apply_short(std::vector<int32_t>& tokens, Scratch& scratch) const;
  void apply_long(std::vector<int32_t>& tokens, Scratch& scratch) const;

  std::vector<Slot> slots_;  // a power of two, at most half full; a pair lies at its hash or after
  uint64_t mask_ = 0;
};

}  // namespace recurra
