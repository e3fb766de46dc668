// Typed errors inside the library. They are thrown anywhere below the C ABI and turned into a status
// code and one line of text by the guard in api/ (see api/guard.h). Nothing else is ever thrown on purpose.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

namespace recurra {

// The status codes of recurra.h, one to one.
enum class Code : int32_t {
  ok = 0,
  invalid = -1,      // an argument is wrong: NULL, out of range, of another model
  memory = -2,       // out of memory, host or device
  io = -3,           // the operating system refused a read or a write
  not_found = -4,    // no such file, key, tensor or note
  format = -5,       // a model file is damaged or not what it claims to be
  unsupported = -6,  // valid, but this version has no code for it
  corrupt = -7,      // a state file is damaged: cut, flipped bits, not finite
  mismatch = -8,     // a state belongs to another model or tokenizer
  version = -9,      // a file of a newer format version
  token = -10,       // a token outside the vocabulary
  busy = -11,        // the state is in use by another thread
  cancelled = -12,   // a cancel or a progress callback stopped the call
  backend = -13,     // the backend or CPU level asked for is not available here
  callback = -14,    // a read, write or token callback reported a failure
  too_small = -15,   // the caller's buffer is too small; the size needed was written
  internal = -16,    // a defect of the library
};

class Error : public std::exception {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  Code code() const noexcept { return code_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  Code code_;
  std::string message_;
};

// Throws Error with a printf-formatted line. The line says what was wrong, with the value found and
// the value expected; it has no newline.
[[noreturn]] void fail(Code code, const char* format, ...) __attribute__((format(printf, 2, 3)));

// Makes text from a file or a caller safe to print in an error line: control bytes and invalid UTF-8 become \xNN,
// at most `limit` bytes are shown, then "...".
std::string printable(const char* data, size_t size, size_t limit = 80);
inline std::string printable(const std::string& s, size_t limit = 80) { return printable(s.data(), s.size(), limit); }
std::string printable(const char*, int) = delete;  // a limit is no size

}  // namespace recurra
