#include "tokenizer/bpe_vocabulary.h"

#include "core/error.h"
#include "core/utf8.h"

namespace recurra {
namespace {

// bytes_to_unicode of GPT-2: printable bytes of Latin-1 are their own character, the others U+0100 and on, in order.
struct Alphabet {
  std::array<uint32_t, 256> code{};
  std::array<int32_t, 0x144> byte{};  // by code, -1: none
};

constexpr Alphabet make_alphabet() {
  Alphabet a;
  for (int32_t& b : a.byte) b = -1;
  uint32_t next = 0x100;
  for (uint32_t b = 0; b < 256; ++b) {
    const bool printable = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
    a.code[b] = printable ? b : next++;
    a.byte[a.code[b]] = static_cast<int32_t>(b);
  }
  return a;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

std::string bpe_byte_text(unsigned char byte) {
  const uint32_t code = kAlphabet.code[byte];
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
}

bool bpe_text_to_bytes(std::string_view text, std::string& bytes) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t n = utf8_sequence(text.data() + i, text.size() - i);
    if (n != 1 && n != 2) return false;
    uint32_t code = static_cast<unsigned char>(text[i]);
    if (n == 2) code = (code & 0x1f) << 6 | (static_cast<unsigned char>(text[i + 1]) & 0x3f);
    if (code >= kAlphabet.byte.size() || kAlphabet.byte[code] < 0) return false;
    out += static_cast<char>(kAlphabet.byte[code]);
    i += n;
  }
  bytes = std::move(out);
  return true;
}

void bpe_find_bytes(BpeParts& parts, const BpeTexts& texts) {
  for (size_t b = 0; b < 256; ++b) {
    const auto found = texts.find(bpe_byte_text(static_cast<unsigned char>(b)));
    const bool has = found != texts.end() && !parts.pieces[static_cast<size_t>(found->second)].empty();
    parts.byte_tokens[b] = has ? found->second : -1;
  }
}

void bpe_add_merge(BpeParts& parts, const BpeTexts& texts, std::string_view left, std::string_view right,
                   const std::string& where) {
  const auto token = [&](std::string_view text) {
    const auto found = texts.find(text);
    if (found != texts.end()) return found->second;
    fail(Code::format, "%s: %s joins \"%s\" and \"%s\", but the vocabulary has no token \"%s\"", parts.name.c_str(),
         where.c_str(), printable(left.data(), left.size()).c_str(), printable(right.data(), right.size()).c_str(),
         printable(text.data(), text.size()).c_str());
  };
  const BpeMerge merge{token(left), token(right), token(std::string(left) + std::string(right))};
  for (const int32_t t : {merge.left, merge.right, merge.result}) {
    if (parts.pieces[static_cast<size_t>(t)].empty()) return;  // a control token is never made from text
  }
  parts.merges.push_back(merge);
}

void bpe_add_merge(BpeParts& parts, const BpeTexts& texts, std::string_view line, const std::string& where) {
  const size_t space = line.find(' ', 1);
  if (space == std::string_view::npos || space + 1 == line.size() ||
      line.find(' ', space + 1) != std::string_view::npos) {
    fail(Code::format, "%s: %s is \"%s\", expected two tokens with a blank between", parts.name.c_str(), where.c_str(),
         printable(line.data(), line.size()).c_str());
  }
  bpe_add_merge(parts, texts, line.substr(0, space), line.substr(space + 1), where);
}

}  // namespace recurra
