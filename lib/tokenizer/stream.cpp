#include "tokenizer/stream.h"

#include <algorithm>

#include "core/utf8.h"

namespace recurra {

TextStream::TextStream(const std::vector<std::string>& stops) {
  for (const std::string& text : stops) {
    if (text.empty()) continue;
    Stop stop{
        text, {0}, 0};  // fall[n]: the longest proper front of text[0 .. n-1] that is also its end; fall[0] is unused
    for (size_t n = 1; n < text.size(); ++n) {
      stop.fall.push_back(stop.matched);
      advance(stop, text[n]);
    }
    stop.matched = 0;
    stops_.push_back(std::move(stop));
  }
}

void TextStream::advance(Stop& stop, char c) {
  while (stop.matched != 0 && stop.text[stop.matched] != c) stop.matched = stop.fall[stop.matched];
  if (stop.text[stop.matched] == c) ++stop.matched;
}

bool TextStream::push(std::string_view piece, std::string& out) {
  if (stopped_) return true;
  for (const char c : piece) {
    held_ += c;
    size_t complete = 0;
    for (Stop& stop : stops_) {
      advance(stop, c);
      if (stop.matched == stop.text.size()) complete = std::max(complete, stop.matched);
    }
    if (complete != 0) {
      // All of the stop text is still held: what may become one is never given back.
      out.append(held_, 0, held_.size() - complete);
      held_.clear();
      stopped_ = true;
      return true;
    }
  }
  size_t pending = 0;
  for (const Stop& stop : stops_) pending = std::max(pending, stop.matched);
  const size_t certain = utf8_complete(held_.data(), held_.size() - pending);
  out.append(held_, 0, certain);
  held_.erase(0, certain);
  return false;
}

void TextStream::finish(std::string& out) {
  out += held_;
  held_.clear();
  for (Stop& stop : stops_) stop.matched = 0;
}

}  // namespace recurra
