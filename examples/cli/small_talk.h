// What `recurra recall` tells and reads: facts, changes of some, the questions about them, and as much small talk as is
// wanted, drawn from a seed: plain English, in words that the default model's training has for facts, and small talk
// that it has not. The same seed gives the same text everywhere.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace cli {

struct Fact {
  std::string told;      // "I live in Oslo."
  std::string changed;   // "I moved to Lima.", told later; empty: nothing changed
  std::string question;  // "Where do I live?"
  std::string want;      // "You live in Lima."
};

class SmallTalk {
 public:
  explicit SmallTalk(std::uint64_t seed) : random_(seed) {}

  // Of n different kinds, 12 at most, of which `changes` are changed.
  std::vector<Fact> facts(std::size_t n, std::size_t changes);
  std::string exchange();  // one message and its reply, in the form of talk.h

 private:
  std::size_t draw(std::size_t n) { return static_cast<std::size_t>(random_() % n); }  // the same on every platform
  bool chance(unsigned percent) { return draw(100) < percent; }
  template <std::size_t N>
  std::string pick(const char* const (&words)[N]) {
    return words[draw(N)];
  }
  std::string invented_name();
  std::string value(char kind);
  std::string sentence();

  std::mt19937_64 random_;
};

}  // namespace cli
