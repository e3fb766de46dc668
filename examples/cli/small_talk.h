// What `recurra recall` tells and reads: facts, the questions about them, and as much small talk as is wanted, drawn
// from a seed. It is the language that the default model was trained on: twelve kinds of facts, short English sentences
// from small word lists, replies that say nothing. The same seed gives the same text everywhere.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace cli {

struct Fact {
  std::string told;      // "My name is Dave."
  std::string question;  // "What is my name?"
  std::string want;      // "Your name is Dave."
};

class SmallTalk {
 public:
  explicit SmallTalk(std::uint64_t seed) : random_(seed) {}

  std::vector<Fact> facts(std::size_t n);  // of n different kinds, 12 at most
  std::string exchange();                  // one message and its reply, in the form of talk.h

 private:
  std::size_t draw(std::size_t n) { return static_cast<std::size_t>(random_() % n); }  // the same on every platform
  bool chance(unsigned percent) { return draw(100) < percent; }
  template <std::size_t N>
  std::string pick(const char* const (&words)[N]) {
    return words[draw(N)];
  }
  std::string invented_name();
  std::string sentence();

  std::mt19937_64 random_;
};

}  // namespace cli
