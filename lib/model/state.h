// One conversation: a slot of fixed size, how far it has read, and notes.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "format/state_file.h"
#include "model/history.h"
#include "model/model.h"
#include "model/token_cache.h"

namespace recurra {

class State {
 public:
  // Empty. It can go back up to `rewind` tokens.
  explicit State(std::shared_ptr<const Model> model, uint64_t rewind = 0);

  // One writer or many readers at a time; a lock that cannot be had throws Code::busy.
  class Write {
   public:
    explicit Write(State& state);
    ~Write() { state_.users_.store(0, std::memory_order_release); }
    Write(const Write&) = delete;
    Write& operator=(const Write&) = delete;

   private:
    State& state_;
  };
  class Read {
   public:
    explicit Read(const State& state);
    ~Read() { state_.users_.fetch_sub(1, std::memory_order_release); }
    Read(const Read&) = delete;
    Read& operator=(const Read&) = delete;

   private:
    const State& state_;
  };

  const Model& model() const { return *model_; }
  const std::shared_ptr<const Model>& shared_model() const { return model_; }
  std::byte* slot() const { return slot_.data(); }
  uint64_t tokens() const { return tokens_; }
  uint64_t bytes() const { return model_->arena().slot_bytes() + cache_.bytes() + history_.bytes(); }
  uint64_t rewind_limit() const { return history_.limit(); }
  uint64_t rewindable() const { return history_.limit() == 0 ? 0 : tokens_ - history_.floor(); }
  const std::map<std::string, std::string>& notes() const { return notes_; }

  // The caller holds the lock that fits.
  void assign(const State& other);  // of the same model; the rewind limit stays this one's own
  void reset();
  void set_note(const std::string& key, const char* value);  // null: remove
  void feed(const int32_t* tokens, uint64_t count, const FeedOptions& options, uint64_t* done);
  // Back to where it was `count` tokens ago (model/history.h); notes are not part of it.
  void rewind(uint64_t count);
  // What the state has read, to go back to; notes are not part of it.
  struct Checkpoint {
    Arena::Slot slot;
    uint64_t tokens;
    History history;
  };
  Checkpoint checkpoint() const;
  void restore(Checkpoint&& checkpoint) noexcept;
  bool pick(int32_t& token, const Pick& by) const;  // as Model::pick
  void logits(float* out) const;                    // throws Code::invalid before the first token
  void hidden(float* out) const;

  // Matrix memories S [V, K] (model/memories.cpp): heads of the slices [H, V, K], in their order.
  struct Memory {
    const StateSlice* slice;
    int32_t layer, head;
    int64_t elements() const { return slice->shape.dim[1] * slice->shape.dim[2]; }
  };
  size_t memories() const;
  Memory memory(size_t index) const;  // throws Code::invalid
  void read_memory(float* out, const Memory& memory) const;
  void write_memory(const float* values, const Memory& memory);

  // State files (model/persist.cpp).
  StateHeader header() const;
  void save(StateType type, const StateSink& sink) const;
  void save_file(const std::string& path, StateType type) const;
  uint64_t file_size(StateType type) const;
  void load(const void* data, uint64_t size, const std::string& name);

  // All states read together; each is locked for writing, all are of one model.
  static void feed_batch(Span<State* const> states, const int32_t* const* tokens, const size_t* counts,
                         const FeedOptions& options, uint64_t* done);
  // The logits [states, vocabulary] of states of one model, which the caller has locked.
  static void logits_batch(float* out, Span<const State* const> states);

 private:
  struct Values;
  Values values() const;
  void need_tokens(const char* what) const;
  Sequence sequence(const int32_t* tokens, uint64_t count);
  void advance(uint64_t done) noexcept;  // by tokens that were read

  std::shared_ptr<const Model> model_;
  Arena::Slot slot_;
  TokenCache cache_;
  History history_;
  uint64_t tokens_ = 0;
  std::map<std::string, std::string> notes_;
  mutable std::atomic<int32_t> users_{0};  // -1: a writer, else the number of readers
};

}  // namespace recurra
