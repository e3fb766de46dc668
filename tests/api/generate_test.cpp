// recurra_generate and its kin: what ends them, what they return, and that text is shown only when it is certain.
#include <algorithm>

#include "support/api.h"

namespace recurra::test {
namespace {

// What on_token saw.
struct Seen {
  Tokens tokens;                    // -1 too
  std::vector<std::string> pieces;  // one each
  size_t stop_after = static_cast<size_t>(-1);
  std::string text() const {
    std::string all;
    for (const std::string& p : pieces) all += p;
    return all;
  }
};

int32_t see(void* user, recurra_token token, const char* text, size_t length) {
  auto& seen = *static_cast<Seen*>(user);
  seen.tokens.push_back(token);
  seen.pieces.emplace_back(text, length);
  return seen.tokens.size() >= seen.stop_after ? 1 : 0;
}

class Generate : public ::testing::Test {
 protected:
  void SetUp() override { feed(state.get(), some_tokens(100)); }

  // From a clone of the state, which is kept.
  Tokens generate(const recurra_generate_options& o, size_t capacity = 4096) {
    moved = clone(state.get());
    Tokens out(capacity + 1, -99);
    size_t n = 0;
    EXPECT_OK(recurra_generate(out.data(), capacity, &n, moved.get(), &o));
    EXPECT_EQ(out.back(), -99) << "written past the capacity";
    EXPECT_EQ(info_of(moved.get()).n_tokens, 100 + n);
    out.resize(n);
    return out;
  }
  std::string generate_text(const recurra_generate_options& o) {
    moved = clone(state.get());
    std::string out(65536, '\0');
    size_t n = 0;
    EXPECT_OK(recurra_generate_text(&out[0], out.size(), &n, moved.get(), &o));
    out.resize(n);
    return out;
  }
  // With these tokens read after the start, one by one, as generation does.
  std::string bytes_after(const Tokens& tokens) {
    const StatePtr other = clone(state.get());
    for (const recurra_token t : tokens) feed(other.get(), {t});
    return bytes_of(other.get());
  }
  SamplerPtr sampler(uint64_t seed, float temperature = 2.0f) {
    recurra_sampler_options o = defaults(recurra_sampler_options_init);
    o.seed = seed;
    o.temperature = temperature;
    recurra_sampler* made = nullptr;
    EXPECT_OK(recurra_sampler_create(&made, &o));
    return SamplerPtr(made);
  }

  ModelPtr model = open_model();
  StatePtr state = make_state(model.get()), moved;
  recurra_generate_options options = defaults(recurra_generate_options_init);
};

TEST_F(Generate, GreedyIsTheBestEachTime) {
  options.max_tokens = 40;
  const Tokens out = generate(options);
  const StatePtr by_hand = clone(state.get());
  Tokens expected;
  while (expected.size() < 40) {
    const std::vector<float> logits = logits_of(by_hand.get());
    const auto best = static_cast<recurra_token>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    if (best == 0) break;  // the end of the text
    expected.push_back(best);
    feed(by_hand.get(), {best});
  }
  EXPECT_FALSE(out.empty());
  EXPECT_EQ(out, expected);
  EXPECT_EQ(bytes_of(moved.get()), bytes_of(by_hand.get()));
}

TEST_F(Generate, TheSameSeedGivesTheSameText) {
  options.max_tokens = 60;
  std::vector<std::string> texts;
  for (const uint64_t seed : {1, 1, 2}) {
    const SamplerPtr drawn = sampler(seed);
    options.sampler = drawn.get();
    texts.push_back(generate_text(options));
  }
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_NE(texts[0], texts[2]);
}

// The sampler that generates is the sampler of recurra_sampler_pick.
TEST_F(Generate, DrawsAsPickDoes) {
  options.max_tokens = 60;
  const SamplerPtr a = sampler(5), b = sampler(5);
  options.sampler = a.get();
  const Tokens out = generate(options);
  const StatePtr by_hand = clone(state.get());
  Tokens expected;
  while (expected.size() < 60) {
    const std::vector<float> logits = logits_of(by_hand.get());
    recurra_token token = -1;
    ASSERT_OK(recurra_sampler_pick(&token, b.get(), logits.data(), logits.size()));
    if (token == 0) break;
    expected.push_back(token);
    feed(by_hand.get(), {token});
  }
  EXPECT_EQ(out, expected);
}

TEST_F(Generate, EndsAtMaxTokensAndTheBuffer) {
  const SamplerPtr drawn = sampler(11);
  Tokens whole;
  {
    options.sampler = drawn.get();
    options.max_tokens = 20;
    whole = generate(options);
    ASSERT_EQ(whole.size(), 20u) << "the seed's text ends by itself: choose another seed";
    EXPECT_EQ(bytes_of(moved.get()), bytes_after(whole));
  }
  for (const size_t capacity : {size_t{1}, size_t{19}}) {
    const SamplerPtr again = sampler(11);
    options.sampler = again.get();
    const Tokens out = generate(options, capacity);
    EXPECT_EQ(out, Tokens(whole.begin(), whole.begin() + static_cast<long>(capacity)));
    EXPECT_EQ(bytes_of(moved.get()), bytes_after(out));
  }
  options.max_tokens = 0;
  EXPECT_TRUE(generate(options).empty());
  EXPECT_EQ(bytes_of(moved.get()), bytes_of(state.get()));
  // Without a buffer the callback alone sees them.
  const SamplerPtr again = sampler(11);
  Seen seen;
  options.sampler = again.get();
  options.max_tokens = 20;
  options.on_token = see;
  options.user = &seen;
  moved = clone(state.get());
  size_t n = 0;
  EXPECT_OK(recurra_generate(nullptr, 0, &n, moved.get(), &options));
  EXPECT_EQ(n, 20u);
  if (seen.tokens.back() == -1) seen.tokens.pop_back();
  EXPECT_EQ(seen.tokens, whole);
}

TEST_F(Generate, EndsAtAStopToken) {
  const SamplerPtr a = sampler(11), b = sampler(11);
  options.sampler = a.get();
  options.max_tokens = 20;
  const Tokens whole = generate(options);
  ASSERT_EQ(whole.size(), 20u);
  const Tokens stops = {whole[12], 3};
  options.sampler = b.get();
  options.stop_tokens = stops.data();
  options.n_stop_tokens = stops.size();
  const Tokens out = generate(options);
  const auto first = std::find_if(whole.begin(), whole.end(), [&](recurra_token t) { return t == stops[0] || t == 3; });
  EXPECT_EQ(out, Tokens(whole.begin(), first));
  EXPECT_EQ(bytes_of(moved.get()), bytes_after(out)) << "the stop token is not read";
}

TEST_F(Generate, EndsWhereTheCallbackSaysSo) {
  const SamplerPtr drawn = sampler(11);
  Seen seen;
  seen.stop_after = 7;
  options.sampler = drawn.get();
  options.on_token = see;
  options.user = &seen;
  const Tokens out = generate(options);
  EXPECT_EQ(out.size(), 7u);
  EXPECT_EQ(bytes_of(moved.get()), bytes_after(out));
  if (seen.tokens.back() == -1) seen.tokens.pop_back();
  EXPECT_EQ(seen.tokens, out);
  EXPECT_EQ(seen.text(), detokenize(model.get(), out));
}

// Whether some valid character of `text` has a piece's end within it.
void expect_no_split_characters(const std::vector<std::string>& pieces, const std::string& text) {
  std::vector<bool> boundary(text.size() + 1, false);
  size_t at = 0;
  for (const std::string& p : pieces) boundary[at += p.size()] = true;
  ASSERT_EQ(at, text.size());
  for (size_t i = 0; i < text.size();) {
    // RFC 3629's table, written again here.
    const auto byte = [&](size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u; };
    const unsigned c = byte(0), d = byte(1);
    const auto next = [&](size_t k) { return byte(k) >= 0x80 && byte(k) <= 0xbf; };
    size_t n = 1;
    if (c >= 0xc2 && c <= 0xdf && next(1)) n = 2;
    if (c >= 0xe0 && c <= 0xef && next(1) && next(2) && (c != 0xe0 || d >= 0xa0) && (c != 0xed || d <= 0x9f)) n = 3;
    if (c >= 0xf0 && c <= 0xf4 && next(1) && next(2) && next(3) && (c != 0xf0 || d >= 0x90) && (c != 0xf4 || d <= 0x8f))
      n = 4;
    for (size_t k = 1; k < n; ++k)
      ASSERT_FALSE(boundary[i + k]) << "a character of " << n << " bytes is split at " << i;
    i += n;
  }
}

// Random weights at temperature 2 draw random bytes: beginnings of characters, ends of none, and now and then a whole
// one.
TEST_F(Generate, NeverHalfACharacter) {
  size_t held_back = 0, characters = 0;
  for (uint64_t seed = 0; seed < (kSanitized ? 50u : 200u); ++seed) {
    const SamplerPtr drawn = sampler(seed);
    Seen seen;
    options.sampler = drawn.get();
    options.max_tokens = 200;
    options.on_token = see;
    options.user = &seen;
    const Tokens out = generate(options);
    const std::string text = detokenize(model.get(), out);
    EXPECT_EQ(seen.text(), text);
    expect_no_split_characters(seen.pieces, text);
    for (size_t i = 0; i < seen.pieces.size(); ++i) {
      if (seen.tokens[i] >= 0 && seen.pieces[i].empty()) ++held_back;
      if (seen.tokens[i] >= 0 && seen.pieces[i].size() > 1 && (seen.pieces[i][0] & 0x80) != 0) ++characters;
    }
  }
  EXPECT_GT(held_back, 50u) << "nothing was tested";
  EXPECT_GT(characters, 5u) << "nothing was tested";
}

// A text that is fed a token at a time, through a sampler that is made to pick them: the pieces of known characters.
TEST_F(Generate, StopTextsAcrossTokens) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const SamplerPtr a = sampler(seed), b = sampler(seed), c = sampler(seed);
    options = defaults(recurra_generate_options_init);
    options.sampler = a.get();
    options.max_tokens = 60;
    const Tokens whole = generate(options);
    const std::string text = detokenize(model.get(), whole);
    if (text.size() < 30) continue;
    // Three bytes of its middle: more than one token's, unless "re" or the like is among them.
    const std::string stop = text.substr(20, 3);
    if (stop.find('\0') != std::string::npos) continue;
    const std::string near_miss = text.substr(5, 3) + "\x01never";
    if (near_miss.find('\0') != std::string::npos) continue;
    const char* const stops[] = {near_miss.c_str(), stop.c_str()};
    Seen seen;
    options.sampler = b.get();
    options.stop_texts = stops;
    options.n_stop_texts = 2;
    options.on_token = see;
    options.user = &seen;
    const Tokens out = generate(options);
    const std::string read = detokenize(model.get(), out);
    const size_t end = text.find(stop);
    EXPECT_EQ(seen.text(), text.substr(0, end));
    EXPECT_EQ(read.compare(0, end + 3, text, 0, end + 3), 0) << "the state reads the stop text";
    EXPECT_EQ(bytes_of(moved.get()), bytes_after(out));
    EXPECT_EQ(Tokens(whole.begin(), whole.begin() + static_cast<long>(out.size())), out);
    // At no time more was shown than is certain.
    std::string shown;
    size_t tokens = 0;
    for (size_t i = 0; i < seen.pieces.size() && seen.tokens[i] >= 0; ++i) {
      shown += seen.pieces[i];
      const std::string so_far =
          detokenize(model.get(), Tokens(out.begin(), out.begin() + static_cast<long>(++tokens)));
      for (const std::string& s : {near_miss, stop})
        for (size_t k = 1; k < s.size() && k <= so_far.size(); ++k)
          if (so_far.compare(so_far.size() - k, k, s, 0, k) == 0) {
            EXPECT_LE(shown.size(), so_far.size() - k);
          }
    }
    options.sampler = c.get();
    options.on_token = nullptr;
    EXPECT_EQ(generate_text(options), text.substr(0, end));
  }
}

// What was held back in case it became a stop text comes at the end, with token -1.
TEST_F(Generate, HeldBackTextComesAtTheEnd) {
  const SamplerPtr a = sampler(11), b = sampler(11);
  options.sampler = a.get();
  options.max_tokens = 20;
  const std::string text = detokenize(model.get(), generate(options));
  const std::string stop = text.substr(text.size() - 2) + "never";
  ASSERT_EQ(stop.find('\0'), std::string::npos);
  const char* const stops[] = {stop.c_str()};
  Seen seen;
  options.sampler = b.get();
  options.stop_texts = stops;
  options.n_stop_texts = 1;
  options.on_token = see;
  options.user = &seen;
  generate(options);
  EXPECT_EQ(seen.tokens.back(), -1);
  EXPECT_GE(seen.pieces.back().size(), 2u);
  EXPECT_EQ(seen.text(), text);
}

TEST_F(Generate, TextThatDoesNotFit) {
  const SamplerPtr a = sampler(11), b = sampler(11);
  options.sampler = a.get();
  options.max_tokens = 20;
  const std::string text = generate_text(options);
  const std::string after = bytes_of(moved.get());
  options.sampler = b.get();
  moved = clone(state.get());
  std::string out(10, '\0');
  size_t n = 0;
  EXPECT_ERROR(recurra_generate_text(&out[0], 9, &n, moved.get(), &options), RECURRA_E_TOO_SMALL, "9 bytes");
  EXPECT_EQ(n, text.size());
  EXPECT_EQ(out, text.substr(0, 9) + '\0');
  EXPECT_EQ(bytes_of(moved.get()), after) << "the state has moved all the same";
}

// A sampler whose options leave one token is greedy, whatever the temperature.
TEST_F(Generate, OptionsOfTheSampler) {
  options.max_tokens = 30;
  const Tokens greedy = generate(options);
  recurra_sampler_options o = defaults(recurra_sampler_options_init);
  o.temperature = 3;
  for (int which = 0; which < 3; ++which) {
    recurra_sampler_options p = o;
    if (which == 0) p.top_k = 1;
    if (which == 1) p.top_p = 1e-6f;
    if (which == 2) p.min_p = 1;
    recurra_sampler* made = nullptr;
    ASSERT_OK(recurra_sampler_create(&made, &p));
    const SamplerPtr owner(made);
    options.sampler = made;
    EXPECT_EQ(generate(options), greedy) << which;
  }
}

}  // namespace
}  // namespace recurra::test
