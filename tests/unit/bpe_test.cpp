// Byte-level BPE against Hugging Face's `tokenizers`: tests/data/bpe/make.py made the tokenizers, texts and tokens.
#include "tokenizer/bpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <thread>

#include "core/error.h"
#include "format/gguf.h"
#include "support/gguf_builder.h"
#include "support/paths.h"
#include "tokenizer/bpe_vocabulary.h"

namespace recurra {
namespace {

using nlohmann::json;
using test::GgufBuilder;

// ---- the goldens ---------------------------------------------------------------------------------------------------

std::string read_data(const std::string& name) {
  std::ifstream in(test::test_data("bpe/" + name), std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

struct Text {
  std::string text;
  bool nfc;  // already in that form
};

struct Case {
  std::string name, pre;
  json tokenizer;
  std::vector<std::vector<int32_t>> tokens;
  std::vector<bool> has_tokens;
};

const std::vector<Text>& texts() {
  static const std::vector<Text> list = [] {
    std::vector<Text> out;
    for (const json& t : json::parse(read_data("texts.json"))) out.push_back({t["text"], t["nfc"]});
    return out;
  }();
  return list;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> list = [] {
    std::vector<Case> out;
    for (const json& c : json::parse(read_data("cases.json"))) {
      Case k{c["name"], c["pre"].is_string() ? c["pre"] : json(""), json::parse(read_data(c["base"])), {}, {}};
      for (const auto& [key, value] : c["patch"].items()) {
        if (key == "model") {
          k.tokenizer[key].merge_patch(value);
        } else {
          k.tokenizer[key] = value;
        }
      }
      for (const json& ids : c["ids"]) {
        std::vector<int32_t> tokens;
        for (const json& id : ids) {
          if (id.is_array()) {
            tokens.insert(tokens.end(), id[1].get<size_t>(), id[0].get<int32_t>());
          } else {
            tokens.push_back(id);
          }
        }
        k.tokens.push_back(std::move(tokens));
        k.has_tokens.push_back(!ids.is_null());
      }
      out.push_back(std::move(k));
    }
    return out;
  }();
  return list;
}

const json& base(const std::string& name) {
  for (const Case& c : cases()) {
    if (c.name == name) return c.tokenizer;
  }
  throw std::out_of_range(name);
}

constexpr int32_t kVocabulary = 3000;

std::unique_ptr<Tokenizer> from_json(const json& j) {
  return make_bpe_tokenizer_from_json(j.dump(), "tokenizer.json", kVocabulary);
}

// The same as llama.cpp's converter writes it.
GgufBuilder gguf_of(const json& tokenizer, const std::string& pre) {
  std::map<int32_t, std::string> by_id;
  std::map<int32_t, int32_t> types;
  for (const auto& [text, id] : tokenizer["model"]["vocab"].items()) by_id[id] = text;
  for (const json& a : tokenizer["added_tokens"]) {
    by_id[a["id"]] = a["content"];
    types[a["id"]] = a["special"] ? 3 : 4;
  }
  std::vector<std::string> tokens, merges;
  std::vector<int32_t> token_types;
  for (const auto& [id, text] : by_id) {
    EXPECT_EQ(id, static_cast<int32_t>(tokens.size()));
    tokens.push_back(text);
    token_types.push_back(types.count(id) != 0 ? types[id] : 1);
  }
  for (const json& m : tokenizer["model"]["merges"]) {
    merges.push_back(m.is_string() ? m.get<std::string>() : m[0].get<std::string>() + " " + m[1].get<std::string>());
  }
  return GgufBuilder()
      .key_string("tokenizer.ggml.model", "gpt2")
      .key_string("tokenizer.ggml.pre", pre)
      .key_strings("tokenizer.ggml.tokens", tokens)
      .key_i32s("tokenizer.ggml.token_type", token_types)
      .key_strings("tokenizer.ggml.merges", merges);
}

std::unique_ptr<Tokenizer> from_gguf(const GgufBuilder& builder, int32_t n_vocab = kVocabulary) {
  const std::string bytes = builder.build();
  return make_tokenizer(*open_gguf(bytes.data(), bytes.size(), "t.gguf"), n_vocab);
}

std::string decode(const Tokenizer& t, const std::vector<int32_t>& tokens) {
  std::string out;
  for (const int32_t token : tokens) out += t.piece(token);
  return out;
}

std::string error_of(const std::function<void()>& call, Code expected) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), expected) << e.what();
    return e.what();
  }
  return "no error";
}

std::string shown(const std::string& text) { return printable(text, 200); }

TEST(Bpe, TokensAreThoseOfTheTokenizersPackage) {
  ASSERT_GE(cases().size(), 40u);
  for (const Case& c : cases()) {
    const auto t = from_json(c.tokenizer);
    size_t tried = 0;
    for (size_t i = 0; i < texts().size(); ++i) {
      if (!c.has_tokens[i]) continue;
      ++tried;
      EXPECT_EQ(t->encode(texts()[i].text), c.tokens[i]) << c.name << ": " << shown(texts()[i].text);
    }
    EXPECT_GE(tried, texts().size() / 2) << c.name;
  }
}

TEST(Bpe, GgufGivesTheSameTokens) {
  size_t tried = 0;
  for (const Case& c : cases()) {
    if (c.pre.empty()) continue;
    ++tried;
    const auto t = from_gguf(gguf_of(c.tokenizer, c.pre));
    for (size_t i = 0; i < texts().size(); ++i) {
      const std::string& text = texts()[i].text;
      const std::vector<int32_t> tokens = t->encode(text);
      EXPECT_EQ(decode(*t, tokens), text) << c.name;  // nothing is normalized
      if (c.has_tokens[i] && (texts()[i].nfc || c.tokenizer["normalizer"].is_null())) {
        EXPECT_EQ(tokens, c.tokens[i]) << c.name << ": " << shown(text);
      }
    }
  }
  EXPECT_GE(tried, 13u);
  // Nothing in the one file that is not in the other: states can go from one to the other.
  EXPECT_EQ(from_json(base("gpt2"))->hash(), from_gguf(gguf_of(base("gpt2"), "gpt-2"))->hash());
  EXPECT_EQ(from_json(base("llama3"))->hash(), from_gguf(gguf_of(base("llama3"), "llama-bpe"))->hash());
}

TEST(Bpe, TextsComeBack) {
  for (const char* name : {"gpt2", "llama3", "neox", "qwen2"}) {
    const json& j = base(name);
    const auto t = from_json(j);
    EXPECT_STREQ(t->kind(), "bpe");
    EXPECT_EQ(t->vocabulary(), kVocabulary);
    for (const Text& text : texts()) {
      if (!text.nfc && !j["normalizer"].is_null()) continue;
      EXPECT_EQ(decode(*t, t->encode(text.text)), text.text);
    }
  }
}

TEST(Bpe, PiecesAreBytes) {
  const auto t = from_json(base("neox"));
  std::vector<bool> seen(256);
  for (int32_t i = 0; i < t->vocabulary(); ++i) {
    if (t->piece(i).size() == 1) seen[static_cast<unsigned char>(t->piece(i)[0])] = true;
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 256);
  const json& vocab = base("neox")["model"]["vocab"];
  EXPECT_EQ(t->piece(vocab["<|endoftext|>"]), "");  // control
  EXPECT_EQ(t->piece(vocab["<|padding|>"]), "");
  EXPECT_EQ(t->piece(vocab["\u0120the"]), " the");
  EXPECT_EQ(t->piece(kVocabulary - 1), "");
  for (const json& a : base("neox")["added_tokens"]) {
    EXPECT_EQ(t->piece(a["id"]), a["special"] ? "" : a["content"].get<std::string>());
  }
}

// ---- what the package has no words for -----------------------------------------------------------------------------

TEST(Bpe, ControlTokensAreNotFoundInText) {
  for (const char* name : {"gpt2", "llama3", "qwen2", "ignore_merges without a split"}) {
    const auto t = from_json(base(name));
    for (const json& a : base(name)["added_tokens"]) {
      if (!a["special"]) continue;
      const std::string text = a["content"];
      const std::vector<int32_t> tokens = t->encode(text);
      EXPECT_EQ(std::count(tokens.begin(), tokens.end(), a["id"].get<int32_t>()), 0);
      EXPECT_EQ(decode(*t, tokens), text);
    }
  }
  // Merges that would make one are not made.
  json j = base("gpt2");
  j["added_tokens"].push_back({{"id", j["model"]["vocab"]["\u0120the"]}, {"content", "\u0120the"}, {"special", true}});
  const auto t = from_json(j);
  EXPECT_EQ(decode(*t, t->encode("on the way")), "on the way");
  EXPECT_EQ(t->piece(j["model"]["vocab"]["\u0120the"]), "");
}

TEST(Bpe, InvalidUtf8ComesBackAndLeavesTheRestAlone) {
  const std::string bad[] = {"\xff",         "\xc0\x80",     "\xed\xa0\x80", "\xf5\x80\x80\x80",    "\xe4\xbd", "\x80",
                             "\xfe\xff\xfe", "\xf0\x9f\x98", "\xc3",         "\xe2\x82\xff\xe2\x82"};
  for (const char* name : {"gpt2", "neox", "qwen2", "llama3", "smollm", "no split"}) {
    const auto t = from_json(base(name));
    for (const std::string& b : bad) {
      const std::vector<int32_t> alone = t->encode(b);
      EXPECT_EQ(decode(*t, alone), b);
      for (const char* left : {"", "Hello, world's ", "  ", "\xe4\xbd\xa0\xe5\xa5\xbd"}) {
        for (const char* right : {"", "the end", " \n", "!"}) {
          std::vector<int32_t> expected = t->encode(left);
          expected.insert(expected.end(), alone.begin(), alone.end());
          const std::vector<int32_t> rest = t->encode(right);
          expected.insert(expected.end(), rest.begin(), rest.end());
          EXPECT_EQ(t->encode(left + b + right), expected) << name << ": " << left << shown(b) << right;
        }
      }
    }
    std::mt19937 random(1);
    for (int i = 0; i < 200; ++i) {
      std::string text(random() % 300, '\0');
      for (char& c : text) c = static_cast<char>(random() % 3 == 0 ? random() : 'a' + random() % 26);
      const std::string back = decode(*t, t->encode(text));
      if (base(name)["normalizer"].is_null()) {
        EXPECT_EQ(back, text) << name;
      }
    }
  }
  // No blank is put after the bytes.
  const auto t = from_json(base("prefix"));
  EXPECT_EQ(decode(*t, t->encode("a\xff"
                                 "b c")),
            " a\xff"
            "b c");
}

// The definition: of all neighbours the pair of the lowest rank, the leftmost of them, until there is none.
std::vector<int32_t> by_hand(const std::vector<BpeMerge>& merges, std::vector<int32_t> tokens) {
  for (;;) {
    size_t best = merges.size(), at = 0;
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      for (size_t m = 0; m < best; ++m) {
        if (merges[m].left == tokens[i] && merges[m].right == tokens[i + 1]) {
          best = m;
          at = i;
        }
      }
    }
    if (best == merges.size()) return tokens;
    tokens[at] = merges[best].result;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

TEST(Bpe, DrawnMergesGiveTheDefinition) {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    BpeParts parts;
    parts.name = "drawn";
    std::map<std::string, int32_t> ids;
    for (int b = 0; b < 256; ++b) {
      parts.byte_tokens[static_cast<size_t>(b)] = b;
      parts.pieces.push_back(std::string(1, static_cast<char>(b)));
      ids[parts.pieces.back()] = b;
    }
    const unsigned letters = 1 + random() % 4;
    std::vector<int32_t> known;
    for (unsigned i = 0; i < letters; ++i) known.push_back(static_cast<int32_t>('a' + i));
    for (size_t i = random() % 40; i > 0; --i) {
      const int32_t left = known[random() % known.size()], right = known[random() % known.size()];
      const std::string piece = parts.pieces[static_cast<size_t>(left)] + parts.pieces[static_cast<size_t>(right)];
      const bool twice = std::any_of(parts.merges.begin(), parts.merges.end(),
                                     [&](const BpeMerge& m) { return m.left == left && m.right == right; });
      if (twice || piece.size() > 12) continue;
      if (ids.emplace(piece, static_cast<int32_t>(parts.pieces.size())).second) parts.pieces.push_back(piece);
      known.push_back(ids[piece]);
      parts.merges.push_back({left, right, ids[piece]});
    }
    std::shuffle(parts.merges.begin(), parts.merges.end(), random);  // ranks need not follow lengths
    const auto t = make_bpe_tokenizer(parts);
    for (const size_t n : {0, 1, 2, 3, 8, 31, 32, 33, 34, 64, 65, 300}) {
      std::string text;
      while (text.size() < n) text += static_cast<char>('a' + random() % letters);
      const std::vector<int32_t> bytes(text.begin(), text.end());
      ASSERT_EQ(t->encode(text), by_hand(parts.merges, bytes)) << "round " << round << ", " << text;
    }
  }
}

// A quadratic step would take minutes.
TEST(Bpe, LongRunsAreLinear) {
  const auto start = std::chrono::steady_clock::now();
  const auto repeated = [](const std::string& s, size_t n) {
    std::string out;
    while (out.size() < n) out += s;
    return out;
  };
  for (const char* name : {"gpt2", "neox", "qwen2", "llama3", "tekken", "no split", "deepseek-coder"}) {
    const auto t = from_json(base(name));
    for (const std::string& s :
         {std::string("a"), std::string(" "), std::string("ab"), std::string("\n"), std::string(" \n"),
          std::string("="), std::string("1"), std::string("A"), std::string("\xe6\xbc\xa2"), std::string("'s"),
          std::string("\xcc\x81"), std::string("\xff"), std::string("\0", 1), std::string("<")}) {
      const std::string text = repeated(s, 100000) + "x";
      ASSERT_EQ(decode(*t, t->encode(text)), text) << name << ": " << shown(s);
    }
    // Marks in falling order, which sorting by neighbours takes n * n steps for.
    t->encode("x" + repeated("\xcc\x81\xcc\xa3", 100000));
    t->encode("x" + repeated("\xcc\x81", 100000) + repeated("\xcc\xa3", 100000));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::minutes(2));
}

TEST(Bpe, ACallKnowsNothingOfTheLast) {
  const auto t = from_json(base("gpt2"));
  std::string all;
  for (const Text& text : texts()) all += text.text + "\n\n";
  EXPECT_EQ(decode(*t, t->encode(all)), all);
  EXPECT_EQ(t->encode(all), t->encode(all));
}

TEST(Bpe, ThreadsShareOne) {
  const auto t = from_json(base("qwen2"));
  std::vector<std::vector<int32_t>> alone;
  for (const Text& text : texts()) alone.push_back(t->encode(text.text));
  std::vector<std::thread> threads;
  std::atomic<size_t> wrong{0};
  for (size_t first = 0; first < 4; ++first) {
    threads.emplace_back([&, first] {
      for (size_t i = 0; i < texts().size(); ++i) {
        const size_t k = (i + first * 40) % texts().size();
        if (t->encode(texts()[k].text) != alone[k]) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
}

TEST(Bpe, ALackingByteIsNamed) {
  json j = base("gpt2");
  j["model"]["vocab"].erase("\u00ff");
  j["model"]["vocab"].erase("z");
  j["model"]["merges"] = json::array();
  EXPECT_EQ(error_of([&] { from_json(j)->encode("abcz"); }, Code::invalid),
            "byte 0x7a at offset 3 has no token in the vocabulary");
  EXPECT_EQ(error_of([&] { from_json(j)->encode("ab \xff"); }, Code::invalid),
            "byte 0xff at offset 3 has no token in the vocabulary");
  j["normalizer"] = {{"type", "NFC"}};
  EXPECT_EQ(error_of([&] { from_json(j)->encode("e\xcc\x81z"); }, Code::invalid),
            "byte 0x7a at offset 2 of the normalized text has no token in the vocabulary");
}

TEST(Bpe, TheHashNamesTheTokenization) {
  json j = base("gpt2");
  const std::string hash = from_json(j)->hash();
  EXPECT_EQ(hash.size(), 32u);
  EXPECT_EQ(hash, make_bpe_tokenizer_from_json(j.dump(2), "other", 2000)->hash());  // more or fewer rows
  json other = j;
  other["model"]["merges"].erase(other["model"]["merges"].size() - 1);
  EXPECT_NE(hash, from_json(other)->hash());
  other = j;
  std::swap(other["model"]["merges"][0], other["model"]["merges"][1]);
  EXPECT_NE(hash, from_json(other)->hash());
  other = j;
  other["normalizer"] = {{"type", "NFC"}};
  EXPECT_NE(hash, from_json(other)->hash());
  other = j;
  other["model"]["ignore_merges"] = true;
  EXPECT_NE(hash, from_json(other)->hash());
  other = j;
  other["pre_tokenizer"]["add_prefix_space"] = true;
  EXPECT_NE(hash, from_json(other)->hash());
  other = j;
  other["pre_tokenizer"]["use_regex"] = false;
  EXPECT_NE(hash, from_json(other)->hash());
  other = j;
  other["added_tokens"].push_back({{"id", 2000}, {"content", "x y"}});
  EXPECT_NE(hash, from_json(other)->hash());
  other["added_tokens"].back()["special"] = true;
  EXPECT_EQ(hash, from_json(other)->hash());  // control tokens may have any name
}

// ---- GGUF ----------------------------------------------------------------------------------------------------------

TEST(BpeGguf, NamesOfPreSplits) {
  for (const char* name :
       {"gpt-2",   "gpt-neox",   "olmo",       "dolma",  "mpt",    "qwen2",  "qwen35",      "llama-bpe",
        "falcon3", "glm4",       "dbrx",       "tekken", "gpt-4o", "smollm", "deepseek-v3", "deepseek-coder",
        "falcon",  "bailingmoe", "seed-coder", "bloom",  "viking", "default"}) {
    const auto t = from_gguf(gguf_of(base("gpt2"), name));
    for (const Text& text : texts()) EXPECT_EQ(decode(*t, t->encode(text.text)), text.text) << name;
  }
  EXPECT_EQ(error_of([] { from_gguf(gguf_of(base("gpt2"), "gemma9")); }, Code::unsupported),
            "t.gguf: key \"tokenizer.ggml.pre\" is \"gemma9\", a way to split text that is not known here");
  const GgufBuilder named = gguf_of(base("gpt2"), "default");
  GgufBuilder unnamed = gguf_of(base("gpt2"), "x");  // cannot take a key out: the name of the key is spoiled
  unnamed.keys.data.replace(unnamed.keys.data.find("tokenizer.ggml.pre"), 18, "tokenizer.ggml.prx");
  EXPECT_EQ(from_gguf(named)->hash(), from_gguf(unnamed)->hash());
}

TEST(BpeGguf, ABlankBeforeTheText) {
  const auto with = [](char value) {
    return gguf_of(base("gpt2"), "gpt-2").key("tokenizer.ggml.add_space_prefix", 7, {value});
  };
  EXPECT_EQ(decode(*from_gguf(with(0)), from_gguf(with(0))->encode("the")), "the");
  EXPECT_EQ(from_gguf(with(1))->encode("the"), from_gguf(with(0))->encode(" the"));
  EXPECT_EQ(from_gguf(with(1))->hash(), from_json(base("prefix"))->hash());
}

TEST(BpeGguf, RefusesWhatContradictsItself) {
  const auto file = [](std::vector<std::string> tokens, std::vector<int32_t> types, std::vector<std::string> merges) {
    return GgufBuilder()
        .key_string("tokenizer.ggml.model", "gpt2")
        .key_string("tokenizer.ggml.pre", "gpt-2")
        .key_strings("tokenizer.ggml.tokens", tokens)
        .key_i32s("tokenizer.ggml.token_type", types)
        .key_strings("tokenizer.ggml.merges", merges);
  };
  const auto error = [](const GgufBuilder& b, Code code = Code::format) {
    return error_of([&] { from_gguf(b, 4); }, code);
  };
  EXPECT_EQ(error(file({"a", "b", "ab", "c", "d"}, {1, 1, 1, 1, 1}, {})),
            "t.gguf: key \"tokenizer.ggml.tokens\" has 5 tokens, expected at most 4, the rows of the embedding");
  EXPECT_EQ(error(file({"a", "b"}, {1}, {})),
            "t.gguf: key \"tokenizer.ggml.token_type\" has 1 elements, expected 2, one for each token");
  EXPECT_EQ(error(file({"a", "b"}, {1, 7}, {})),
            "t.gguf: key \"tokenizer.ggml.token_type\" gives token 1 the type 7, expected 0 to 6");
  EXPECT_EQ(
      error(file({"a", "<0x00>"}, {1, 6}, {}), Code::unsupported),
      "t.gguf: key \"tokenizer.ggml.token_type\" gives token 1 the type 6 (byte), which byte-level BPE has no use for");
  EXPECT_EQ(error(file({"a", "b", "a"}, {1, 1, 1}, {})),
            "t.gguf: key \"tokenizer.ggml.tokens\" gives tokens 0 and 2 the same text \"a\"");
  EXPECT_EQ(error(file({"a", "\xff"}, {1, 4}, {})),
            "t.gguf: key \"tokenizer.ggml.tokens\" gives token 1 the text \"\\xff\", expected UTF-8");
  EXPECT_EQ(
      error(file({"a", "b"}, {1, 1}, {"a b"})),
      "t.gguf: merge 0 of key \"tokenizer.ggml.merges\" joins \"a\" and \"b\", but the vocabulary has no token \"ab\"");
  for (const char* line : {"", " ", "ab", "a ", " b", "a b c", "a  b"}) {
    EXPECT_EQ(error(file({"a", "b", "ab"}, {1, 1, 1}, {line})),
              std::string("t.gguf: merge 0 of key \"tokenizer.ggml.merges\" is \"") + line +
                  "\", expected two tokens with a blank between");
  }
  EXPECT_EQ(error(GgufBuilder().key_string("tokenizer.ggml.model", "gpt2")),
            "t.gguf: key \"tokenizer.ggml.tokens\" is missing, expected an array of strings");
  // Padding and control tokens may be named alike, and like a normal one.
  const auto t = from_gguf(file({"a", "x", "x", "x"}, {1, 5, 3, 1}, {}), 6);
  EXPECT_EQ(t->encode("xa"), (std::vector<int32_t>{3, 0}));
  EXPECT_EQ(t->piece(1), "");
}

TEST(BpeGguf, ATokenizerJsonInside) {
  const auto t = from_gguf(GgufBuilder().key_string("tokenizer.huggingface.json", base("qwen2").dump()));
  EXPECT_EQ(t->hash(), from_json(base("qwen2"))->hash());
}

// A vocabulary that opens round trips; one that does not says so with a typed error.
TEST(BpeGguf, EveryBitOfAVocabularyFlipped) {
  std::string bytes = GgufBuilder()
                          .key_string("tokenizer.ggml.model", "gpt2")
                          .key_string("tokenizer.ggml.pre", "qwen2")
                          .key_strings("tokenizer.ggml.tokens", {"a", "b", "ab", "\u0120", "\u0120ab", "<s>", "<x>"})
                          .key_i32s("tokenizer.ggml.token_type", {1, 1, 1, 1, 1, 3, 4})
                          .key_strings("tokenizer.ggml.merges", {"a b", "\u0120 ab"})
                          .build();
  size_t opened = 0;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    try {
      const auto file = open_gguf(bytes.data(), bytes.size(), "t.gguf");
      if (const auto t = make_tokenizer(*file, 7)) {
        ++opened;
        for (int32_t i = 0; i < 7; ++i) {
          try {
            ASSERT_EQ(decode(*t, t->encode(t->piece(i))), t->piece(i)) << "bit " << bit;
          } catch (const Error& e) {  // only a few bytes have tokens
            ASSERT_EQ(e.code(), Code::invalid) << e.what();
          }
        }
      }
    } catch (const Error& e) {
      ASSERT_TRUE(e.code() == Code::format || e.code() == Code::unsupported) << e.what() << ", bit " << bit;
    }
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  }
  EXPECT_GT(opened, 0u);
}

}  // namespace
}  // namespace recurra
