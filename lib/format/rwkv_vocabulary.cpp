#include "format/rwkv_vocabulary.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "core/error.h"

namespace recurra {
namespace {

constexpr int64_t kMostTokens = int64_t{1} << 20;

bool parse_number(std::string_view text, int64_t most, int64_t& out) {
  const auto end = std::from_chars(text.data(), text.data() + text.size(), out);
  return end.ec == std::errc() && end.ptr == text.data() + text.size() && out >= 0 && out <= most;
}

bool parse_hex(std::string_view digits, uint32_t& out) {
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), out, 16);
  return end.ec == std::errc() && end.ptr == digits.data() + digits.size();
}

bool append_utf8(uint32_t code, std::string& out) {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
  const auto tail = [code](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xc0 | (code >> 6)), tail(0)};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xe0 | (code >> 12)), tail(6), tail(0)};
  } else {
    out += {static_cast<char>(0xf0 | (code >> 18)), tail(12), tail(6), tail(0)};
  }
  return true;
}

// The bytes of a Python literal as repr() writes it: 'text' or "text", with a b before it for bytes. An \xNN is a byte
// in bytes and a character in text. False where it is none.
bool parse_literal(std::string_view s, std::string& out) {
  const bool bytes = !s.empty() && s[0] == 'b';
  if (bytes) s.remove_prefix(1);
  if (s.size() < 2 || (s[0] != '\'' && s[0] != '"') || s.back() != s[0]) return false;
  const char quote = s[0];
  s = s.substr(1, s.size() - 2);
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == quote) return false;
    if (s[i] != '\\') {
      out += s[i];
      continue;
    }
    if (++i == s.size()) return false;
    const char c = s[i];
    const size_t digits = c == 'x' ? 2 : c == 'u' && !bytes ? 4 : c == 'U' && !bytes ? 8 : 0;
    if (digits == 0) {
      const std::string_view names = "ntr\\'\"", meant = "\n\t\r\\'\"";
      const size_t found = names.find(c);
      if (found == std::string_view::npos) return false;
      out += meant[found];
      continue;
    }
    uint32_t code = 0;
    if (s.size() - i <= digits || !parse_hex(s.substr(i + 1, digits), code)) return false;
    i += digits;
    if (bytes) {
      out += static_cast<char>(code);
    } else if (!append_utf8(code, out)) {
      return false;
    }
  }
  return true;
}

// '[' too, so that no text reads as one of the names for tokens without one.
std::string escaped(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '\\' && c != '[') {
      out += c;
    } else {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", byte);
      out += hex;
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> parse_rwkv_vocabulary(const std::string& text, const std::string& name) {
  std::vector<std::string> tokens{"<s>"};
  size_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line(text.data() + at, end - at);
    at = end + 1;
    ++number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const size_t first = line.find(' '), last = line.rfind(' ');
    int64_t id = 0, size = 0;
    std::string bytes;
    if (last == std::string_view::npos || last <= first || !parse_number(line.substr(0, first), kMostTokens, id) ||
        !parse_number(line.substr(last + 1), kMostTokens, size) ||
        !parse_literal(line.substr(first + 1, last - first - 1), bytes)) {
      fail(Code::format, "%s: line %zu is \"%s\", expected a token's id, its text as a Python literal, and its length",
           name.c_str(), number, printable(line.data(), line.size()).c_str());
    }
    if (bytes.size() != static_cast<size_t>(size) || bytes.empty()) {
      fail(Code::format, "%s: line %zu says %lld bytes, expected %zu", name.c_str(), number,
           static_cast<long long>(size), bytes.size());
    }
    for (size_t i = tokens.size(); i <= static_cast<size_t>(id); ++i)
      tokens.push_back("[PAD" + std::to_string(i) + "]");
    std::string& token = tokens[static_cast<size_t>(id)];
    if (id == 0 || token != "[PAD" + std::to_string(id) + "]") {
      fail(Code::format, "%s: line %zu is for token %lld, which is taken", name.c_str(), number,
           static_cast<long long>(id));
    }
    token = escaped(bytes);
  }
  return tokens;
}

}  // namespace recurra
