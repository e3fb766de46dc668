// RWKV World: at each place the longest token that fits (BlinkDL's rwkv_tokenizer.py), found in a prefix tree.
#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/hash.h"
#include "tokenizer/prefix_tree.h"
#include "tokenizer/tokenizer.h"

namespace recurra {
namespace {

// ---- token texts -------------------------------------------------------------------------------------------------

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(uint32_t code, std::string& out) {
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
}

// Undoes what Python's repr() does to bytes and strings: \n \t \r \\ \' \" \xNN, and \uXXXX \UXXXXXXXX for characters.
// False where the text holds no such escape.
bool unescape(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return false;
    size_t digits = 0;
    switch (text[i]) {
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case '\\':
      case '\'':
      case '"':
        out += text[i];
        break;
      case 'x':
        digits = 2;
        break;
      case 'u':
        digits = 4;
        break;
      case 'U':
        digits = 8;
        break;
      default:
        return false;
    }
    if (digits == 0) continue;
    if (text.size() - i <= digits) return false;
    uint32_t code = 0;
    for (size_t d = 0; d < digits; ++d) {
      const int digit = hex_digit(text[++i]);
      if (digit < 0) return false;
      code = code << 4 | static_cast<uint32_t>(digit);
    }
    if (digits == 2) {
      out += static_cast<char>(code);
    } else if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
      return false;
    } else {
      append_utf8(code, out);
    }
  }
  return true;
}

// tokenizer.ggml.token_type: 0 undefined, 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte. Texts of 2,
// 3 and 5 are names for people. Converters name token 0 of RWKV World, the end of a text, "<s>", and rows without a
// token "[PAD65530]".
bool stands_for_text(size_t token, std::string_view text, int64_t type) {
  if (type == 2 || type == 3 || type == 5) return false;
  return !(token == 0 && text == "<s>") && text != "[PAD" + std::to_string(token) + "]";
}

// ---- the tokenizer -----------------------------------------------------------------------------------------------

// The bytes of all tokens end to end: token i is [start[i], start[i+1]).
struct Pieces {
  std::string bytes;
  std::vector<uint32_t> start{0};

  std::string_view operator[](size_t token) const {
    return std::string_view(bytes).substr(start[token], start[token + 1] - start[token]);
  }
};

Pieces read_pieces(const ModelFile& file, int32_t n_vocab) {
  const char *const tokens_key = "tokenizer.ggml.tokens", *const types_key = "tokenizer.ggml.token_type";
  const std::vector<std::string_view> texts = file.strings(tokens_key);
  const size_t rows = static_cast<size_t>(std::max(n_vocab, 0));
  if (texts.size() > rows) {
    fail(Code::format, "%s: key \"%s\" has %zu tokens, expected at most %zu, the rows of the embedding",
         file.name().c_str(), tokens_key, texts.size(), rows);
  }
  std::vector<int64_t> types(texts.size(), 1);
  if (file.has(types_key)) types = file.integers(types_key);
  if (types.size() != texts.size()) {
    fail(Code::format, "%s: key \"%s\" has %zu elements, expected %zu, one for each token", file.name().c_str(),
         types_key, types.size(), texts.size());
  }
  Pieces pieces;
  for (size_t i = 0; i < rows; ++i) {
    if (i < texts.size()) {
      if (types[i] < 0 || types[i] > 6) {
        fail(Code::format, "%s: key \"%s\" gives token %zu the type %lld, expected 0 to 6", file.name().c_str(),
             types_key, i, static_cast<long long>(types[i]));
      }
      if (stands_for_text(i, texts[i], types[i]) && !unescape(texts[i], pieces.bytes)) {
        fail(Code::format,
             "%s: key \"%s\" gives token %zu the text \"%s\", expected only the escapes of Python's repr()",
             file.name().c_str(), tokens_key, i, printable(texts[i].data(), texts[i].size()).c_str());
      }
      if (pieces.bytes.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
        fail(Code::unsupported, "%s: key \"%s\" has more than 2 GiB of text", file.name().c_str(), tokens_key);
      }
    }
    pieces.start.push_back(static_cast<uint32_t>(pieces.bytes.size()));
  }
  return pieces;
}

std::vector<PrefixTree::Entry> entries_of(const Pieces& pieces) {
  std::vector<PrefixTree::Entry> entries;
  for (size_t i = 0; i + 1 < pieces.start.size(); ++i) {
    if (!pieces[i].empty()) entries.push_back({pieces[i], static_cast<int32_t>(i)});
  }
  return entries;
}

class RwkvTokenizer final : public Tokenizer {
 public:
  explicit RwkvTokenizer(Pieces pieces) : pieces_(std::move(pieces)), tree_(entries_of(pieces_)) {
    Hasher h;
    h.add(std::string(kind()));
    for (const PrefixTree::Entry& e :
         entries_of(pieces_)) {  // tokens without bytes don't matter: neither do rows after the last token
      h.add(&e.token, sizeof e.token);
      h.add(std::string(e.bytes));
    }
    hash_ = h.hex();
  }

  const char* kind() const override { return "rwkv"; }

  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int32_t> out;
    out.reserve(text.size() / 3 + 1);
    const unsigned char* const bytes = reinterpret_cast<const unsigned char*>(text.data());
    for (size_t at = 0; at < text.size();) {
      const PrefixTree::Match match = tree_.longest(bytes + at, text.size() - at);
      if (match.length == 0)
        fail(Code::invalid, "byte 0x%02x at offset %zu has no token in the vocabulary", bytes[at], at);
      out.push_back(match.token);
      at += match.length;
    }
    return out;
  }

  std::string_view piece(int32_t token) const override { return pieces_[static_cast<size_t>(token)]; }
  int32_t vocabulary() const override { return static_cast<int32_t>(pieces_.start.size() - 1); }
  const std::string& hash() const override { return hash_; }

 private:
  Pieces pieces_;
  PrefixTree tree_;
  std::string hash_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_rwkv_tokenizer(const ModelFile& file, int32_t n_vocab) {
  return std::make_unique<RwkvTokenizer>(read_pieces(file, n_vocab));
}

}  // namespace recurra
