// What bindings/recurra.i wraps besides recurra.hpp: callbacks as classes that other languages derive from, and the
// calls whose C++ form (overloads, std::function, std::string_view) has no counterpart there. The same for every
// language.
//
// Each language has an Interrupt, which lets a signal stop a long call (python/interrupt.h):
//   Interrupt(bool wanted, Cancel* cancel): while it lives, a signal triggers cancel(), which is `cancel` or its own.
//   bool resume(const Error&): the call ended so. True if it shall go on: a signal stopped it, and its handler raised
//     nothing. What the handler raised is thrown.
//   bool pending(): between two tokens, true once a signal's handler has raised. void surface() then throws that.
#ifndef RECURRA_GLUE_H
#define RECURRA_GLUE_H

#include <optional>
#include <recurra/recurra.hpp>
#include <utility>

namespace recurra::glue {

using Bytes = std::string;  // any bytes, where std::string is text

// Derived from in the other language; lives as long as the call that it is given to. True to go on, false to stop.
class ProgressCallback {
 public:
  virtual ~ProgressCallback() = default;
  virtual bool call(std::uint64_t done, std::uint64_t total) = 0;
};

class TokenCallback {
 public:
  virtual ~TokenCallback() = default;
  virtual bool call(Token token, const Bytes& text) = 0;
};

// Lives until another one has taken its place and no thread is inside it.
class LogCallback {
 public:
  virtual ~LogCallback() = default;
  virtual void call(std::int32_t level, const std::string& message) = 0;
};

// For languages whose objects cannot be given away: passes on to one that lives longer.
class ForwardLog : public LogCallback {
 public:
  explicit ForwardLog(LogCallback* to) : to_(to) {}
  void call(std::int32_t level, const std::string& message) override { to_->call(level, message); }

 private:
  LogCallback* to_;
};

inline void set_log_callback(LogCallback* owned, std::int32_t least_level) {
  if (owned == nullptr) return set_log(Log(), least_level);
  const std::shared_ptr<LogCallback> log(owned);
  set_log([log](std::int32_t level, const std::string& message) { log->call(level, message); }, least_level);
}

inline Model* open_model(const std::string& path, const std::string& backend, const std::string& dtype,
                         const std::string& state_dtype, std::uint32_t threads, bool exact, ProgressCallback* progress,
                         Cancel* cancel, bool interruptible) {
  Interrupt interrupt(interruptible, cancel);
  ModelOptions options;
  options.backend = backend;
  options.dtype = dtype;
  options.state_dtype = state_dtype;
  options.threads = threads;
  options.exact = exact;
  options.cancel = interrupt.cancel();
  if (progress != nullptr)
    options.progress = [=](std::uint64_t done, std::uint64_t total) { return progress->call(done, total); };
  for (;;) {
    try {
      return std::make_unique<Model>(path.empty() ? Model::open_default(options) : Model::open(path, options))
          .release();
    } catch (const Error& error) {
      if (!interrupt.resume(error)) throw;
    }
  }
}

// Reads tokens into a state; after a signal that raised nothing, the rest of them.
inline void feed(State& state, const Token* tokens, std::size_t n_tokens, bool step, ProgressCallback* progress,
                 Cancel* cancel, bool interruptible) {
  Interrupt interrupt(interruptible, cancel);
  std::uint64_t before = 0, done = 0;
  FeedOptions options;
  options.step = step;
  options.n_done = &done;
  options.cancel = interrupt.cancel();
  if (progress != nullptr) {
    options.progress = [&](std::uint64_t now, std::uint64_t) { return progress->call(before + now, n_tokens); };
  }
  for (;;) {
    try {
      return state.feed(tokens + before, n_tokens - before, options);
    } catch (const Error& error) {
      if (!interrupt.resume(error)) throw;
      before += done;
      if (before == n_tokens) return;
    }
  }
}

// States, and what each of them is to read: for feed_batch and logits_batch.
class Batch {
 public:
  void add_tokens(State* state, const Token* tokens, std::size_t n_tokens) {
    tokens_.emplace_back(tokens, tokens + n_tokens);
    states_.push_back(state);
  }
  void add_text(State* state, const Model& model, std::string_view text) {
    tokens_.push_back(model.tokenize(text));
    states_.push_back(state);
  }

  void add(State* state) { states_.push_back(state); }

  // The logits [n_states, n_vocab] of states that were added without tokens.
  void logits_into(float* out, std::size_t n) const { logits_batch({states_.begin(), states_.end()}, out, n); }

  // Once. After a signal that raised nothing, every state reads the rest of its tokens.
  void feed(ProgressCallback* progress, Cancel* cancel, bool interruptible) {
    Interrupt interrupt(interruptible, cancel);
    std::uint64_t total = 0, left = 0;
    for (const std::vector<Token>& tokens : tokens_) total += tokens.size();
    FeedOptions options;
    options.cancel = interrupt.cancel();
    if (progress != nullptr) {
      options.progress = [&](std::uint64_t now, std::uint64_t) { return progress->call(total - left + now, total); };
    }
    for (left = total;;) {
      std::vector<std::uint64_t> ends;
      for (std::size_t i = 0; i < states_.size(); ++i) ends.push_back(states_[i]->n_tokens() + tokens_[i].size());
      try {
        return feed_batch(states_, tokens_, options);
      } catch (const Error& error) {
        if (!interrupt.resume(error)) throw;
        left = 0;
        std::size_t kept = 0;  // states that have tokens left
        for (std::size_t i = 0; i < states_.size(); ++i) {
          const std::uint64_t rest = ends[i] - states_[i]->n_tokens();
          if (rest == 0) continue;
          std::vector<Token> tokens(tokens_[i].end() - static_cast<std::ptrdiff_t>(rest), tokens_[i].end());
          states_[kept] = states_[i];
          tokens_[kept++] = std::move(tokens);
          left += rest;
        }
        states_.resize(kept);
        tokens_.resize(kept);
        if (left == 0) return;
      }
    }
  }

 private:
  std::vector<State*> states_;
  std::vector<std::vector<Token>> tokens_;
};

inline void score(const State& state, float* out, std::size_t n, const Token* tokens, std::size_t n_tokens,
                  ProgressCallback* progress, Cancel* cancel, bool interruptible) {
  if (n != n_tokens)
    throw Error(RECURRA_E_INVALID,
                "score got room for " + std::to_string(n) + " values, not " + std::to_string(n_tokens));
  if (n == 0) throw Error(RECURRA_E_INVALID, "there are no tokens to score");
  Interrupt interrupt(interruptible, cancel);
  FeedOptions options;
  options.cancel = interrupt.cancel();
  if (progress != nullptr)
    options.progress = [=](std::uint64_t done, std::uint64_t total) { return progress->call(done, total); };
  for (;;) {
    try {
      const std::vector<float> scores = state.score(std::vector<Token>(tokens, tokens + n_tokens), options);
      std::copy(scores.begin(), scores.end(), out);
      return;
    } catch (const Error& error) {
      if (!interrupt.resume(error)) throw;
    }
  }
}

inline Sampler* make_sampler(float temperature, std::uint64_t seed, std::int32_t top_k, float top_p, float min_p,
                             float repeat_penalty, std::int32_t repeat_last_n) {
  SamplerOptions options;
  options.temperature = temperature;
  options.seed = seed;
  options.top_k = top_k;
  options.top_p = top_p;
  options.min_p = min_p;
  options.repeat_penalty = repeat_penalty;
  options.repeat_last_n = repeat_last_n;
  return std::make_unique<Sampler>(options).release();
}

// How to go on: GenerateOptions with what it borrows.
class Plan {
 public:
  explicit Plan(std::uint64_t max_tokens) { options_.max_tokens = max_tokens; }
  void add_stop_text(const Bytes& stop) {
    if (stop.empty() || stop.find('\0') != Bytes::npos) {
      throw Error(RECURRA_E_INVALID, stop.empty() ? "a stop text is empty" : "a stop text has a zero byte");
    }
    options_.stop_texts.push_back(stop);
  }
  void add_stop_token(Token token) { options_.stop_tokens.push_back(token); }
  const GenerateOptions& options() const { return options_; }

 private:
  GenerateOptions options_;
};

inline Bytes generate_text(State& state, const Plan& plan, Sampler* sampler, TokenCallback* on_token, Cancel* cancel,
                           bool interruptible) {
  Interrupt interrupt(interruptible, nullptr);
  GenerateOptions options = plan.options();
  options.sampler = sampler;
  options.cancel = cancel;
  options.on_token = [&](Token token, std::string_view text) {
    return (on_token == nullptr || on_token->call(token, Bytes(text))) && !interrupt.pending();
  };
  Bytes text = state.generate_text(options);
  interrupt.surface();
  return text;
}

// A generation in steps of one token, for loops of the other language. Between two steps the state is nobody's: it has
// read the tokens up to here, and may be saved, copied, or fed something else. The state outlives this; the sampler is
// taken over.
class Generation {
 public:
  Generation(State* state, const Model& model, const Plan& plan, Sampler* sampler)
      : state_(*state), model_(model.share()), options_(plan.options()) {
    if (sampler != nullptr) sampler_.emplace(std::move(*sampler));
    const ModelInfo info = model.info();
    has_text_ = info.has_text;
    detail::check(recurra_generate_options_init(&one_, sizeof one_));
    one_.max_tokens = 1;
    one_.sampler = sampler_ ? sampler_->handle() : nullptr;
    one_.stop_tokens = options_.stop_tokens.data();
    one_.n_stop_tokens = options_.stop_tokens.size();
    for (const Token token : options_.stop_tokens) {
      if (token < 0 || token >= info.n_vocab) {
        throw Error(RECURRA_E_TOKEN, "stop token " + std::to_string(token) + " is outside the vocabulary, 0 to " +
                                         std::to_string(info.n_vocab - 1));
      }
    }
    if (!has_text_ && !options_.stop_texts.empty()) model.tokenize("");  // throws the library's own words
  }

  // Picks and reads one token; false when there is none, because of max_tokens or a stop.
  bool step() {
    text_.clear();
    token_ = -1;
    if (done_) return false;
    if (n_ == options_.max_tokens) return finish(false);
    Token token = -1;
    std::size_t picked = 0;
    detail::check(recurra_generate(&token, 1, &picked, state_.handle(), &one_));
    if (picked == 0) return finish(false);
    token_ = token;
    ++n_;
    if (has_text_) take(model_.detokenize(&token, 1));
    if (n_ == options_.max_tokens && !done_) finish(true);
    return true;
  }

  Token token() const { return token_; }       // of the last step, -1 after the end
  const Bytes& text() const { return text_; }  // what became certain with it, as in TokenCallback; often nothing

 private:
  bool finish(bool stepped) {
    text_ += held_;
    held_.clear();
    done_ = true;
    return stepped;
  }

  // Holds back what may still become a stop text, and characters of which bytes are missing.
  void take(const Bytes& piece) {
    for (const char c : piece) {
      held_ += c;
      std::size_t complete = 0;
      for (const std::string& stop : options_.stop_texts) {
        if (ends_with(held_, stop, stop.size())) complete = std::max(complete, stop.size());
      }
      if (complete > 0) {
        text_.append(held_, 0, held_.size() - complete);
        held_.clear();
        done_ = true;
        return;
      }
    }
    std::size_t pending = 0;
    for (const std::string& stop : options_.stop_texts) {
      for (std::size_t n = std::min(stop.size() - 1, held_.size()); n > pending; --n) {
        if (ends_with(held_, stop, n)) pending = n;
      }
    }
    const std::size_t certain = whole(held_.size() - pending);
    text_.append(held_, 0, certain);
    held_.erase(0, certain);
  }

  static bool ends_with(const Bytes& text, const Bytes& stop, std::size_t n) {
    return text.size() >= n && text.compare(text.size() - n, n, stop, 0, n) == 0;
  }

  // How many of the first n bytes of held_ are not the beginning of a character that lacks its end.
  std::size_t whole(std::size_t n) const {
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, n); ++back) {
      const auto c = static_cast<unsigned char>(held_[n - back]);
      if ((c & 0xC0) == 0x80) continue;
      const std::size_t length = c >= 0xF0 && c < 0xF5 ? 4 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xC2 && c < 0xE0 ? 2 : 1;
      return length > back ? n - back : n;
    }
    return n;
  }

  State& state_;
  const Model model_;
  const GenerateOptions options_;
  std::optional<Sampler> sampler_;  // none: greedy
  recurra_generate_options one_;    // the next token alone; stop texts are this class's part
  Bytes text_, held_;
  std::uint64_t n_ = 0;
  Token token_ = -1;
  bool has_text_ = false, done_ = false;
};

}  // namespace recurra::glue

#endif
