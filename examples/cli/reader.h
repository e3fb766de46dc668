// Reads a conversation into a state as fast as can be: facts, then small talk in any number of parts.
#pragma once

#include <cstdint>
#include <recurra/recurra.hpp>
#include <vector>

#include "small_talk.h"
#include "terminal.h"

namespace cli {

// What `recurra recall` asks of a conversation, alone or in a comparison.
constexpr std::size_t kFacts = 8, kChanges = 2;
constexpr std::uint64_t kAnswerTokens = 64;

class Reader {
 public:
  // `total`: the tokens of small talk that the bar, with this label, is to show the end of.
  Reader(const recurra::Model& model, recurra::State& state, SmallTalk& talk, std::uint64_t total,
         const std::string& label = "reading");

  void tell(const std::vector<Fact>& facts);  // and then what changed
  // n tokens of small talk: whole exchanges, but of the first one only its end, so that the last reply is finished.
  void read(std::uint64_t n);

  std::uint64_t tokens() const { return fed_; }  // all together
  double seconds() const { return seconds_; }             // in read()
  std::uint64_t rss_start() const { return rss_start_; }  // after the first feed
  std::uint64_t rss_end() const { return rss_end_; }      // after the last one

 private:
  void feed(bool all);

  const recurra::Model& model_;
  recurra::State& state_;
  SmallTalk& talk_;
  const std::uint64_t total_;
  ProgressBar bar_;
  std::vector<recurra::Token> waiting_;
  std::uint64_t fed_ = 0, told_ = 0, rss_start_ = 0, rss_end_ = 0;
  double seconds_ = 0;
};

}  // namespace cli
