#include "tokenizer/stream.h"

#include <gtest/gtest.h>

#include <random>

namespace recurra {
namespace {

struct Result {
  std::string text;
  std::vector<std::string> given;  // what each push gave
  bool stopped = false;
};

Result stream(const std::vector<std::string>& pieces, const std::vector<std::string>& stops) {
  TextStream s(stops);
  Result r;
  for (const std::string& piece : pieces) {
    std::string out;
    r.stopped = s.push(piece, out);
    r.given.push_back(out);
    r.text += out;
    if (r.stopped) break;
  }
  std::string rest;
  s.finish(rest);
  r.given.push_back(rest);
  r.text += rest;
  return r;
}

// The definition: of all stop texts the one that ends first, and of those that end together the one that begins first.
std::string cut_at_stop(const std::string& text, const std::vector<std::string>& stops, bool& stopped) {
  size_t begin = std::string::npos, end = std::string::npos;
  for (const std::string& stop : stops) {
    const size_t at = stop.empty() ? std::string::npos : text.find(stop);
    if (at == std::string::npos) continue;
    if (at + stop.size() < end || (at + stop.size() == end && at < begin)) begin = at, end = at + stop.size();
  }
  stopped = end != std::string::npos;
  return text.substr(0, begin);
}

std::vector<std::string> bytes_of(const std::string& text) {
  std::vector<std::string> out;
  for (const char c : text) out.emplace_back(1, c);
  return out;
}

TEST(TextStream, GivesTextAtOnceWhereNothingIsInDoubt) {
  const Result r = stream({"Hel", "lo", "", " you"}, {});
  EXPECT_EQ(r.given, (std::vector<std::string>{"Hel", "lo", "", " you", ""}));
  EXPECT_FALSE(r.stopped);
}

TEST(TextStream, AppendsToWhatTheCallerHas) {
  TextStream s;
  std::string out = "a";
  s.push("b", out);
  s.finish(out);
  EXPECT_EQ(out, "ab");
}

TEST(TextStream, HoldsACharacterUntilItIsWhole) {
  const Result r = stream(bytes_of("\xf0\x9f\x98\x80z"), {});
  EXPECT_EQ(r.given, (std::vector<std::string>{"", "", "", "\xf0\x9f\x98\x80", "z", ""}));
}

TEST(TextStream, PassesBytesThatCanNeverBecomeACharacter) {
  EXPECT_EQ(stream({"\xff"}, {}).given.front(), "\xff");
  EXPECT_EQ(stream({"\x80"}, {}).given.front(), "\x80");
  EXPECT_EQ(stream({"\xed\xa0"}, {}).given.front(), "\xed\xa0");  // a surrogate
  EXPECT_EQ(stream({"\xe4\xbd", "x"}, {}).given, (std::vector<std::string>{"", "\xe4\xbdx", ""}));
  EXPECT_EQ(stream({"\xe4\xbd"}, {}).given, (std::vector<std::string>{"", "\xe4\xbd"}));  // the end: all there will be
}

TEST(TextStream, StopsBeforeTheStopText) {
  const Result r = stream({"Yes", ".\n", "\nUser:", " more"}, {"\n\nUser:"});
  EXPECT_TRUE(r.stopped);
  EXPECT_EQ(r.text, "Yes.");
  EXPECT_EQ(r.given, (std::vector<std::string>{"Yes", ".", "", ""}));
}

TEST(TextStream, GivesBackWhatTurnsOutToBeNoStopText) {
  const Result r = stream({"a\n", "\nUs", "!"}, {"\n\nUser:"});
  EXPECT_EQ(r.given, (std::vector<std::string>{"a", "", "\n\nUs!", ""}));
  EXPECT_EQ(stream({"a\n\nUse"}, {"\n\nUser:"}).given, (std::vector<std::string>{"a", "\n\nUse"}));
}

TEST(TextStream, OverlappingFrontsOfAStopText) {
  EXPECT_EQ(stream(bytes_of("aabaabaaac"), {"aabaaac"}).text, "aab");
  EXPECT_EQ(stream(bytes_of("ababac"), {"abac"}).text, "ab");
}

TEST(TextStream, OfSeveralTheOneThatEndsFirst) {
  EXPECT_EQ(stream({"xabcdy"}, {"abcd", "bc"}).text, "xa");
  EXPECT_EQ(stream({"xabcdy"}, {"bc", "abc"}).text, "x");  // together: the longest
  EXPECT_EQ(stream({"xabcdy"}, {"", "cd"}).text, "xab");   // an empty one is none
}

TEST(TextStream, StaysStopped) {
  TextStream s({"."});
  std::string out;
  EXPECT_TRUE(s.push("a.b", out));
  EXPECT_TRUE(s.push("c", out));
  s.finish(out);
  EXPECT_EQ(out, "a");
}

TEST(TextStream, LongStopTextsTakeLinearTime) {
  const std::string stop = std::string(200000, 'a') + "b";
  const Result r = stream(std::vector<std::string>(50, std::string(10000, 'a')), {stop});
  EXPECT_EQ(r.text.size(), 500000u);
}

// Drawn texts over few bytes, so that stop texts, their fronts and broken characters are frequent; drawn cuts.
TEST(TextStream, DrawnTextsAndCutsGiveTheDefinition) {
  std::mt19937 random(1);
  const auto draw = [&random](size_t n) { return static_cast<size_t>(random() % n); };
  const std::string alphabet = "ab\n\xe4\xbd\xa0\xf0\x9f\x98\x80\xff";
  const auto text = [&](size_t n) {
    std::string s;
    while (s.size() < n) s += alphabet[draw(alphabet.size())];
    return s;
  };
  for (int round = 0; round < 20000; ++round) {
    const std::string input = text(draw(60));
    std::vector<std::string> stops;
    for (size_t n = draw(4); n > 0; --n) stops.push_back(text(draw(5)));
    std::vector<std::string> pieces;
    for (size_t at = 0; at < input.size();) {
      const size_t n = draw(6);
      pieces.push_back(input.substr(at, n));
      at += pieces.back().size();
    }
    bool stopped = false;
    const std::string expected = cut_at_stop(input, stops, stopped);
    const Result r = stream(pieces, stops);
    ASSERT_EQ(r.text, expected) << "round " << round;
    ASSERT_EQ(r.stopped, stopped) << "round " << round;
  }
}

// Whole characters in, any cuts: every push gives whole characters.
TEST(TextStream, EveryPushGivesWholeCharacters) {
  std::mt19937 random(2);
  const std::vector<std::string> characters = {"a", "\n", "\xc3\xa9", "\xe4\xbd\xa0", "\xf0\x9f\x98\x80"};
  for (int round = 0; round < 5000; ++round) {
    std::string input;
    for (int i = 0; i < 20; ++i) input += characters[random() % characters.size()];
    std::vector<std::string> pieces;
    for (size_t at = 0; at < input.size();) {
      pieces.push_back(input.substr(at, 1 + random() % 4));
      at += pieces.back().size();
    }
    const Result r = stream(pieces, {"\n\n", "\xe4\xbd\xa0\xe4\xbd\xa0"});
    for (const std::string& given : r.given) {
      // The input is valid, so all are whole characters iff none begins with 10xxxxxx.
      const unsigned first = given.empty() ? 0u : static_cast<unsigned char>(given[0]);
      ASSERT_NE(first & 0xc0u, 0x80u) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace recurra
