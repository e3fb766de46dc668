#include "tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <sstream>

#include "core/error.h"
#include "format/gguf.h"
#include "support/gguf_builder.h"
#include "support/paths.h"

namespace recurra {
namespace {

using test::GgufBuilder;
using test::shared_path;
using test::test_data;

// A file of nothing but a vocabulary, and the tokenizer over it.
struct Vocabulary {
  std::string bytes;
  std::unique_ptr<ModelFile> file;
  std::unique_ptr<Tokenizer> tokenizer;
};

Vocabulary open_vocabulary(const GgufBuilder& builder, int32_t n_vocab) {
  Vocabulary v;
  v.bytes = builder.build();
  v.file = open_gguf(v.bytes.data(), v.bytes.size(), "t.gguf");
  v.tokenizer = make_tokenizer(*v.file, n_vocab);
  return v;
}

GgufBuilder rwkv_file(const std::vector<std::string>& texts) {
  return GgufBuilder().key_string("tokenizer.ggml.model", "rwkv").key_strings("tokenizer.ggml.tokens", texts);
}

Vocabulary rwkv(const std::vector<std::string>& texts) {
  return open_vocabulary(rwkv_file(texts), static_cast<int32_t>(texts.size()));
}

// repr(b"...")[2:-1] of Python where the bytes hold no double quote or no single one.
std::string repr(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(c));
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (c < 0x20 || c == 0x7f)
      out += hex;  // char is signed: bytes from 0x80 on are below 0x20
    else
      out += c;
  }
  return out;
}

std::string error_of(const std::function<void()>& call, Code expected) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), expected) << e.what();
    return e.what();
  }
  return "";
}

std::string random_bytes(std::mt19937& random, size_t n) {
  std::string s(n, '\0');
  for (char& c : s) c = static_cast<char>(random());
  return s;
}

// The definition of greedy longest match: of all tokens that the rest of the text begins with the longest, and of those
// the lowest id.
std::vector<int32_t> by_hand(const std::vector<std::string>& pieces, const std::string& text, bool& possible) {
  std::vector<int32_t> out;
  possible = true;
  for (size_t at = 0; at < text.size();) {
    size_t best = pieces.size();
    for (size_t i = 0; i < pieces.size(); ++i) {
      if (pieces[i].empty() || text.compare(at, pieces[i].size(), pieces[i]) != 0) continue;
      if (best == pieces.size() || pieces[i].size() > pieces[best].size()) best = i;
    }
    if (best == pieces.size()) {
      possible = false;
      break;
    }
    out.push_back(static_cast<int32_t>(best));
    at += pieces[best].size();
  }
  return out;
}

std::string decode(const Tokenizer& t, const std::vector<int32_t>& tokens) {
  std::string out;
  for (const int32_t token : tokens) out += t.piece(token);
  return out;
}

const std::string kHardTexts[] = {
    "",
    std::string("\0", 1),
    "Hello, world!\r\n\t'\"\\",
    "\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96\xe7\x95\x8c",  // CJK
    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7 "
    "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",                          // joined emoji, a flag
    "e\xcc\x81 \xef\xbb\xbf \xe2\x80\xae",                       // combining, BOM, right-to-left
    "\xff\xfe \xc0\x80 \xed\xa0\x80 \xf5\x80\x80\x80 \xe4\xbd",  // no UTF-8
    "<s>[PAD5]\\x00\\n",
};

TEST(ByteTokenizer, BytesAreTokens) {
  const auto t = make_byte_tokenizer(300);
  EXPECT_STREQ(t->kind(), "byte");
  EXPECT_EQ(t->vocabulary(), 300);
  EXPECT_EQ(t->encode(std::string_view("a\0\xff", 3)), (std::vector<int32_t>{97, 0, 255}));
  EXPECT_EQ(t->piece(10), "\n");
  EXPECT_EQ(t->piece(255), "\xff");
  EXPECT_EQ(t->piece(256), "");
  EXPECT_EQ(t->piece(299), "");
  for (const std::string& text : kHardTexts) EXPECT_EQ(decode(*t, t->encode(text)), text);
}

TEST(ByteTokenizer, ASmallVocabularyLacksBytes) {
  const auto t = make_byte_tokenizer(128);
  EXPECT_EQ(t->encode("\x7f").at(0), 127);
  EXPECT_EQ(error_of([&] { t->encode("ab\xc3\xa9"); }, Code::invalid),
            "byte 0xc3 at offset 2 has no token: the vocabulary has 128 bytes");
  EXPECT_EQ(t->hash().size(), 32u);
  EXPECT_NE(t->hash(), make_byte_tokenizer(256)->hash());
  EXPECT_EQ(make_byte_tokenizer(300)->hash(), make_byte_tokenizer(256)->hash());
}

TEST(MakeTokenizer, ByTheKindInTheFile) {
  const auto kind = [](const std::string& name) {
    return open_vocabulary(GgufBuilder().key_string("tokenizer.ggml.model", name), 256);
  };
  EXPECT_EQ(open_vocabulary(GgufBuilder(), 256).tokenizer, nullptr);
  EXPECT_EQ(kind("none").tokenizer, nullptr);
  EXPECT_EQ(kind("no_vocab").tokenizer, nullptr);
  EXPECT_STREQ(kind("byte").tokenizer->kind(), "byte");
  EXPECT_EQ(error_of([&] { kind("llama"); }, Code::unsupported),
            "t.gguf: key \"tokenizer.ggml.model\" is \"llama\", expected \"rwkv\", \"gpt2\", \"byte\" or \"none\"");
  EXPECT_EQ(error_of([&] { kind("rwkv"); }, Code::format),
            "t.gguf: key \"tokenizer.ggml.tokens\" is missing, expected an array of strings");
}

TEST(RwkvTokenizer, UnescapesTokenTexts) {
  const Vocabulary v = rwkv({"\\n", "\\t", "\\r", "\\\\", "\\'", "\\\"", "\\x00", "\\xfF", "'\"", "a\\x20b", "\\u00e9",
                             "\\u4f60", "\\U0001f600", "\xc3\xa9!", "\\x5cn"});
  const std::string expected[] = {"\n",
                                  "\t",
                                  "\r",
                                  "\\",
                                  "'",
                                  "\"",
                                  std::string(1, '\0'),
                                  "\xff",
                                  "'\"",
                                  "a b",
                                  "\xc3\xa9",
                                  "\xe4\xbd\xa0",
                                  "\xf0\x9f\x98\x80",
                                  "\xc3\xa9!",
                                  "\\n"};
  for (int32_t i = 0; i < v.tokenizer->vocabulary(); ++i) EXPECT_EQ(v.tokenizer->piece(i), expected[i]) << i;
  EXPECT_STREQ(v.tokenizer->kind(), "rwkv");
}

TEST(RwkvTokenizer, RefusesTextsThatAreNoEscapes) {
  for (const std::string text : {"a\\", "\\q", "\\x1", "\\xg0", "\\u12", "\\ud800", "\\U00110000", "\\0"}) {
    EXPECT_EQ(error_of(
                  [&] {
                    rwkv({"ok", text});
                  },
                  Code::format),
              "t.gguf: key \"tokenizer.ggml.tokens\" gives token 1 the text \"" + text +
                  "\", expected only the escapes of Python's repr()");
  }
}

TEST(RwkvTokenizer, TokensWithoutBytes) {
  // 0 the end of a text, 2 control, 3 padding, 4 unused, 5 unknown; 6 and 7 look like padding but are none.
  const std::vector<std::string> texts = {"<s>", "a", "b\\", "[PAD3]", "c", "d", "[PAD3]", "<s>"};
  GgufBuilder b = rwkv_file(texts);
  b.key_i32s("tokenizer.ggml.token_type", {1, 1, 3, 1, 5, 2, 1, 4});
  const Vocabulary v = open_vocabulary(b, 10);
  EXPECT_EQ(v.tokenizer->vocabulary(), 10);
  for (const int32_t token : {0, 2, 3, 4, 5, 8, 9}) EXPECT_EQ(v.tokenizer->piece(token), "") << token;
  EXPECT_EQ(v.tokenizer->encode("[PAD3]<s>a"), (std::vector<int32_t>{6, 7, 1}));
  EXPECT_EQ(error_of([&] { v.tokenizer->encode("aab"); }, Code::invalid),
            "byte 0x62 at offset 2 has no token in the vocabulary");
}

TEST(RwkvTokenizer, RefusesListsThatDoNotFit) {
  EXPECT_EQ(error_of(
                [] {
                  open_vocabulary(rwkv_file({"a", "b", "c"}), 2);
                },
                Code::format),
            "t.gguf: key \"tokenizer.ggml.tokens\" has 3 tokens, expected at most 2, the rows of the embedding");
  EXPECT_EQ(error_of(
                [] {
                  open_vocabulary(rwkv_file({"a", "b"}).key_i32s("tokenizer.ggml.token_type", {1}), 2);
                },
                Code::format),
            "t.gguf: key \"tokenizer.ggml.token_type\" has 1 elements, expected 2, one for each token");
  EXPECT_EQ(error_of(
                [] {
                  open_vocabulary(rwkv_file({"a", "b"}).key_i32s("tokenizer.ggml.token_type", {1, 7}), 2);
                },
                Code::format),
            "t.gguf: key \"tokenizer.ggml.token_type\" gives token 1 the type 7, expected 0 to 6");
}

TEST(RwkvTokenizer, LongestMatchAndLowestId) {
  const Vocabulary v = rwkv({"a", "ab", "abcd", "b", "c", "ab", "d"});
  EXPECT_EQ(v.tokenizer->encode("abc"), (std::vector<int32_t>{1, 4}));
  EXPECT_EQ(v.tokenizer->encode("abcdab"), (std::vector<int32_t>{2, 1}));
  EXPECT_EQ(v.tokenizer->piece(5), "ab");
  EXPECT_TRUE(v.tokenizer->encode("").empty());
}

TEST(RwkvTokenizer, ANodeWithAllBytes) {
  std::vector<std::string> pieces;
  for (int i = 0; i < 256; ++i) pieces.push_back(std::string(1, static_cast<char>(i)));
  for (int i = 0; i < 256; i += 3) pieces.push_back(std::string("\xe4\xbd") + static_cast<char>(i));
  std::vector<std::string> texts;
  for (const std::string& p : pieces) texts.push_back(repr(p));
  const Vocabulary v = rwkv(texts);
  for (int i = 0; i < 256; ++i) {
    const std::string text = std::string("\xe4\xbd") + static_cast<char>(i);
    bool possible = false;
    EXPECT_EQ(v.tokenizer->encode(text), by_hand(pieces, text, possible));
  }
}

TEST(RwkvTokenizer, DrawnVocabulariesGiveTheDefinition) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    // Few different bytes, so that pieces share fronts; some rounds lack single bytes, some have duplicates.
    const size_t letters = 1 + random() % 6, count = 1 + random() % 60;
    const auto draw = [&](size_t n) {
      std::string s;
      while (s.size() < n) s += "a\xff\n\\\x80'"[random() % letters];
      return s;
    };
    std::vector<std::string> pieces, texts;
    for (size_t i = 0; i < count; ++i) pieces.push_back(draw(random() % 9));
    if (round % 3 != 0) {
      for (size_t i = 0; i < 6; ++i) pieces.push_back(std::string(1, "a\xff\n\\\x80'"[i]));
    }
    for (const std::string& p : pieces) texts.push_back(repr(p));
    const Vocabulary v = rwkv(texts);
    for (int i = 0; i < 10; ++i) {
      const std::string text = draw(random() % 80);
      bool possible = false;
      const std::vector<int32_t> expected = by_hand(pieces, text, possible);
      if (possible) {
        ASSERT_EQ(v.tokenizer->encode(text), expected) << "round " << round;
        ASSERT_EQ(decode(*v.tokenizer, expected), text);
      } else {
        ASSERT_NE(error_of([&] { v.tokenizer->encode(text); }, Code::invalid), "") << "round " << round;
      }
    }
  }
}

TEST(RwkvTokenizer, TheHashNamesTheTokenization) {
  const std::string base = rwkv({"a", "b", "ab"}).tokenizer->hash();
  // State files carry it, so it may never change. Both values are from the Python package xxhash.
  EXPECT_EQ(base, "c5257a53204c5f48a7efe579d77a0876");
  EXPECT_EQ(make_byte_tokenizer(256)->hash(), "58fb0e4c9609655072a2c8b277190fa4");
  EXPECT_EQ(base, rwkv({"\\x61", "b", "ab"}).tokenizer->hash());                       // another spelling
  EXPECT_EQ(base, open_vocabulary(rwkv_file({"a", "b", "ab"}), 5).tokenizer->hash());  // more rows
  EXPECT_EQ(base, rwkv({"a", "b", "ab", "[PAD3]"}).tokenizer->hash());                 // the same rows, named
  EXPECT_NE(base, rwkv({"b", "a", "ab"}).tokenizer->hash());
  EXPECT_NE(base, rwkv({"a", "b", "abc"}).tokenizer->hash());
  EXPECT_NE(base, rwkv({"a", "ba", "b"}).tokenizer->hash());
  GgufBuilder control = rwkv_file({"a", "b", "ab"});
  control.key_i32s("tokenizer.ggml.token_type", {1, 1, 3});
  EXPECT_NE(base, open_vocabulary(control, 3).tokenizer->hash());
}

// A vocabulary that opens round trips; one that does not says so with a typed error.
TEST(RwkvTokenizer, EveryBitOfAVocabularyFlipped) {
  GgufBuilder b = rwkv_file({"<s>", "a", "\\n", "\\xe4\\xbd\\xa0", "b'", "[PAD5]", "\\\\x", "ab"});
  std::string bytes = b.key_i32s("tokenizer.ggml.token_type", {3, 1, 1, 1, 1, 5, 1, 1}).build();
  size_t opened = 0;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    try {
      const auto file = open_gguf(bytes.data(), bytes.size(), "t.gguf");
      if (const auto t = make_tokenizer(*file, 8)) {
        for (int32_t i = 0; i < 8; ++i) ASSERT_EQ(decode(*t, t->encode(t->piece(i))), t->piece(i)) << "bit " << bit;
      }
      ++opened;
    } catch (const Error& e) {
      ASSERT_TRUE(e.code() == Code::format || e.code() == Code::unsupported) << e.what() << ", bit " << bit;
    }
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  }
  EXPECT_GT(opened, 0u);
  EXPECT_LT(opened, bytes.size() * 8);
}

// The vocabulary of the golden models (goldens/README.md): 0 is <s>, 1..256 the bytes, then words.
TEST(RwkvTokenizer, TheGoldenVocabulary) {
  const auto file = open_gguf(test_data("rwkv7-hs32-f16.gguf"));
  const auto t = make_tokenizer(*file, 272);
  EXPECT_EQ(t->piece(0), "");
  for (int32_t i = 1; i <= 256; ++i) EXPECT_EQ(t->piece(i), std::string(1, static_cast<char>(i - 1)));
  std::vector<std::string> pieces;
  for (int32_t i = 0; i < 272; ++i) pieces.emplace_back(t->piece(i));
  EXPECT_EQ(pieces[271], "re");
  bool possible = false;
  for (const std::string& text : kHardTexts) {
    EXPECT_EQ(t->encode(text), by_hand(pieces, text, possible));
    EXPECT_EQ(decode(*t, t->encode(text)), text);
  }
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    const std::string text = random_bytes(random, random() % 300);
    ASSERT_EQ(decode(*t, t->encode(text)), text);
  }
}

// llama.cpp's tokens of a text (goldens/README.md).
TEST(RwkvTokenizer, TheTrainedModelsText) {
  RECURRA_NEED_SHARED("goldens/tiny-rwkv7-trained.gguf");
  const auto read = [](const std::string& name) {
    std::ifstream in(shared_path("goldens/tiny-rwkv7-trained." + name), std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  };
  const auto file = open_gguf(shared_path("goldens/tiny-rwkv7-trained.gguf"));
  const auto t = make_tokenizer(*file, 256);
  const std::vector<int32_t> tokens = t->encode(read("text.txt"));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(tokens.data()), tokens.size() * 4), read("text.tokens.i32"));
}

TEST(RwkvTokenizer, TheSketchsVocabularyIsBytes) {
  RECURRA_NEED_SHARED("models/recall-sketch-f16.gguf");
  const auto file = open_gguf(shared_path("models/recall-sketch-f16.gguf"));
  const auto t = make_tokenizer(*file, 256);
  for (const std::string& text : kHardTexts) EXPECT_EQ(t->encode(text), make_byte_tokenizer(256)->encode(text));
}

}  // namespace
}  // namespace recurra
