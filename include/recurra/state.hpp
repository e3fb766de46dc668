// The part of recurra.hpp that holds State (feed, generate, query, save, load), feed_batch and peek_file. Include
// recurra.hpp, not this.
#ifndef RECURRA_STATE_HPP
#define RECURRA_STATE_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <recurra/basics.hpp>
#include <recurra/model.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace recurra {

// ---- state ----------------------------------------------------------------------------------------------------------

struct StateInfo {
  std::uint32_t n_notes = 0;
  std::uint64_t n_tokens = 0;       // read so far
  std::uint64_t state_bytes = 0;    // in memory; the same for ever, but with softmax attention
  std::uint64_t file_bytes = 0;     // of a save with default options and the present notes
  std::uint64_t rewind_tokens = 0;  // how far it can go back now
};

struct StateOptions {
  std::uint32_t rewind_tokens = 0;  // how far rewind() can go back, at most 1048576; 0: not at all, at no cost
};

// One matrix memory S [n_rows, n_columns] of a state.
struct MemoryInfo {
  std::int32_t layer = 0;
  std::int32_t head = 0;
  std::int32_t n_rows = 0;     // V
  std::int32_t n_columns = 0;  // K
  std::string name;            // of the tensor in the state file
};

struct FeedOptions {
  bool step = false;                // every token by itself, as generation does; else as fast as can be
  Progress progress;                // in tokens
  Cancel* cancel = nullptr;         // borrowed
  std::uint64_t* n_done = nullptr;  // where the number of tokens read is written, success or not
  float* logits = nullptr;          // [n_tokens, n_vocab]: the logits after each token
  float* logprobs = nullptr;        // [n_tokens]: ln p(token | all before it); NaN for an empty state's first token
};

struct GenerateOptions {
  std::uint64_t max_tokens = 256;       // also the room that generate() sets aside for its result
  std::vector<std::string> stop_texts;  // stop when one was written; the state reads it, the result lacks it
  std::vector<Token> stop_tokens;       // stop when one is picked; neither read nor in the result. eos_token stops too
  Sampler* sampler = nullptr;           // borrowed; null: greedy
  OnToken on_token;                     // sees the text as it comes
  Cancel* cancel = nullptr;             // borrowed
};

struct SaveOptions {
  std::string dtype = "f32";  // "f32": going on is bit for bit what it would have been; "f16": half the size
};

// One conversation with a model, of a size that never grows.
class State {
 public:
  // Empty: nothing read yet. Keeps the model alive.
  explicit State(const Model& model) : State(model, StateOptions()) {}
  State(const Model& model, const StateOptions& options) : n_vocab_(model.n_vocab()), n_embd_(model.n_embd()) {
    recurra_state_options c;
    detail::check(recurra_state_options_init(&c, sizeof c));
    c.rewind_tokens = options.rewind_tokens;
    recurra_state* handle = nullptr;
    detail::check(recurra_state_create(&handle, model.handle(), &c));
    handle_.reset(handle);
  }

  // A new state that has read what this one has: state_bytes are copied.
  State clone() const {
    recurra_state* handle = nullptr;
    detail::check(recurra_state_clone(&handle, handle_.get()));
    return State(handle, n_vocab_, n_embd_);
  }
  // Makes this state what `source` is; both of the same model, else RECURRA_E_INVALID.
  void copy_from(const State& source) { detail::check(recurra_state_copy(handle_.get(), source.handle_.get())); }
  // Back to empty: nothing read, no notes, and nothing to go back to.
  void reset() { detail::check(recurra_state_reset(handle_.get())); }
  // Makes it what it was before it read its last n_tokens tokens, bit for bit; notes stay. Throws RECURRA_E_INVALID
  // where that is farther than info().rewind_tokens. recurra.h says what it costs.
  void rewind(std::uint64_t n_tokens) { detail::check(recurra_state_rewind(handle_.get(), n_tokens)); }

  StateInfo info() const {
    recurra_state_info c = {};
    c.struct_size = sizeof c;
    detail::check(recurra_state_get_info(&c, handle_.get()));
    StateInfo info;
    info.n_notes = c.n_notes;
    info.n_tokens = c.n_tokens;
    info.state_bytes = c.state_bytes;
    info.file_bytes = c.file_bytes;
    info.rewind_tokens = c.rewind_tokens;
    return info;
  }
  std::uint64_t n_tokens() const { return info().n_tokens; }

  // Notes are short texts that travel with the state. Keys are 1 to 128 bytes of [A-Za-z0-9_.-]; values valid UTF-8 of
  // at most 64 KiB without a zero byte; at most 256 notes. note() throws RECURRA_E_NOT_FOUND.
  void set_note(const std::string& key, const std::string& value) {
    if (value.find('\0') != std::string::npos) {
      throw Error(RECURRA_E_INVALID, "the value of note \"" + key + "\" has a zero byte; a note is text");
    }
    detail::check(recurra_state_set_note(handle_.get(), key.c_str(), value.c_str()));
  }
  void remove_note(const std::string& key) {
    detail::check(recurra_state_set_note(handle_.get(), key.c_str(), nullptr));
  }
  std::string note(const std::string& key) const {
    return detail::fill<std::string>(256, [&](char* out, std::size_t capacity, std::size_t* n) {
      return recurra_state_get_note(out, capacity, n, handle_.get(), key.c_str());
    });
  }
  bool has_note(const std::string& key) const {
    std::size_t n = 0;
    const recurra_status status = recurra_state_get_note(nullptr, 0, &n, handle_.get(), key.c_str());
    if (status == RECURRA_E_NOT_FOUND) return false;
    if (status != RECURRA_E_TOO_SMALL) detail::check(status);
    return true;
  }

  // -- feed: moves the state --

  // Reads tokens; all are checked before the first is read. Throws RECURRA_E_TOKEN, RECURRA_E_CANCELLED.
  void feed(const std::vector<Token>& tokens, const FeedOptions& options = FeedOptions()) {
    feed(tokens.data(), tokens.size(), options);
  }
  void feed(const Token* tokens, std::size_t n_tokens, const FeedOptions& options = FeedOptions()) {
    CFeed c(options);
    c.calls.check(recurra_feed(handle_.get(), tokens, n_tokens, &c.options));
  }

  // Reads a text. options.logits and options.logprobs, whose sizes would be unknown, must be null.
  void feed_text(std::string_view text, const FeedOptions& options = FeedOptions()) {
    CFeed c(options);
    c.calls.check(recurra_feed_text(handle_.get(), text.empty() ? "" : text.data(), text.size(), &c.options));
  }

  // -- generate: moves the state --

  // Goes on from the state, which must have read at least one token, until max_tokens, a stop or on_token's false.
  // The tokens, or the bytes, that were written. Throws RECURRA_E_CANCELLED; what was written by then, on_token has
  // seen.
  std::vector<Token> generate(const GenerateOptions& options = GenerateOptions()) {
    return generate_tokens(options, [&](Token* out, std::size_t capacity, std::size_t* n, const CGenerate& c) {
      return recurra_generate(out, capacity, n, handle_.get(), &c.options);
    });
  }
  std::string generate_text(const GenerateOptions& options = GenerateOptions()) {
    return generate_string(options, [&](std::size_t* n, const CGenerate& c) {
      return recurra_generate_text(nullptr, 0, n, handle_.get(), &c.options);
    });
  }

  // -- query: leaves the state as it was --

  // The logits [n_vocab] after the last token read, and the last hidden vector [n_embd], normed: what the head sees.
  // The state must have read at least one token.
  std::vector<float> logits() const {
    std::vector<float> out(static_cast<std::size_t>(n_vocab_));
    logits(out.data(), out.size());
    return out;
  }
  void logits(float* out, std::size_t n) const { detail::check(recurra_logits(out, n, handle_.get())); }
  std::vector<float> hidden() const {
    std::vector<float> out(static_cast<std::size_t>(n_embd_));
    detail::check(recurra_hidden(out.data(), out.size(), handle_.get()));
    return out;
  }

  // ln p(token | all before it) of each token [n_tokens] if they came next. options.logprobs must be null.
  std::vector<float> score(const std::vector<Token>& tokens, const FeedOptions& options = FeedOptions()) const {
    std::vector<float> out(tokens.size());
    CFeed c(options);
    c.calls.check(recurra_score(out.data(), handle_.get(), tokens.data(), tokens.size(), &c.options));
    return out;
  }

  // Feeds the prompt and generates, on a copy of the state.
  std::vector<Token> query(const std::vector<Token>& prompt, const GenerateOptions& options = GenerateOptions()) const {
    return generate_tokens(options, [&](Token* out, std::size_t capacity, std::size_t* n, const CGenerate& c) {
      return recurra_query(out, capacity, n, handle_.get(), prompt.data(), prompt.size(), &c.options);
    });
  }
  std::string query_text(std::string_view prompt, const GenerateOptions& options = GenerateOptions()) const {
    return generate_string(options, [&](std::size_t* n, const CGenerate& c) {
      return recurra_query_text(nullptr, 0, n, handle_.get(), prompt.empty() ? "" : prompt.data(), prompt.size(),
                                &c.options);
    });
  }

  // -- memory: what the state remembers, matrix by matrix --

  // How many there are, one for each layer and head; 0 for softmax attention and for Mamba. index is 0 .. count-1.
  std::size_t memory_count() const {
    std::size_t n = 0;
    detail::check(recurra_memory_count(&n, handle_.get()));
    return n;
  }
  MemoryInfo memory_info(std::size_t index) const {
    recurra_memory_info c = {};
    c.struct_size = sizeof c;
    detail::check(recurra_memory_describe(&c, handle_.get(), index));
    MemoryInfo info;
    info.layer = c.layer;
    info.head = c.head;
    info.n_rows = c.n_rows;
    info.n_columns = c.n_columns;
    info.name = detail::text(c.name);
    return info;
  }
  // The matrix, row-major: what a save writes of it.
  std::vector<float> memory(std::size_t index) const {
    const MemoryInfo info = memory_info(index);
    std::vector<float> out(static_cast<std::size_t>(info.n_rows) * static_cast<std::size_t>(info.n_columns));
    read_memory(index, out.data(), out.size());
    return out;
  }
  void read_memory(std::size_t index, float* out, std::size_t n) const {
    detail::check(recurra_memory_read(out, n, handle_.get(), index));
  }
  // Puts another in its place, of the same size, all values finite. The next token reads it.
  void set_memory(std::size_t index, const std::vector<float>& values) {
    write_memory(index, values.data(), values.size());
  }
  void write_memory(std::size_t index, const float* values, std::size_t n) {
    detail::check(recurra_memory_write(handle_.get(), index, values, n));
  }

  // -- save and load --

  // Saving writes a valid .safetensors file; save_file does it atomically and durably: at any moment the path holds the
  // old file or the new one. Throws RECURRA_E_IO; RECURRA_E_UNSUPPORTED where "f16" cannot hold a value; save_stream
  // throws RECURRA_E_CALLBACK when `write` took too little.
  void save_file(const std::string& path, const SaveOptions& options = SaveOptions()) const {
    const recurra_save_options c = c_save(options);
    detail::check(recurra_save_file(handle_.get(), path.c_str(), &c));
  }
  std::vector<std::uint8_t> save_memory(const SaveOptions& options = SaveOptions()) const {
    const recurra_save_options c = c_save(options);
    const std::size_t guess = static_cast<std::size_t>(info().file_bytes);
    return detail::fill<std::vector<std::uint8_t>>(guess, [&](void* out, std::size_t capacity, std::size_t* n) {
      return recurra_save_memory(out, capacity, n, handle_.get(), &c);
    });
  }
  void save_stream(const Write& write, const SaveOptions& options = SaveOptions()) const {
    const recurra_save_options c = c_save(options);
    detail::Calls calls;
    calls.write = &write;
    calls.check(recurra_save_stream(handle_.get(), write ? &detail::Calls::call_write : nullptr, &calls, &c));
  }

  // Makes this state what was saved, notes too; checked in full before anything changes. Throws RECURRA_E_NOT_FOUND,
  // _IO, _CORRUPT (cut, bits flipped, values not finite), _MISMATCH (another model or tokenizer), _VERSION (a newer
  // format); load_stream throws RECURRA_E_CALLBACK.
  void load_file(const std::string& path) { detail::check(recurra_load_file(handle_.get(), path.c_str())); }
  void load_memory(const void* data, std::size_t size) {
    detail::check(recurra_load_memory(handle_.get(), data, size));
  }
  void load_memory(const std::vector<std::uint8_t>& data) { load_memory(data.data(), data.size()); }
  void load_stream(const Read& read) {
    detail::Calls calls;
    calls.read = &read;
    calls.check(recurra_load_stream(handle_.get(), read ? &detail::Calls::call_read : nullptr, &calls));
  }

  recurra_state* handle() const noexcept { return handle_.get(); }  // stays this object's

 private:
  friend void logits_batch(const std::vector<const State*>& states, float* out, std::size_t n);
  friend std::vector<float> logits_batch(const std::vector<const State*>& states);
  friend void feed_batch(const std::vector<State*>& states, const std::vector<std::vector<Token>>& tokens,
                         const FeedOptions& options);

  State(recurra_state* owned, std::int32_t n_vocab, std::int32_t n_embd)
      : handle_(owned), n_vocab_(n_vocab), n_embd_(n_embd) {}

  // The C structs of one call, and what their callbacks need while it lasts.
  struct CFeed {
    explicit CFeed(const FeedOptions& from) {
      detail::check(recurra_feed_options_init(&options, sizeof options));
      calls.progress = &from.progress;
      options.step = from.step ? 1 : 0;
      options.progress = from.progress ? &detail::Calls::call_progress : nullptr;
      options.user = &calls;
      options.cancel = from.cancel != nullptr ? from.cancel->handle() : nullptr;
      options.n_done = from.n_done;
      options.logits = from.logits;
      options.logprobs = from.logprobs;
    }
    CFeed(const CFeed&) = delete;
    CFeed& operator=(const CFeed&) = delete;
    recurra_feed_options options;
    detail::Calls calls;
  };

  struct CGenerate {
    CGenerate(const GenerateOptions& from, std::string* text) {
      detail::check(recurra_generate_options_init(&options, sizeof options));
      for (const std::string& stop : from.stop_texts) stop_texts.push_back(stop.c_str());
      calls.on_token = from.on_token ? &from.on_token : nullptr;
      calls.text = text;
      options.max_tokens = from.max_tokens;
      options.stop_texts = stop_texts.data();
      options.n_stop_texts = static_cast<std::uint32_t>(stop_texts.size());
      options.stop_tokens = from.stop_tokens.data();
      options.n_stop_tokens = from.stop_tokens.size();
      options.sampler = from.sampler != nullptr ? from.sampler->handle() : nullptr;
      options.on_token = from.on_token || text != nullptr ? &detail::Calls::call_token : nullptr;
      options.user = &calls;
      options.cancel = from.cancel != nullptr ? from.cancel->handle() : nullptr;
    }
    CGenerate(const CGenerate&) = delete;
    CGenerate& operator=(const CGenerate&) = delete;
    recurra_generate_options options;
    std::vector<const char*> stop_texts;
    detail::Calls calls;
  };

  template <typename Call>
  static std::vector<Token> generate_tokens(const GenerateOptions& options, const Call& call) {
    const CGenerate c(options, nullptr);
    const std::size_t capacity = static_cast<std::size_t>(options.max_tokens);
    const std::unique_ptr<Token[]> out(new Token[capacity]);  // not initialised: untouched pages cost nothing
    std::size_t n = 0;
    c.calls.check(call(out.get(), capacity, &n, c));
    return std::vector<Token>(out.get(), out.get() + n);
  }

  // The text is collected from the callback, not from a buffer, whose size nobody knows before the state has moved.
  template <typename Call>
  static std::string generate_string(const GenerateOptions& options, const Call& call) {
    std::string text;
    const CGenerate c(options, &text);
    std::size_t n = 0;
    const recurra_status status = call(&n, c);
    c.calls.check(status == RECURRA_E_TOO_SMALL && n == text.size() ? RECURRA_OK : status);
    return text;
  }

  static recurra_save_options c_save(const SaveOptions& options) {
    recurra_save_options c;
    detail::check(recurra_save_options_init(&c, sizeof c));
    c.dtype = options.dtype.c_str();
    return c;
  }

  std::unique_ptr<recurra_state, detail::Free> handle_;
  std::int32_t n_vocab_, n_embd_;
};

// Reads tokens[i] into *states[i], all together: the weights are read once for all. The states are different ones of
// one model; each ends with the very bits it would have alone. options.logits and options.logprobs must be null; n_done
// counts the tokens of all states; a cancel may leave the states at different places. Throws as State::feed does.
inline void feed_batch(const std::vector<State*>& states, const std::vector<std::vector<Token>>& tokens,
                       const FeedOptions& options = FeedOptions()) {
  if (states.size() != tokens.size()) {
    throw Error(RECURRA_E_INVALID, "feed_batch got " + std::to_string(states.size()) + " states and tokens for " +
                                       std::to_string(tokens.size()));
  }
  std::vector<recurra_state*> handles;
  std::vector<const Token*> starts;
  std::vector<std::size_t> sizes;
  for (const State* state : states) handles.push_back(state != nullptr ? state->handle() : nullptr);
  for (const std::vector<Token>& t : tokens) {
    starts.push_back(t.data());
    sizes.push_back(t.size());
  }
  State::CFeed c(options);
  c.calls.check(recurra_feed_batch(handles.data(), starts.data(), sizes.data(), handles.size(), &c.options));
}

// The logits [n_states, n_vocab] after the last token that each state has read, together: the head's weights are read
// once for up to 64 states of one model. Row i has the bits that states[i]->logits() gives. Throws RECURRA_E_INVALID,
// _BUSY.
inline void logits_batch(const std::vector<const State*>& states, float* out, std::size_t n) {
  std::vector<const recurra_state*> handles;
  for (const State* state : states) handles.push_back(state != nullptr ? state->handle() : nullptr);
  detail::check(recurra_logits_batch(out, n, handles.data(), handles.size()));
}
inline std::vector<float> logits_batch(const std::vector<const State*>& states) {
  const bool none = states.empty() || states[0] == nullptr;
  std::vector<float> out(none ? 1 : states.size() * static_cast<std::size_t>(states[0]->n_vocab_));
  logits_batch(states, out.data(), out.size());
  return out;
}

// ---- state files ----------------------------------------------------------------------------------------------------

// What a state file says of itself, without its model.
struct Peek {
  std::uint32_t format_version = 0;
  std::uint64_t n_tokens = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t n_notes = 0;
  std::string architecture;
  std::string model_fingerprint;
  std::string tokenizer_hash;
  std::string dtype;    // "f32" or "f16"
  std::string backend;  // what computed it
  std::string cpu_level;
  std::string compute_dtype;  // "f32" or "bf16"
  std::string checksum;
  std::string metadata;  // the file's whole metadata, a JSON object of strings; notes are "note.KEY"
};

// Everything but the values is checked, and the checksum is. Throws RECURRA_E_NOT_FOUND, _IO, _CORRUPT, _VERSION.
inline Peek peek_file(const std::string& path) {
  recurra_peek c = {};
  c.struct_size = sizeof c;
  Peek peek;
  peek.metadata = detail::fill<std::string>(4096, [&](char* out, std::size_t capacity, std::size_t* n) {
    return recurra_peek_file(&c, out, capacity, n, path.c_str());
  });
  peek.format_version = c.format_version;
  peek.n_tokens = c.n_tokens;
  peek.file_bytes = c.file_bytes;
  peek.n_notes = c.n_notes;
  peek.architecture = c.architecture;
  peek.model_fingerprint = c.model_fingerprint;
  peek.tokenizer_hash = c.tokenizer_hash;
  peek.dtype = c.dtype;
  peek.backend = c.backend;
  peek.cpu_level = c.cpu_level;
  peek.compute_dtype = c.compute_dtype;
  peek.checksum = c.checksum;
  return peek;
}

}  // namespace recurra

#endif
