// What a tokenizer.json may be besides right: damaged, contradictory, of another kind. And the patterns in it.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "core/error.h"
#include "support/paths.h"
#include "tokenizer/bpe.h"
#include "tokenizer/regex.h"

namespace recurra {
namespace {

using nlohmann::json;

std::string error_of(const std::function<void()>& call, Code expected) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), expected) << e.what();
    return e.what();
  }
  return "no error";
}

std::string golden(const std::string& name) {
  std::ifstream in(test::test_data("bpe/" + name), std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::unique_ptr<Tokenizer> open(const std::string& text) { return make_bpe_tokenizer_from_json(text, "t.json", 300); }

// All that is known, in few tokens.
json small() {
  return json::parse(R"J({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [
      {"id": 5, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
       "special": true},
      {"id": 6, "content": "<x>", "single_word": true, "lstrip": true, "rstrip": true, "normalized": true,
       "special": false}],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}]},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "Split", "pattern": {"Regex": " ?\\p{L}+"}, "behavior": "Isolated", "invert": false},
      {"type": "Split", "pattern": {"String": "-"}, "behavior": "Removed", "invert": true},
      {"type": "Digits", "individual_digits": true}, {"type": "Punctuation", "behavior": "Contiguous"},
      {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}]},
    "post_processor": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true},
    "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
    "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
      "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": true,
      "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4}, "merges": [["a", "b"], "Ġ ab"]}})J");
}

std::string error_of(const json& j, Code code = Code::unsupported) {
  return error_of([&] { open(j.dump()); }, code);
}

// A file that opens tokenizes what has tokens; any other way out is a typed error.
void try_out(const std::string& text) {
  try {
    const auto t = open(text);
    for (const char* words : {"", "ab", "ab ab", "a<x>b", "abba-aab", "\xff"}) {
      try {
        t->encode(words);
      } catch (const Error& e) {
        ASSERT_TRUE(e.code() == Code::invalid || e.code() == Code::unsupported) << e.what();
      }
    }
  } catch (const Error& e) {
    ASSERT_TRUE(e.code() == Code::format || e.code() == Code::unsupported) << e.what();
    ASSERT_EQ(std::string(e.what()).rfind("t.json: ", 0), 0u) << e.what();
  }
}

TEST(BpeJson, TheSmallOneOpens) {
  const auto t = open(small().dump());
  EXPECT_EQ(t->vocabulary(), 300);
  EXPECT_EQ(t->piece(4), " ab");
  EXPECT_EQ(t->piece(5), "");
  EXPECT_EQ(t->piece(6), "<x>");
  // State files carry it, so it may never change. The value is from the Python package xxhash.
  EXPECT_EQ(t->hash(), "3696ae3f68da2681bd0fec2be4c99415");
}

TEST(BpeJson, NamesWhatItDoesNotHave) {
  const auto with = [](const char* pointer, const json& value) {
    json j = small();
    j[json::json_pointer(pointer)] = value;
    return j;
  };
  EXPECT_EQ(error_of(with("/model/type", "WordPiece")),
            "t.json: field \"model.type\" is \"WordPiece\", which byte-level BPE here does not have; known: BPE");
  EXPECT_EQ(error_of(with("/model/byte_fallback", true)),
            "t.json: field \"model.byte_fallback\" is true, which byte-level BPE here does not have; known: false");
  EXPECT_EQ(error_of(with("/model/dropout", 0.1)),
            "t.json: field \"model.dropout\" is number, which byte-level BPE here does not have; known: none");
  EXPECT_EQ(
      error_of(with("/model/end_of_word_suffix", "</w>")),
      "t.json: field \"model.end_of_word_suffix\" is \"</w>\", which byte-level BPE here does not have; known: none");
  EXPECT_EQ(error_of(with("/model/novelty", 1)), "t.json: field \"model.novelty\" is not known here");
  EXPECT_EQ(error_of(with("/normalizer", {{"type", "Lowercase"}})),
            "t.json: field \"normalizer.type\" is \"Lowercase\", which byte-level BPE here does not have; known: NFC, "
            "Sequence");
  EXPECT_EQ(error_of(with("/normalizer/normalizers/0/type", "NFKC")),
            "t.json: field \"normalizer.normalizers[0].type\" is \"NFKC\", which byte-level BPE here does not have; "
            "known: NFC, Sequence");
  EXPECT_EQ(error_of(with("/pre_tokenizer", nullptr)), "t.json: field \"pre_tokenizer\" has no ByteLevel");
  EXPECT_EQ(error_of(with("/pre_tokenizer", {{"type", "Metaspace"}})),
            "t.json: field \"pre_tokenizer.type\" is \"Metaspace\", which byte-level BPE here does not have; known: "
            "ByteLevel, Split, "
            "Digits, Punctuation, Sequence");
  EXPECT_EQ(
      error_of(with("/pre_tokenizer/pretokenizers/5", {{"type", "Digits"}, {"individual_digits", true}})),
      "t.json: field \"pre_tokenizer.pretokenizers[5]\" comes after ByteLevel, which byte-level BPE here has last");
  EXPECT_EQ(error_of(with("/pre_tokenizer/pretokenizers/0/behavior", "Isolate")),
            "t.json: field \"pre_tokenizer.pretokenizers[0].behavior\" is \"Isolate\", which byte-level BPE here does "
            "not have; known: "
            "Isolated, Removed, MergedWithPrevious, MergedWithNext, Contiguous");
  EXPECT_EQ(error_of(with("/pre_tokenizer/pretokenizers/0/pattern/Regex", "[a-z&&[^b]]")),
            "t.json: the pattern \"[a-z&&[^b]]\" has a class inside a class at byte 4, which has no translation");
  EXPECT_EQ(error_of(with("/decoder/type", "WordPiece")),
            "t.json: field \"decoder.type\" is \"WordPiece\", which byte-level BPE here does not have; known: "
            "ByteLevel, Sequence");
}

TEST(BpeJson, NamesWhatIsWrong) {
  const auto with = [](const char* pointer, const json& value) {
    json j = small();
    j[json::json_pointer(pointer)] = value;
    return error_of(j, Code::format);
  };
  EXPECT_EQ(with("/model/vocab/a", -1), "t.json: field \"model.vocab.a\" is -1, expected a token from 0 to 299");
  EXPECT_EQ(with("/model/vocab/a", 300), "t.json: field \"model.vocab.a\" is 300, expected a token from 0 to 299");
  EXPECT_EQ(with("/model/vocab/a", 1.5), "t.json: field \"model.vocab.a\" is number, expected the number of a token");
  EXPECT_EQ(with("/model/vocab/a", 1), "t.json: field \"model.vocab\" has token 1 twice");
  EXPECT_EQ(with("/model/merges/0", "a"),
            "t.json: field \"model.merges[0]\" is \"a\", expected two tokens with a blank between");
  EXPECT_EQ(with("/model/merges/0", {"a"}),
            "t.json: field \"model.merges[0]\" is array, expected \"left right\" or [\"left\", \"right\"]");
  EXPECT_EQ(with("/model/merges/0", {"b", "a"}),
            "t.json: field \"model.merges[0]\" joins \"b\" and \"a\", but the vocabulary has no token \"ba\"");
  EXPECT_EQ(with("/added_tokens/1/id", 4),
            "t.json: field \"added_tokens[1]\" is token 4 with the text \"<x>\", but the vocabulary has another of "
            "that number");
  EXPECT_EQ(
      with("/added_tokens/1/content", "ab"),
      "t.json: field \"added_tokens[1]\" is token 6 with the text \"ab\", but the vocabulary has another of that text");
  EXPECT_EQ(with("/added_tokens/1/special", 1),
            "t.json: field \"added_tokens[1].special\" is number, expected true or false");
  EXPECT_EQ(with("/pre_tokenizer/pretokenizers/0/pattern", json::object()),
            "t.json: field \"pre_tokenizer.pretokenizers[0].pattern\" is object, expected either Regex or String");
  EXPECT_EQ(error_of([] { open("{}"); }, Code::format), "t.json: field \"model\" is missing");
  EXPECT_EQ(error_of([] { open("[1]"); }, Code::format), "t.json: the file is array, expected an object");
  EXPECT_NE(error_of([] { open("{\"a\": tru"); }, Code::format).find("t.json: is no JSON: "), std::string::npos);
}

TEST(BpeJson, CutAnywhere) {
  const std::string text = small().dump();
  for (size_t n = 0; n < text.size(); ++n) {
    EXPECT_NE(error_of([&] { open(text.substr(0, n)); }, Code::format).find("t.json: is no JSON: "), std::string::npos)
        << n;
  }
  for (const char* name : {"gpt2.json", "llama3.json"}) {
    const std::string whole = golden(name);
    for (size_t percent = 0; percent < 100; ++percent) {
      error_of([&] { make_bpe_tokenizer_from_json(whole.substr(0, whole.size() * percent / 100), name, 3000); },
               Code::format);
    }
  }
}

TEST(BpeJson, EveryByteChanged) {
  std::string text = small().dump();
  std::mt19937 random(1);
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    for (const int change : {1, 8, 32, 128}) {
      text[i] = static_cast<char>(c ^ change);
      try_out(text);
    }
    text[i] = "\"{}[],:0-\\"[random() % 10];
    try_out(text);
    text[i] = c;
  }
}

TEST(BpeJson, EveryValueOfAnotherType) {
  const json flat = small().flatten();
  std::vector<std::string> pointers;
  for (const auto& [pointer, value] : flat.items()) {  // every value, and every array and object above it
    for (std::string p = pointer; !p.empty(); p.erase(p.rfind('/'))) pointers.push_back(p);
  }
  std::sort(pointers.begin(), pointers.end());
  pointers.erase(std::unique(pointers.begin(), pointers.end()), pointers.end());
  ASSERT_GT(pointers.size(), 60u);
  for (const std::string& p : pointers) {
    for (const char* value :
         {"null", "true", "false", "0", "-1", "1e300", "5", "4294967296", "18446744073709551615", "\"\"", "\"x\"",
          "\"\\u0000\"", "[]", "{}", "[[]]", "{\"type\":\"NFC\"}", "[{}]", "{\"x\":0}"}) {
      json j = small();
      j[json::json_pointer(p)] = json::parse(value);
      try_out(j.dump());
    }
    json j = small();  // and without it
    const json::json_pointer whole(p);
    json& parent = j[whole.parent_pointer()];
    parent.is_array() ? parent.erase(std::stoul(whole.back())) : static_cast<void>(parent.erase(whole.back()));
    try_out(j.dump());
  }
}

TEST(BpeJson, NestedTooDeep) {
  for (const char* opening :
       {"[", "{\"a\":", "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[", "[\"\\\"[\",["}) {
    std::string text;
    while (text.size() < 3000000) text += opening;
    EXPECT_NE(error_of([&] { open(text); }, Code::format).find("t.json: nested deeper than 64 at byte "),
              std::string::npos);
  }
  json j = small();
  for (int i = 0; i < 25; ++i) j["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {j["pre_tokenizer"]}}};
  EXPECT_EQ(open(j.dump())->hash(), open(small().dump())->hash());
  std::string brackets = small().dump();
  brackets.insert(1, "\"x\": \"" + std::string(1000, '[') + "\\\"\", ");  // those of a string don't count
  EXPECT_EQ(open(brackets)->hash(), open(small().dump())->hash());
}

TEST(BpeJson, WhatTheConfigSays) {
  const auto read = [](const json& config) { return read_tokenizer_config(small().dump(), config.dump(), "t.json"); };
  TokenizerConfig c = read(json::object());
  EXPECT_EQ(c.bos, -1);
  EXPECT_EQ(c.eos, -1);
  EXPECT_EQ(c.chat_template, "");
  c = read({{"bos_token", nullptr}, {"eos_token", "<s>"}, {"chat_template", "{{ x }}"}});
  EXPECT_EQ(c.bos, -1);
  EXPECT_EQ(c.eos, 5);
  EXPECT_EQ(c.chat_template, "{{ x }}");
  c = read({{"bos_token", {{"content", "ab"}, {"lstrip", false}}},
            {"chat_template", {{{"name", "rag"}, {"template", "r"}}, {{"name", "default"}, {"template", "d"}}}}});
  EXPECT_EQ(c.bos, 2);
  EXPECT_EQ(c.chat_template, "d");
  EXPECT_EQ(error_of(
                [&] {
                  read({{"bos_token", "<bos>"}});
                },
                Code::format),
            "t.json: field \"bos_token\" is \"<bos>\", which is no token");
  EXPECT_EQ(error_of(
                [&] {
                  read({{"bos_token", 5}});
                },
                Code::format),
            "t.json: field \"bos_token\" is number, expected a string");
  for (const char* value : {"5", "{}", "[1]", "[{\"name\":1}]"}) {
    error_of([&] { read({{"chat_template", json::parse(value)}}); }, Code::format);
  }
  for (const char* text : {"", "[]", "5", "{\"eos_token\":{}}"}) {
    error_of([&] { read_tokenizer_config(small().dump(), text, "t.json"); }, Code::format);
  }
}

// ---- patterns ------------------------------------------------------------------------------------------------------

std::string translated(const std::string& pattern) { return Regex::translate(pattern, "t.json"); }

TEST(Regex, Translates) {
  EXPECT_EQ(translated("a(b|c)*?d++"), "a(?:b|c)*?d++");
  EXPECT_EQ(translated("{,3}x{2,}?{"), "{0,3}x{2,}?\\x{7b}");
  EXPECT_EQ(translated("[\\]a-c\\-^-]"), "[\\x{5d}a-c\\x{2d}\\x{5e}\\x{2d}]");
  EXPECT_EQ(translated("\\p{L}\\P{Nd}\\p{^M}\\p{Han}"), "\\p{L}\\P{Nd}\\P{M}\\p{sc:Han}");
  EXPECT_EQ(translated("\\u00e9\\x41\\x{1F600}\\."), "\\x{e9}A\\x{1f600}\\x{2e}");
}

TEST(Regex, RefusesWhatMeansSomethingElse) {
  for (const char* pattern :
       {"[[a]b]", "[a&&b]",      "[]a]",    "[^]]",  "[a",   "[a-",     "[a-\\d]", "[\\s-a]",     "[\\W]",  "[\\b]",
        "a{2}?",  "a{2}+",       "\\h",     "\\R",   "\\X",  "\\K",     "\\G",     "\\1",         "\\k<a>", "\\x80",
        "\\x",    "\\x{110000}", "\\ud800", "\\u12", "\\pL", "\\p{",    "\\p{}",   "\\p{sc=Han}", "(?m:a)", "(?x)",
        "(?#a)",  "(?<a>b)",     "(*UTF)",  "(?i)a", "\\",   "\\Qa\\E", "\\cA",    "\\N"}) {
    EXPECT_NE(error_of([&] { Regex(pattern, "t.json"); }, Code::unsupported).find("which has no translation"),
              std::string::npos)
        << pattern;
  }
  for (const char* pattern : {"(a", "a)", "*a", "\\p{Klingon}", "(?<=a+)b", "a{99999}", "{,3}"}) {
    EXPECT_NE(error_of([&] { Regex(pattern, "t.json"); }, Code::unsupported).find("PCRE2 does not take the pattern"),
              std::string::npos)
        << pattern;
  }
}

std::vector<std::string> matches(const std::string& pattern, const std::string& text) {
  const Regex regex(pattern, "t.json");
  Regex::Scratch scratch;
  std::vector<std::string> out;
  size_t begin = 0, end = 0;
  for (size_t from = 0; from <= text.size() && regex.find(text, from, scratch, begin, end);
       from = end + (begin == end)) {
    out.push_back(text.substr(begin, end - begin));
  }
  return out;
}

TEST(Regex, Finds) {
  using Strings = std::vector<std::string>;
  EXPECT_EQ(matches("\\s+", "a \u00a0\u3000b\u180ec\u0085d"), (Strings{" \u00a0\u3000", "\u0085"}));
  EXPECT_EQ(matches("\\S+", "a \u00a0\u3000b\u180ec\u0085d"), (Strings{"a", "b\u180ec", "d"}));
  EXPECT_EQ(matches("[^\\s\\p{L}]+", "a. \u180e!"), (Strings{".", "\u180e!"}));
  EXPECT_EQ(matches("\\w+", "e\u0301_1 \u24b6 \u00b2 \u2075"), (Strings{"e\u0301_1", "\u24b6", "\u00b2"}));
  EXPECT_EQ(matches("(?i:'s)", "'s'S'\u017f"), (Strings{"'s", "'S", "'\u017f"}));
  EXPECT_EQ(matches("^.", "a\nb\n"), (Strings{"a", "b"}));
  EXPECT_EQ(matches(".$", "ab\ncd"), (Strings{"b", "d"}));
  EXPECT_EQ(matches("\\b", "ab c").size(), 4u);
}

TEST(Regex, TooMuchWorkIsAnError) {
  EXPECT_NE(
      error_of([] { matches("(a|a)*[bd]", std::string(1000, 'a') + "c"); }, Code::unsupported).find("too much work"),
      std::string::npos);
  // Deeper than the machine's stack allows goes on the heap.
  EXPECT_EQ(matches("(?:a|b)*c", std::string(300000, 'a') + "c").at(0).size(), 300001u);
}

}  // namespace
}  // namespace recurra
