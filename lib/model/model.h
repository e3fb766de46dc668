// A model: an opened file, its network on a backend, its tokenizer. Immutable once open, shared between threads.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/cancel.h"
#include "format/model_file.h"
#include "mixers/mixer.h"
#include "model/arena.h"
#include "model/worker.h"
#include "tokenizer/tokenizer.h"

namespace recurra {

// How a long call reports and is stopped. progress returns false to stop.
struct Control {
  std::function<bool(uint64_t done, uint64_t total)> progress;
  const Cancel* cancel = nullptr;
  void check() const;  // throws Code::cancelled
};

struct ModelOptions {
  std::string backend = "auto";
  BackendOptions compute;
  bool exact = false;  // every token in the step path
  Control control;
};

struct ModelFacts {
  uint64_t parameters = 0, bytes = 0;
  std::string architecture, name, path, file_type, tokenizer = "none", tokenizer_hash = "none", fingerprint,
                                                   chat_template;
  int32_t bos = -1, eos = -1;
};

class History;

// One sequence of a feed call: the next tokens of the state in `slot`, which has read `position` before.
struct Sequence {
  std::byte* slot;
  uint64_t position;
  const int32_t* tokens;
  uint64_t count;
  KvCache* cache = nullptr;  // with room for the tokens
  History* history = nullptr;  // is told of every pass
  uint64_t done = 0;           // read so far, counts up
};

struct FeedOptions {
  bool step = false;
  Control control;
  float* logits = nullptr;    // [count, vocabulary], for one sequence
  float* logprobs = nullptr;  // [count]
};

class Model {
 public:
  // path, or memory where data is not null.
  Model(const std::string& path, const void* data, uint64_t size, const ModelOptions& options);

  const ModelFile& file() const { return *file_; }
  const ModelFacts& facts() const { return facts_; }
  const Tokenizer* tokenizer() const { return tokenizer_.get(); }
  const Tokenizer& need_tokenizer() const;  // throws Code::unsupported without one
  Backend& backend() const { return *backend_; }
  bool exact() const { return exact_; }
  const Network& network() const { return network_; }
  const StateLayout& layout() const { return layout_; }
  Arena& arena() const { return *arena_; }
  int32_t vocabulary() const { return static_cast<int32_t>(network_.vocabulary); }
  // A metadata value as text that lives as long as the model; throws Code::not_found.
  const char* metadata_text(const std::string& key) const;
  void check_tokens(const int32_t* tokens, size_t count) const;  // throws Code::token

  // Reads all sequences' tokens together (model/feed.cpp). On Code::cancelled the slots hold what `done` says, on any
  // other error they are as they were.
  void feed(Span<Sequence> sequences, const FeedOptions& options) const;
  // logits [slots, vocabulary] from the slots' hidden vectors.
  void logits(float* out, Span<const std::byte* const> slots) const;
  // A token for each slot, as Exec::pick gives them, without the logits ever leaving the backend. False: it has no such
  // operation, which is all that is asked where out is null.
  bool pick(int32_t* out, Span<const Pick> picks, Span<const std::byte* const> slots) const;
  void hidden(float* out, const std::byte* slot) const;

 private:
  friend class Feeder;
  class WorkerLease;

  template <class Done>
  void head_of(Exec& exec, Span<const std::byte* const> slots, const Done& done) const;
  void logits_with(Exec& exec, float* out, Span<const std::byte* const> slots) const;
  void read_facts(const std::string& path);
  void fingerprint();

  std::unique_ptr<ModelFile> file_;
  std::unique_ptr<Backend> backend_;
  bool exact_;
  StateLayout layout_;
  size_t hidden_offset_ = 0;
  Network network_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<Arena> arena_;
  ModelFacts facts_;
  mutable std::mutex texts_mutex_;
  mutable std::map<std::string, std::string> texts_;  // of metadata_text
  mutable std::mutex workers_mutex_;
  mutable std::vector<std::unique_ptr<Worker>> idle_workers_;
};

}  // namespace recurra
