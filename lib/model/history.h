// How a state got where it is, as far back as it may go again: marks, which are copies of its slot, and the tokens read
// since the oldest of them.
//
// What a state becomes depends on the tokens and on which of them were read in blocks (feed.cpp), on nothing else of
// how they were cut into calls. So the bits at any place p come back from the last mark at or before p: the tokens from
// there on are read again, each in a block or in a step as it was the first time. Those of a block that p cuts are read
// in steps, as in a call that had ended there.
//
// Marks lie where passes end, at least `spacing` tokens apart: about limit / spacing + 2 of them, however long the
// conversation. Keys and values of softmax attention need none: what was written of them stays as it was.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/arena.h"

namespace recurra {

struct Mark {
  Arena::Slot slot;
  uint64_t tokens;  // read when it was made
};

// Part of a history that is whole: the tokens from `first` on, and the marks among them.
struct Stretch {
  struct Read {
    int32_t token;
    bool block;  // it was read in a block
  };
  uint64_t first = 0;
  std::vector<Read> reads;
  std::vector<std::shared_ptr<const Mark>> marks;  // never changed once made: copies of a state share them

  uint64_t end() const { return first + reads.size(); }
  bool begins_with_mark() const { return !marks.empty() && marks[0]->tokens == first; }
  // Gives up what lies before the last mark at or before `place`.
  void forget_before(uint64_t place) noexcept;
  void clear(uint64_t at) noexcept;
};

class History {
 public:
  static constexpr uint64_t kMost = uint64_t{1} << 20;  // the largest limit

  // At most `limit` tokens back; 0: none, and nothing is kept.
  History(Arena& arena, Backend& backend, uint64_t limit);

  uint64_t limit() const { return limit_; }
  uint64_t bytes() const;
  uint64_t floor() const { return floor_; }  // the earliest place to go back to

  // Begins anew, with the state at `tokens`.
  void begin(uint64_t tokens) noexcept;
  // What another history has, as far as this one's limit goes.
  History take_over(const History& other, uint64_t tokens) const;

  // Around a call that reads `count` tokens into `slot`, which has read `tokens`.
  void prepare(const std::byte* slot, uint64_t tokens, uint64_t count);
  bool marks_within(uint64_t count) const { return limit_ != 0 && end() + count >= next_mark(); }
  void passed(const std::byte* slot, const int32_t* tokens, uint64_t count, bool block);
  void commit() noexcept;   // what was passed has happened
  void discard() noexcept;  // it was undone

  // From where, and what, to read again to be at `place`, which is not before the floor.
  const Mark& mark_before(uint64_t place) const;
  Stretch::Read at(uint64_t place) const { return kept_.reads[static_cast<size_t>(place - kept_.first)]; }
  // The state went back there.
  void cut(uint64_t place) noexcept;

 private:
  uint64_t end() const { return fresh_.end(); }
  uint64_t next_mark() const;
  std::shared_ptr<const Mark> mark(const std::byte* slot, uint64_t tokens) const;

  Arena* arena_;
  Backend* backend_;
  uint64_t limit_, spacing_, floor_ = 0;
  Stretch kept_, fresh_;  // fresh: of the call that is under way, so that it can be undone
};

}  // namespace recurra
