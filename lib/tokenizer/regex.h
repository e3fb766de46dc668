// The regular expressions that cut text into words, run by PCRE2 over UTF-8.
//
// tokenizer.json has them in Oniguruma's dialect, where Unicode is everywhere, ^ and $ are about lines, and some
// escapes mean something else than in PCRE2. They are translated piece by piece; what is not known to mean the same is
// refused. Which characters are letters is as PCRE2's version of Unicode has it: 10.42 has 14.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace recurra {

class Regex {
 public:
  // `where` is for error lines: the file and the field. Throws Code::unsupported for a pattern, or a part of one, that
  // has no certain translation, or that PCRE2 does not take.
  Regex(const std::string& pattern, const std::string& where);
  Regex(Regex&&) noexcept;
  ~Regex();

  // What a search needs to write to: one for each thread, for any number of patterns.
  class Scratch {
   public:
    Scratch();
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

   private:
    friend class Regex;
    struct State;
    std::unique_ptr<State> state_;
  };

  // The first match at or after `from`, which may be empty. The text is valid UTF-8. Throws Code::unsupported where the
  // pattern takes more than about 10 million steps for one match.
  bool find(std::string_view text, size_t from, Scratch& scratch, size_t& begin, size_t& end) const;

  // The same pattern for PCRE2. For tests.
  static std::string translate(const std::string& pattern, const std::string& where);

 private:
  struct Program;
  std::unique_ptr<Program> program_;
  std::string where_;
};

}  // namespace recurra
