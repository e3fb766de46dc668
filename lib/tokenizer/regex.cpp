#include "tokenizer/regex.h"

#include <cstdint>
#include <new>
#include <set>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/error.h"
#include "core/utf8.h"

namespace recurra {
namespace {

// ---- Oniguruma's dialect to PCRE2's --------------------------------------------------------------------------------

// Inside a class. PCRE2's own \s has U+180E as well, which Unicode took out of White_Space; its \w has no marks.
constexpr char kSpace[] =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr char kNoSpace[] =
    R"(\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027})"
    R"(\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff})";
// Alphabetic, marks, decimal digits, connectors, and below U+0100 (only there) all numbers. Alphabetic is L, Nl, marks,
// and of the symbols these.
constexpr char kWord[] =
    R"(\x{b2}\x{b3}\x{b9}\x{bc}-\x{be}\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc})"
    R"(\x{24b6}-\x{24e9}\x{1f130}-\x{1f149}\x{1f150}-\x{1f169}\x{1f170}-\x{1f189})";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string literal(uint32_t code) {
  if (code < 0x80 && (is_letter(static_cast<char>(code)) || is_digit(static_cast<char>(code)))) {
    return std::string(1, static_cast<char>(code));
  }
  char out[16];
  std::snprintf(out, sizeof out, "\\x{%x}", code);
  return out;
}

class Translator {
 public:
  Translator(const std::string& pattern, const std::string& where) : in_(pattern), where_(where) {}

  std::string run() {
    while (at_ < in_.size()) {
      const char c = in_[at_];
      if (c == '[') {
        character_class();
      } else if (c == '(') {
        group();
      } else if (c == '\\') {
        const Atom a = escape(false);
        out_ += a.many.empty() ? literal(a.code) : a.many;
      } else if (c == '*' || c == '+' || c == '?') {
        ++at_;
        out_ += c;
        if (peek('?') || peek('+')) out_ += in_[at_++];  // lazy, or possessive
      } else if (c == '{') {
        braces();
      } else if (c == '|' || c == ')' || c == '.' || c == '^' || c == '$') {
        out_ += c;
        ++at_;
      } else {
        out_ += literal(character());
      }
    }
    return out_;
  }

 private:
  // One character, or in `many` what stands for several: in a class as it goes between the brackets.
  struct Atom {
    uint32_t code = 0;
    std::string many;
  };

  [[noreturn]] void refuse(const char* what) const {
    fail(Code::unsupported, "%s: the pattern \"%s\" has %s at byte %zu, which has no translation", where_.c_str(),
         printable(in_).c_str(), what, at_);
  }

  bool peek(char c) const { return at_ < in_.size() && in_[at_] == c; }
  bool peek(const char* s) const { return in_.compare(at_, std::char_traits<char>::length(s), s) == 0; }

  uint32_t character() {
    const size_t n = utf8_sequence(in_.data() + at_, in_.size() - at_);
    if (n == 0) refuse("invalid UTF-8");
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(in_[at_ + i]); };
    uint32_t code = n == 1 ? byte(0) : byte(0) & (0x7fu >> n);
    for (size_t i = 1; i < n; ++i) code = code << 6 | (byte(i) & 0x3fu);
    at_ += n;
    return code;
  }

  void group() {
    for (const char* opening : {"(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"}) {
      if (!peek(opening)) continue;
      out_ += opening;
      at_ += std::char_traits<char>::length(opening);
      return;
    }
    if (peek("(?") || peek("(*")) refuse("a group of an unknown kind");
    out_ += "(?:";  // captures are not used
    ++at_;
  }

  // {n}, {n,}, {,m} or {n,m}; anything else is those characters themselves.
  void braces() {
    size_t i = at_ + 1;
    const auto digits = [&] {
      std::string s;
      while (i < in_.size() && is_digit(in_[i])) s += in_[i++];
      return s;
    };
    const std::string least = digits();
    const bool comma = i < in_.size() && in_[i] == ',';
    if (comma) ++i;
    const std::string most = comma ? digits() : "";
    if (i >= in_.size() || in_[i] != '}' || (least.empty() && most.empty())) {
      out_ += literal('{');
      ++at_;
      return;
    }
    at_ = i + 1;
    out_ += '{' + (least.empty() ? "0" : least) + (comma ? "," + most : "") + '}';
    if (peek('+') || (!comma && peek('?'))) refuse("a quantifier after a counted repeat");  // means another thing there
    if (peek('?')) out_ += in_[at_++];
  }

  uint32_t hexadecimal(size_t least, size_t most) {
    uint32_t code = 0;
    size_t n = 0;
    for (; n < most && at_ < in_.size(); ++n, ++at_) {
      const char c = in_[at_];
      const bool small = c >= 'a' && c <= 'f', large = c >= 'A' && c <= 'F';
      if (!is_digit(c) && !small && !large) break;
      code = code << 4 | static_cast<uint32_t>(is_digit(c) ? c - '0' : small ? c - 'a' + 10 : c - 'A' + 10);
    }
    if (n < least) refuse("a broken escape");
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) refuse("a code that is no character");
    return code;
  }

  // \p{Lu}, \P{Lu}, \p{^Lu}; names of more than two letters are scripts, which PCRE2 takes as script extensions
  // unless told.
  std::string property(bool negated) {
    static const std::set<std::string> categories = {"L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc", "Me",
                                                     "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Ps", "Pe", "Pi",
                                                     "Pf", "Po", "S",  "Sm", "Sc", "Sk", "So", "Z",  "Zs", "Zl",
                                                     "Zp", "C",  "Cc", "Cf", "Co", "Cs", "Cn"};
    const size_t end = in_.find('}', at_);
    if (!peek('{') || end == std::string::npos) refuse("a property without braces");
    std::string name = in_.substr(at_ + 1, end - at_ - 1);
    if (!name.empty() && name[0] == '^') {
      negated = !negated;
      name.erase(0, 1);
    }
    for (const char c : name) {
      if (!is_letter(c) && c != '_') refuse("a property of an unknown form");
    }
    if (name.empty()) refuse("a property of an unknown form");
    at_ = end + 1;
    return std::string(negated ? "\\P{" : "\\p{") + (categories.count(name) != 0 ? "" : "sc:") + name + "}";
  }

  Atom escape(bool in_class) {
    ++at_;
    if (at_ >= in_.size()) refuse("a \\ at its end");
    const char c = in_[at_];
    if (!is_letter(c) && !is_digit(c)) return {character(), ""};
    ++at_;
    const auto set = [in_class](const char* inside) {
      return Atom{0, in_class ? inside : '[' + std::string(inside) + ']'};
    };
    switch (c) {
      case 'n':
        return {'\n', ""};
      case 'r':
        return {'\r', ""};
      case 't':
        return {'\t', ""};
      case 'f':
        return {'\f', ""};
      case 'v':
        return {'\v', ""};
      case 'a':
        return {'\a', ""};
      case 'e':
        return {0x1b, ""};
      case 'u':
        return {hexadecimal(4, 4), ""};
      case 'x': {
        if (!peek('{')) {
          const uint32_t code = hexadecimal(1, 2);
          if (code >= 0x80) refuse("a byte of UTF-8");
          return {code, ""};
        }
        ++at_;
        const uint32_t code = hexadecimal(1, 6);
        if (!peek('}')) refuse("a broken escape");
        ++at_;
        return {code, ""};
      }
      case 's':
        return set(kSpace);
      case 'S':
        return set(kNoSpace);
      case 'w':
        return set(kWord);
      case 'd':
        return {0, "\\p{Nd}"};
      case 'D':
        return {0, "\\P{Nd}"};
      case 'p':
      case 'P':
        return {0, property(c == 'P')};
      default:
        break;
    }
    const std::string word = '[' + std::string(kWord) + ']';
    if (!in_class && c == 'W') return {0, "[^" + std::string(kWord) + "]"};
    if (!in_class && c == 'b') return {0, "(?:(?<=" + word + ")(?!" + word + ")|(?<!" + word + ")(?=" + word + "))"};
    if (!in_class && c == 'B') return {0, "(?:(?<=" + word + ")(?=" + word + ")|(?<!" + word + ")(?!" + word + "))"};
    if (!in_class && (c == 'A' || c == 'z' || c == 'Z')) return {0, std::string("\\") + c};
    at_ -= 2;
    refuse("an unknown escape");
  }

  Atom class_atom() {
    if (peek('[') || peek("&&")) refuse("a class inside a class");
    return peek('\\') ? escape(true) : Atom{character(), ""};
  }

  void character_class() {
    ++at_;
    out_ += '[';
    if (peek('^')) {
      out_ += '^';
      ++at_;
    }
    if (peek(']')) refuse("an empty class");
    while (!peek(']')) {
      if (at_ >= in_.size()) refuse("a class without its end");
      const Atom first = class_atom();
      if (!first.many.empty()) {
        out_ += first.many;
        if (peek('-') && !peek("-]")) refuse("a range that begins with several characters");
        continue;
      }
      out_ += literal(first.code);
      if (!peek('-') || peek("-]")) continue;
      ++at_;
      if (at_ >= in_.size()) refuse("a class without its end");
      const Atom last = class_atom();
      if (!last.many.empty()) refuse("a range that ends with several characters");
      out_ += '-' + literal(last.code);
    }
    out_ += ']';
    ++at_;
  }

  const std::string& in_;
  const std::string& where_;
  std::string out_;
  size_t at_ = 0;
};

constexpr uint32_t kMatchLimit = 10'000'000;

std::string message(int error) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(error, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* p) const { Free(p); }
};
template <class T, void (*Free)(T*)>
using Owned = std::unique_ptr<T, Freed<T, Free>>;

}  // namespace

// ---- PCRE2 ---------------------------------------------------------------------------------------------------------

struct Regex::Program {
  Owned<pcre2_code, pcre2_code_free> pcre;
  bool jit = false;
};

struct Regex::Scratch::State {
  Owned<pcre2_match_data, pcre2_match_data_free> match{pcre2_match_data_create(1, nullptr)};
  Owned<pcre2_match_context, pcre2_match_context_free> context{pcre2_match_context_create(nullptr)};
};

Regex::Scratch::Scratch() : state_(std::make_unique<State>()) {
  if (state_->match == nullptr || state_->context == nullptr) throw std::bad_alloc();
}
Regex::Scratch::~Scratch() = default;

Regex::Regex(Regex&&) noexcept = default;
Regex::~Regex() = default;

std::string Regex::translate(const std::string& pattern, const std::string& where) {
  return Translator(pattern, where).run();
}

Regex::Regex(const std::string& pattern, const std::string& where)
    : program_(std::make_unique<Program>()), where_(where) {
  const std::string translated = translate(pattern, where);
  const Owned<pcre2_compile_context, pcre2_compile_context_free> context(pcre2_compile_context_create(nullptr));
  if (context == nullptr) throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);  // whatever PCRE2 was built with
  int error = 0;
  size_t offset = 0;
  // Only Oniguruma's ^ and $ are always about lines.
  program_->pcre.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                     PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &offset, context.get()));
  if (program_->pcre == nullptr) {
    if (error == PCRE2_ERROR_HEAP_FAILED) throw std::bad_alloc();
    fail(Code::unsupported, "%s: PCRE2 does not take the pattern \"%s\": %s", where.c_str(), printable(pattern).c_str(),
         message(error).c_str());
  }
  program_->jit = pcre2_jit_compile(program_->pcre.get(), PCRE2_JIT_COMPLETE) == 0;  // else it is interpreted
}

bool Regex::find(std::string_view text, size_t from, Scratch& scratch, size_t& begin, size_t& end) const {
  Scratch::State& s = *scratch.state_;
  const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  // A run of n blanks is given up blank by blank where more must follow: n steps.
  const size_t limit = kMatchLimit + 4 * text.size();
  pcre2_set_match_limit(s.context.get(), static_cast<uint32_t>(limit < UINT32_MAX ? limit : UINT32_MAX));
  int rc = PCRE2_ERROR_JIT_STACKLIMIT;
  if (program_->jit)
    rc = pcre2_jit_match(program_->pcre.get(), subject, text.size(), from, 0, s.match.get(), s.context.get());
  if (rc == PCRE2_ERROR_JIT_STACKLIMIT) {  // the interpreter's stack is on the heap
    rc = pcre2_match(program_->pcre.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, s.match.get(),
                     s.context.get());
  }
  if (rc == PCRE2_ERROR_NOMATCH) return false;
  if (rc == PCRE2_ERROR_NOMEMORY) throw std::bad_alloc();
  if (rc < 0)
    fail(Code::unsupported, "%s: a pattern is too much work for this text: %s", where_.c_str(), message(rc).c_str());
  const size_t* const found = pcre2_get_ovector_pointer(s.match.get());
  begin = found[0];
  end = found[1];
  return true;
}

}  // namespace recurra
