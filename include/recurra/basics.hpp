// What recurra.hpp stands on: the exception, the callback types, and the glue that keeps C++ exceptions out of C calls.
// Include recurra.hpp, not this.
#ifndef RECURRA_BASICS_HPP
#define RECURRA_BASICS_HPP

#include <recurra/recurra.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>

namespace recurra {

using Token = recurra_token;  // 0 .. ModelInfo::n_vocab - 1

// ---- errors ---------------------------------------------------------------------------------------------------------

// What every call here throws. what() is one line without a newline.
class Error : public std::runtime_error {
 public:
  Error(recurra_status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  recurra_status status() const noexcept { return status_; }                         // RECURRA_E_...
  const char* status_name() const noexcept { return recurra_status_name(status_); }  // "RECURRA_E_..."

 private:
  recurra_status status_;
};

// ---- callbacks ------------------------------------------------------------------------------------------------------

// done and total in tokens (feed, score) or bytes (open). Returns true to go on; false ends the call with
// RECURRA_E_CANCELLED.
using Progress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

// One call per token picked, with the characters that became certain with it: whole UTF-8 characters, no part of what
// may still become a stop text; often none. Text that was held back comes last, with token -1. Returns true to go on;
// false ends the generation after this token, which is no error.
using OnToken = std::function<bool(Token token, std::string_view text)>;

// Returns how many bytes it took, or gave; fewer than `size` only on failure, or at the end of the input.
using Write = std::function<std::size_t(const void* data, std::size_t size)>;
using Read = std::function<std::size_t(void* data, std::size_t size)>;

// level: RECURRA_LOG_DEBUG .. RECURRA_LOG_ERROR. An exception that leaves it is dropped.
using Log = std::function<void(std::int32_t level, const std::string& message)>;

// ---- detail: what the functions share
// --------------------------------------------------------------------------------

namespace detail {

struct Free {
  void operator()(recurra_model* handle) const noexcept { recurra_model_release(handle); }
  void operator()(recurra_state* handle) const noexcept { recurra_state_free(handle); }
  void operator()(recurra_sampler* handle) const noexcept { recurra_sampler_free(handle); }
  void operator()(recurra_cancel* handle) const noexcept { recurra_cancel_free(handle); }
};

inline void check(recurra_status status) {
  if (status != RECURRA_OK) throw Error(status, recurra_last_error());
}

// The `user` of the C callbacks of one call. They catch whatever the C++ callback throws, stop the call, and the caller
// throws it again once the C function has returned.
struct Calls {
  const Progress* progress = nullptr;
  const OnToken* on_token = nullptr;
  const Write* write = nullptr;
  const Read* read = nullptr;
  std::string* text = nullptr;  // collects what the generation writes
  std::exception_ptr thrown;

  void check(recurra_status status) const {
    if (thrown) std::rethrow_exception(thrown);
    detail::check(status);
  }

  static std::int32_t call_progress(void* user, std::uint64_t done, std::uint64_t total) noexcept {
    Calls& calls = *static_cast<Calls*>(user);
    try {
      return (*calls.progress)(done, total) ? 0 : 1;
    } catch (...) {
      calls.thrown = std::current_exception();
      return 1;
    }
  }

  static std::int32_t call_token(void* user, Token token, const char* text, std::size_t length) noexcept {
    Calls& calls = *static_cast<Calls*>(user);
    if (calls.thrown) return 1;
    try {
      if (calls.text != nullptr && length > 0) calls.text->append(text, length);
      if (calls.on_token == nullptr) return 0;
      return (*calls.on_token)(token, length > 0 ? std::string_view(text, length) : std::string_view()) ? 0 : 1;
    } catch (...) {
      calls.thrown = std::current_exception();
      return 1;
    }
  }

  static std::size_t call_write(void* user, const void* data, std::size_t size) noexcept {
    Calls& calls = *static_cast<Calls*>(user);
    try {
      return (*calls.write)(data, size);
    } catch (...) {
      calls.thrown = std::current_exception();
      return 0;
    }
  }

  static std::size_t call_read(void* user, void* data, std::size_t size) noexcept {
    Calls& calls = *static_cast<Calls*>(user);
    try {
      return (*calls.read)(data, size);
    } catch (...) {
      calls.thrown = std::current_exception();
      return 0;
    }
  }
};

// The process's log callback. Threads that are inside the library may be calling it while it is being replaced, so each
// call holds its own reference.
struct LogSlot {
  std::mutex mutex;
  std::shared_ptr<const Log> log;

  static LogSlot& get() {
    static LogSlot slot;
    return slot;
  }
  static void call(void*, std::int32_t level, const char* message) noexcept {
    try {
      std::shared_ptr<const Log> log;
      {
        const std::lock_guard<std::mutex> lock(get().mutex);
        log = get().log;
      }
      if (log) (*log)(level, message);
    } catch (...) {  // a log line is not worth a failed call
    }
  }
};

// Fills a container from call(out, capacity, &n_out), which says by RECURRA_E_TOO_SMALL how much there is. `guess`
// elements at first, which one call suffices for where the guess is an upper bound.
template <typename Container, typename Call>
Container fill(std::size_t guess, const Call& call) {
  Container out;
  out.resize(guess > 0 ? guess : 1);
  std::size_t n = 0;
  recurra_status status = call(&out[0], out.size(), &n);
  while (status == RECURRA_E_TOO_SMALL && n > out.size()) {
    out.resize(n);
    status = call(&out[0], out.size(), &n);
  }
  check(status);
  out.resize(n);
  return out;
}

inline std::string text(const char* borrowed) { return borrowed != nullptr ? std::string(borrowed) : std::string(); }

}  // namespace detail

}  // namespace recurra

#endif
