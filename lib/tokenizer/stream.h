// Tokens' bytes to text that can be shown: whole UTF-8 characters, and nothing of a stop text. What is given back, end
// to end, is byte for byte what was pushed, up to the stop text that is complete first (of several that end with the
// same byte, the longest). Bytes that can never become UTF-8 pass as they are. One thread at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace recurra {

class TextStream {
 public:
  // Stop texts are any bytes; empty ones are ignored.
  explicit TextStream(const std::vector<std::string>& stops = {});

  // Takes a piece of any length and appends to `out` what is certain now. True once a stop text is complete: `out` then
  // has all before it, the rest of the piece is dropped, and later pieces are too.
  bool push(std::string_view piece, std::string& out);

  // The end: appends what was held back.
  void finish(std::string& out);

 private:
  // Knuth, Morris and Pratt's automaton: `matched` is how long a front of the text the bytes so far end with,
  // fall[n] the next shorter one to try where byte n does not fit.
  struct Stop {
    std::string text;
    std::vector<size_t> fall;
    size_t matched = 0;
  };

  static void advance(Stop& stop, char c);

  std::vector<Stop> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace recurra
