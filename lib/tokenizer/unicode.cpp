#include "tokenizer/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <new>
#include <vector>

namespace recurra {
namespace {

struct Character {
  utf8proc_int32_t code = 0;
  size_t length = 0;
};

const utf8proc_uint8_t* bytes(std::string_view text) { return reinterpret_cast<const utf8proc_uint8_t*>(text.data()); }

Character first(std::string_view text) {
  Character c;
  c.length = static_cast<size_t>(utf8proc_iterate(bytes(text), static_cast<utf8proc_ssize_t>(text.size()), &c.code));
  return c;
}

Character last(std::string_view text) {
  size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
  return first(text.substr(at));
}

bool is_blank(utf8proc_int32_t c) {
  return (c >= 0x9 && c <= 0xd) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

// \w of Rust's regular expressions: Alphabetic, marks, decimal digits, connectors, joiners.
bool is_word(utf8proc_int32_t c) {
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:  // symbols that are Alphabetic, and the two joiners
      return (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
             (c >= 0x1f170 && c <= 0x1f189) || c == 0x200c || c == 0x200d;
  }
}

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// Nothing below U+0300, whose first byte is 0xcc, ever changes or joins what stands before it.
bool may_change(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0xcc; });
}

int combining_class(utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; }

// utf8proc_map() would do, but it sorts a run of n marks in n * n steps.
void append_nfc(std::string_view text, std::string& out) {
  std::vector<utf8proc_int32_t> codes;
  codes.reserve(text.size());
  while (!text.empty()) {
    const Character c = first(text);
    text.remove_prefix(c.length);
    utf8proc_int32_t parts[32];  // the longest canonical decomposition has 4
    const utf8proc_ssize_t n = utf8proc_decompose_char(c.code, parts, 32, UTF8PROC_COMPOSE, nullptr);
    if (n > 0 && n <= 32) {
      codes.insert(codes.end(), parts, parts + n);
    } else {
      codes.push_back(c.code);
    }
  }
  for (auto begin = codes.begin(); begin != codes.end();) {
    if (combining_class(*begin) == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, codes.end(), [](utf8proc_int32_t c) { return combining_class(c) == 0; });
    std::stable_sort(begin, end,
                     [](utf8proc_int32_t a, utf8proc_int32_t b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
  const utf8proc_ssize_t n =
      utf8proc_normalize_utf32(codes.data(), static_cast<utf8proc_ssize_t>(codes.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  codes.resize(static_cast<size_t>(std::max<utf8proc_ssize_t>(n, 0)));
  for (const utf8proc_int32_t c : codes) {
    utf8proc_uint8_t encoded[4];
    const utf8proc_ssize_t length = utf8proc_encode_char(c, encoded);
    out.append(reinterpret_cast<const char*>(encoded), static_cast<size_t>(length));
  }
}

}  // namespace

bool normalize_nfc(std::string_view text, std::string& out) {
  if (!may_change(text)) return false;
  std::string normal;
  normal.reserve(text.size());
  // ASCII never joins what stands before it, so the text can be cut before each.
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin + 1;
    while (end < text.size() && !is_ascii(text[end])) ++end;
    const std::string_view part = text.substr(begin, end - begin);
    if (may_change(part)) {
      append_nfc(part, normal);
    } else {
      normal += part;
    }
    begin = end;
  }
  if (normal == text) return false;
  out = std::move(normal);
  return true;
}

size_t blanks_at_start(std::string_view text) {
  size_t n = 0;
  while (n < text.size()) {
    const Character c = first(text.substr(n));
    if (!is_blank(c.code)) break;
    n += c.length;
  }
  return n;
}

size_t blanks_at_end(std::string_view text) {
  size_t n = 0;
  while (n < text.size()) {
    const Character c = last(text.substr(0, text.size() - n));
    if (!is_blank(c.code)) break;
    n += c.length;
  }
  return n;
}

bool starts_with_word(std::string_view text) { return !text.empty() && is_word(first(text).code); }
bool ends_with_word(std::string_view text) { return !text.empty() && is_word(last(text).code); }

}  // namespace recurra
