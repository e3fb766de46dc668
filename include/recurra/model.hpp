// The part of recurra.hpp that holds the library's own functions, Cancel, Model and Sampler. Include recurra.hpp, not
// this.
#ifndef RECURRA_MODEL_HPP
#define RECURRA_MODEL_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <recurra/basics.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace recurra {

// ---- library --------------------------------------------------------------------------------------------------------

// "0.1.0": of the library that runs, which may be newer than this header.
inline std::string version() { return recurra_version(); }

// One line: version, compiler, oneDNN's version, the CPU levels built in and the one in use.
inline std::string build_info() { return recurra_build_info(); }

// The backends this build knows, the best first: {"cpu", "reference"}.
inline std::vector<std::string> backends() {
  std::vector<std::string> names;
  for (std::int32_t i = 0; i < recurra_backend_count(); ++i) names.emplace_back(recurra_backend_name(i));
  return names;
}

// Sends log lines of at least `least_level` to `log`, for the whole process and from any thread that is inside a call;
// an empty function, the default, drops them.
inline void set_log(const Log& log, std::int32_t least_level = RECURRA_LOG_WARNING) {
  {
    const std::lock_guard<std::mutex> lock(detail::LogSlot::get().mutex);
    detail::LogSlot::get().log = log ? std::make_shared<const Log>(log) : nullptr;
  }
  detail::check(recurra_log_set(log ? &detail::LogSlot::call : nullptr, nullptr, least_level));
}

// ---- cancel ---------------------------------------------------------------------------------------------------------

// Stops calls that were given it. Must outlive them.
class Cancel {
 public:
  Cancel() {
    recurra_cancel* handle = nullptr;
    detail::check(recurra_cancel_create(&handle));
    handle_.reset(handle);
  }

  // Makes those calls stop soon with RECURRA_E_CANCELLED, now and until the reset. Safe from any thread and from any
  // signal handler.
  void trigger() noexcept { recurra_cancel_trigger(handle_.get()); }
  void reset() { detail::check(recurra_cancel_reset(handle_.get())); }

  recurra_cancel* handle() const noexcept { return handle_.get(); }  // stays this object's

 private:
  std::unique_ptr<recurra_cancel, detail::Free> handle_;
};

// ---- model ----------------------------------------------------------------------------------------------------------

struct ModelOptions {
  std::uint32_t threads = 0;     // threads that compute; 0: the physical cores this process may use
  std::string backend = "auto";  // "auto": the best there is; or a name of backends()
  std::string dtype = "auto";    // of matrix products over many tokens: "auto", "f32" or "bf16"
  Progress progress;             // of the opening, in bytes
  Cancel* cancel = nullptr;      // borrowed
  bool exact = false;            // every token as generation computes it: any cut into calls gives the same bits
  std::string state_dtype = "f32";  // of a state's matrix memories: "f32", or "f16" (backend "cuda" alone)
};

// What recurra_model_info says; see there for each field.
struct ModelInfo {
  std::int32_t n_vocab = 0;  // tokens 0 .. n_vocab-1
  std::int32_t n_layer = 0;
  std::int32_t n_embd = 0;        // width of the hidden vector
  std::uint64_t n_params = 0;     // elements of all tensors
  std::uint64_t model_bytes = 0;  // bytes of all tensors in the file
  std::uint64_t state_bytes = 0;  // bytes of one state in memory
  std::uint32_t threads = 0;
  Token bos_token = -1;       // -1: the file names none
  Token eos_token = -1;       // -1: the file names none; else generation stops there
  bool has_text = false;      // it has a tokenizer; without one: tokens only
  std::string architecture;   // "rwkv7"
  std::string name;           // the file's general.name, or ""
  std::string path;           // as it was opened, or "" for memory
  std::string file_type;      // the type most weight bytes have: "F16"
  std::string tokenizer;      // "rwkv", "bpe", "byte" or "none"
  std::string backend;        // "cpu"
  std::string cpu_level;      // "plain", "avx2", "avx512" or "amx"
  std::string dtype;          // "f32" or "bf16": what was chosen
  std::string fingerprint;    // 32 hexadecimal digits that name the weights and hyperparameters
  std::string chat_template;  // the file's own, or ""
  std::uint64_t state_bytes_per_token = 0;  // what a state grows by: 0, but for models with softmax attention
  bool exact = false;         // opened with that option
  bool tied_embedding = false;  // the head is the embedding table, which every token then reads
};

// An opened model file: immutable, and cheap to share between threads and states.
class Model {
 public:
  // Opens a model file, which is memory-mapped and must not change while the model or a state of it lives.
  // Throws RECURRA_E_NOT_FOUND, _IO, _FORMAT (damaged), _UNSUPPORTED (an architecture or type without code here),
  // _BACKEND (not on this machine), _CANCELLED.
  static Model open(const std::string& path, const ModelOptions& options = ModelOptions()) {
    return open_with(options, [&](recurra_model** out, const recurra_model_options* o) {
      return recurra_model_open(out, path.c_str(), o);
    });
  }

  // Opens the default model that is installed with the library; RECURRA_DEFAULT_MODEL in the environment names another.
  static Model open_default(const ModelOptions& options = ModelOptions()) {
    return open_with(options, [](recurra_model** out, const recurra_model_options* o) {
      return recurra_model_open(out, nullptr, o);
    });
  }

  // The same from memory, which stays the caller's and must live, unchanged, until the model and its states are gone.
  static Model open_memory(const void* data, std::size_t size, const ModelOptions& options = ModelOptions()) {
    return open_with(options, [&](recurra_model** out, const recurra_model_options* o) {
      return recurra_model_open_memory(out, data, size, o);
    });
  }

  // One more owner of the same model: costs nothing.
  Model share() const {
    detail::check(recurra_model_retain(handle_.get()));
    return Model(handle_.get());
  }

  ModelInfo info() const {
    const recurra_model_info c = c_info();
    ModelInfo info;
    info.n_vocab = c.n_vocab;
    info.n_layer = c.n_layer;
    info.n_embd = c.n_embd;
    info.n_params = c.n_params;
    info.model_bytes = c.model_bytes;
    info.state_bytes = c.state_bytes;
    info.threads = c.threads;
    info.bos_token = c.bos_token;
    info.eos_token = c.eos_token;
    info.has_text = c.has_text != 0;
    info.architecture = detail::text(c.architecture);
    info.name = detail::text(c.name);
    info.path = detail::text(c.path);
    info.file_type = detail::text(c.file_type);
    info.tokenizer = detail::text(c.tokenizer);
    info.backend = detail::text(c.backend);
    info.cpu_level = detail::text(c.cpu_level);
    info.dtype = detail::text(c.dtype);
    info.fingerprint = detail::text(c.fingerprint);
    info.chat_template = detail::text(c.chat_template);
    info.state_bytes_per_token = c.state_bytes_per_token;
    info.exact = c.exact != 0;
    info.tied_embedding = c.tied_embedding != 0;
    return info;
  }
  std::int32_t n_vocab() const { return c_info().n_vocab; }
  std::int32_t n_embd() const { return c_info().n_embd; }

  // A metadata value of the file as text ("24", "0.5", "[1, 2, 3]"; long arrays are cut). Throws RECURRA_E_NOT_FOUND.
  std::string metadata(const std::string& key) const {
    const char* value = nullptr;
    detail::check(recurra_model_metadata(&value, handle_.get(), key.c_str()));
    return detail::text(value);
  }
  bool has_metadata(const std::string& key) const {
    const char* value = nullptr;
    const recurra_status status = recurra_model_metadata(&value, handle_.get(), key.c_str());
    if (status != RECURRA_E_NOT_FOUND) detail::check(status);
    return status == RECURRA_OK;
  }
  // All keys, in the file's order.
  std::vector<std::string> metadata_keys() const {
    std::vector<std::string> keys;
    for (;;) {
      const char* key = nullptr;
      const recurra_status status = recurra_model_metadata_key(&key, handle_.get(), keys.size());
      if (status == RECURRA_E_NOT_FOUND) return keys;
      detail::check(status);
      keys.emplace_back(key);
    }
  }

  // Text to tokens; none is added at the start or the end. Throws RECURRA_E_UNSUPPORTED for a model without a
  // tokenizer.
  std::vector<Token> tokenize(std::string_view text) const {
    return detail::fill<std::vector<Token>>(text.size(), [&](Token* out, std::size_t capacity, std::size_t* n) {
      return recurra_tokenize(out, capacity, n, handle_.get(), text.empty() ? "" : text.data(), text.size());
    });
  }

  // Tokens to bytes, exactly. Special tokens have none. Throws RECURRA_E_TOKEN, or RECURRA_E_UNSUPPORTED as above.
  std::string detokenize(const std::vector<Token>& tokens) const { return detokenize(tokens.data(), tokens.size()); }
  std::string detokenize(const Token* tokens, std::size_t n_tokens) const {
    return detail::fill<std::string>(n_tokens * 8, [&](char* out, std::size_t capacity, std::size_t* n) {
      return recurra_detokenize(out, capacity, n, handle_.get(), tokens, n_tokens);
    });
  }

  recurra_model* handle() const noexcept { return handle_.get(); }  // stays this object's

 private:
  explicit Model(recurra_model* owned) : handle_(owned) {}

  template <typename Call>
  static Model open_with(const ModelOptions& options, const Call& call) {
    recurra_model_options c;
    detail::check(recurra_model_options_init(&c, sizeof c));
    detail::Calls calls;
    calls.progress = &options.progress;
    c.threads = options.threads;
    c.backend = options.backend.c_str();
    c.dtype = options.dtype.c_str();
    c.progress = options.progress ? &detail::Calls::call_progress : nullptr;
    c.user = &calls;
    c.cancel = options.cancel != nullptr ? options.cancel->handle() : nullptr;
    c.exact = options.exact ? 1 : 0;
    c.state_dtype = options.state_dtype.c_str();
    recurra_model* handle = nullptr;
    calls.check(call(&handle, &c));
    return Model(handle);
  }

  recurra_model_info c_info() const {
    recurra_model_info info = {};
    info.struct_size = sizeof info;
    detail::check(recurra_model_get_info(&info, handle_.get()));
    return info;
  }

  std::unique_ptr<recurra_model, detail::Free> handle_;
};

// ---- sampler --------------------------------------------------------------------------------------------------------

// The default is greedy: always the best token, the lowest id on a tie.
struct SamplerOptions {
  float temperature = 0;            // 0: greedy; else logits are divided by it
  std::uint64_t seed = 0;           // the same seed, options and logits give the same tokens everywhere
  std::int32_t top_k = 0;           // only the k best tokens; 0: all
  float top_p = 1;                  // only the fewest best tokens whose probabilities reach p; 1: all
  float min_p = 0;                  // only tokens of at least min_p times the best one's probability; 0: all
  float repeat_penalty = 1;         // logits of recent tokens are divided (if positive) or multiplied by it; 1: off
  std::int32_t repeat_last_n = 64;  // how many of the last picked tokens are "recent"
};

// Picks tokens from logits. Has a memory: the draws so far and the recent tokens. One thread at a time.
class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options = SamplerOptions()) {
    recurra_sampler_options c;
    detail::check(recurra_sampler_options_init(&c, sizeof c));
    c.temperature = options.temperature;
    c.seed = options.seed;
    c.top_k = options.top_k;
    c.top_p = options.top_p;
    c.min_p = options.min_p;
    c.repeat_penalty = options.repeat_penalty;
    c.repeat_last_n = options.repeat_last_n;
    recurra_sampler* handle = nullptr;
    detail::check(recurra_sampler_create(&handle, &c));
    handle_.reset(handle);
  }

  // Penalties, top-k, top-p, min-p, temperature, draw, in that order, over logits [n_vocab]. Logits that are not finite
  // are RECURRA_E_INVALID.
  Token pick(const std::vector<float>& logits) { return pick(logits.data(), logits.size()); }
  Token pick(const float* logits, std::size_t n_logits) {
    Token token = -1;
    detail::check(recurra_sampler_pick(&token, handle_.get(), logits, n_logits));
    return token;
  }

  recurra_sampler* handle() const noexcept { return handle_.get(); }  // stays this object's

 private:
  std::unique_ptr<recurra_sampler, detail::Free> handle_;
};

}  // namespace recurra

#endif
