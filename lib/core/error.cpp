#include "core/error.h"

#include <cstdarg>
#include <cstdio>

#include "core/utf8.h"

namespace recurra {

void fail(Code code, const char* format, ...) {
  char line[1024];
  va_list args;
  va_start(args, format);
  std::vsnprintf(line, sizeof line, format, args);
  va_end(args);
  throw Error(code, line);
}

std::string printable(const char* data, size_t size, size_t limit) {
  std::string out;
  size_t i = 0;
  while (i < size) {
    const size_t n = utf8_sequence(data + i, size - i);
    const unsigned char c = static_cast<unsigned char>(data[i]);
    if (out.size() + 4 > limit) return out + "...";
    if (n == 0 || c < 0x20 || c == 0x7f) {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", c);
      out += hex;
      ++i;
    } else {
      out.append(data + i, n);
      i += n;
    }
  }
  return out;
}

}  // namespace recurra
