// Byte-level BPE from a Hugging Face tokenizer.json. Fields that change what a text's tokens are must be known; a field
// that is not is refused by its name rather than passed over.
#include <algorithm>
#include <initializer_list>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "tokenizer/bpe.h"
#include "tokenizer/bpe_vocabulary.h"

namespace recurra {
namespace {

using nlohmann::json;

// ---- fields, with errors that name them ----------------------------------------------------------------------------

// An object or array of the file and the way to it: "pre_tokenizer.pretokenizers[1]".
struct Field {
  const std::string& file;
  std::string path;
  const json& value;

  std::string shown() const { return path.empty() ? "the file" : "field \"" + path + "\""; }

  [[noreturn]] void wrong(const char* expected) const {
    fail(Code::format, "%s: %s is %s, expected %s", file.c_str(), shown().c_str(),
         value.is_string() ? ('"' + printable(value.get_ref<const std::string&>()) + '"').c_str() : value.type_name(),
         expected);
  }
  [[noreturn]] void unsupported(const char* known) const {
    const std::string what = value.is_string()    ? '"' + printable(value.get_ref<const std::string&>()) + '"'
                             : value.is_boolean() ? (value.get<bool>() ? "true" : "false")
                                                  : std::string(value.type_name());
    fail(Code::unsupported, "%s: %s is %s, which byte-level BPE here does not have; known: %s", file.c_str(),
         shown().c_str(), what.c_str(), known);
  }

  const Field& object() const {
    if (!value.is_object()) wrong("an object");
    return *this;
  }
  std::string below(const std::string& key) const { return (path.empty() ? "" : path + ".") + printable(key); }
  bool has(const char* key) const { return value.contains(key) && !value.at(key).is_null(); }
  Field at(const char* key) const {
    if (!object().value.contains(key))
      fail(Code::format, "%s: field \"%s\" is missing", file.c_str(), below(key).c_str());
    return {file, below(key), value.at(key)};
  }
  Field at(size_t i) const { return {file, path + '[' + std::to_string(i) + ']', value[i]}; }
  size_t elements() const {
    if (!value.is_array()) wrong("an array");
    return value.size();
  }
  const std::string& string() const {
    if (!value.is_string()) wrong("a string");
    return value.get_ref<const std::string&>();
  }
  bool boolean() const {
    if (!value.is_boolean()) wrong("true or false");
    return value.get<bool>();
  }
  bool boolean_or(const char* key, bool fallback) const { return value.contains(key) ? at(key).boolean() : fallback; }
  int32_t token(int32_t n_vocab) const {
    if (!value.is_number_integer()) wrong("the number of a token");
    if (!value.is_number_unsigned() || value.get<uint64_t>() >= static_cast<uint64_t>(std::max(n_vocab, 0))) {
      fail(Code::format, "%s: %s is %s, expected a token from 0 to %d", file.c_str(), shown().c_str(),
           value.dump().c_str(), n_vocab - 1);
    }
    return value.get<int32_t>();
  }

  // No other fields than these.
  void only(std::initializer_list<const char*> keys) const {
    for (const auto& entry : object().value.items()) {
      if (std::find(keys.begin(), keys.end(), entry.key()) == keys.end()) {
        fail(Code::unsupported, "%s: field \"%s\" is not known here", file.c_str(), below(entry.key()).c_str());
      }
    }
  }
};

json parse(const std::string& text, const std::string& name) {
  // Nothing in these files is deep; what is would cost a stack.
  constexpr int kDeepest = 64;
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepest) fail(Code::format, "%s: nested deeper than %d at byte %zu", name.c_str(), kDeepest, i);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  try {
    return json::parse(text);
  } catch (const json::exception& e) {
    fail(Code::format, "%s: is no JSON: %s", name.c_str(), printable(std::string(e.what()), 200).c_str());
  }
}

// ---- normalizer and pre-split --------------------------------------------------------------------------------------

void read_normalizer(const Field& f, BpeParts& parts) {
  const Field type = f.at("type");
  if (type.string() == "NFC") {
    f.only({"type"});
    parts.nfc = true;
  } else if (type.string() == "Sequence") {
    f.only({"type", "normalizers"});
    const Field list = f.at("normalizers");
    for (size_t i = 0; i < list.elements(); ++i) read_normalizer(list.at(i), parts);
  } else {
    type.unsupported("NFC, Sequence");
  }
}

SplitBehavior read_behavior(const Field& f) {
  static const std::map<std::string, SplitBehavior> names = {
      {"Isolated", SplitBehavior::isolated},
      {"Removed", SplitBehavior::removed},
      {"MergedWithPrevious", SplitBehavior::merged_with_previous},
      {"MergedWithNext", SplitBehavior::merged_with_next},
      {"Contiguous", SplitBehavior::contiguous},
  };
  const auto found = names.find(f.string());
  if (found == names.end()) f.unsupported("Isolated, Removed, MergedWithPrevious, MergedWithNext, Contiguous");
  return found->second;
}

// A pattern that matches this text and no other.
std::string pattern_of(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c < 0 || c < 0x20;
    if (!plain) out += '\\';
    out += c;
  }
  return out;
}

// Appends to parts.splits. `last` becomes true after ByteLevel: what follows would cut its characters, not the text's.
void read_pre_tokenizer(const Field& f, BpeParts& parts, bool& last) {
  const Field type = f.at("type");
  const std::string& name = type.string();
  if (name == "Sequence") {
    f.only({"type", "pretokenizers"});
    const Field list = f.at("pretokenizers");
    for (size_t i = 0; i < list.elements(); ++i) read_pre_tokenizer(list.at(i), parts, last);
    return;
  }
  if (last) {
    fail(Code::unsupported, "%s: %s comes after ByteLevel, which byte-level BPE here has last", f.file.c_str(),
         f.shown().c_str());
  }
  if (name == "ByteLevel") {
    f.only({"type", "add_prefix_space", "trim_offsets", "use_regex"});
    if (f.at("add_prefix_space").boolean()) parts.splits.push_back({"", SplitBehavior::isolated, false, true});
    if (f.boolean_or("use_regex", true)) parts.splits.push_back({kGpt2Split});
    last = true;
  } else if (name == "Split") {
    f.only({"type", "pattern", "behavior", "invert"});
    const Field pattern = f.at("pattern").object();
    pattern.only({"Regex", "String"});
    BpeSplit split;
    split.behavior = read_behavior(f.at("behavior"));
    split.invert = f.at("invert").boolean();
    if (pattern.value.contains("String") == pattern.value.contains("Regex")) pattern.wrong("either Regex or String");
    if (pattern.value.contains("String")) {
      split.pattern = pattern_of(pattern.at("String").string());
    } else {
      split.pattern = pattern.at("Regex").string();
    }
    parts.splits.push_back(std::move(split));
  } else if (name == "Digits") {
    f.only({"type", "individual_digits"});
    parts.splits.push_back({f.at("individual_digits").boolean() ? R"(\p{N})" : R"(\p{N}+)"});
  } else if (name == "Punctuation") {
    f.only({"type", "behavior"});
    BpeSplit split{R"([\p{P}$+<=>^`|~])"};
    if (f.value.contains("behavior")) split.behavior = read_behavior(f.at("behavior"));
    parts.splits.push_back(std::move(split));
  } else {
    type.unsupported("ByteLevel, Split, Digits, Punctuation, Sequence");
  }
}

void read_decoder(const Field& f) {
  const Field type = f.at("type");
  if (type.string() == "Sequence") {
    const Field list = f.at("decoders");
    for (size_t i = 0; i < list.elements(); ++i) read_decoder(list.at(i));
  } else if (type.string() != "ByteLevel") {
    type.unsupported("ByteLevel, Sequence");
  }
}

// ---- tokens and merges ---------------------------------------------------------------------------------------------

void check_model(const Field& model) {
  model.only({"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
              "byte_fallback", "ignore_merges", "vocab", "merges"});
  // Files of before the field "type" have none.
  if (model.has("type") && model.at("type").string() != "BPE") model.at("type").unsupported("BPE");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (model.has(key) && !model.at(key).string().empty()) model.at(key).unsupported("none");
  }
  if (model.has("dropout")) {
    const Field dropout = model.at("dropout");
    if (!dropout.value.is_number()) dropout.wrong("a number");
    if (dropout.value.get<double>() != 0) dropout.unsupported("none");
  }
  // fuse_unk and unk_token are about characters without a token; here that is an error.
  if (model.has("byte_fallback") && model.at("byte_fallback").boolean()) model.at("byte_fallback").unsupported("false");
}

void read_added(const Field& list, int32_t n_vocab, BpeTexts& ids, BpeParts& parts, std::vector<bool>& named) {
  for (size_t i = 0; i < list.elements(); ++i) {
    const Field f = list.at(i);
    f.only({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
    const int32_t token = f.at("id").token(n_vocab);
    const std::string& text = f.at("content").string();
    const auto [there, is_new] = ids.emplace(text, token);
    if (there->second != token || (is_new && named[static_cast<size_t>(token)])) {
      fail(Code::format, "%s: field \"%s\" is token %d with the text \"%s\", but the vocabulary has another of that %s",
           f.file.c_str(), f.path.c_str(), token, printable(text).c_str(), there->second != token ? "text" : "number");
    }
    named[static_cast<size_t>(token)] = true;
    BpeAdded added{text, token};
    added.single_word = f.boolean_or("single_word", false);
    added.lstrip = f.boolean_or("lstrip", false);
    added.rstrip = f.boolean_or("rstrip", false);
    added.normalized = f.boolean_or("normalized", false);
    const bool special = f.boolean_or("special", false);
    parts.pieces[static_cast<size_t>(token)] = special ? "" : text;
    if (!special && !text.empty()) parts.added.push_back(std::move(added));
  }
}

void read_merges(const Field& list, const BpeTexts& ids, BpeParts& parts) {
  const size_t n = list.elements();
  parts.merges.reserve(n);
  for (size_t i = 0; i < n; ++i) {
    const json& merge = list.value[i];
    const std::string where = "field \"" + list.path + '[' + std::to_string(i) + "]\"";
    if (merge.is_string()) {
      const std::string& line = merge.get_ref<const std::string&>();
      if (line.compare(0, 8, "#version") != 0) bpe_add_merge(parts, ids, line, where);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      bpe_add_merge(parts, ids, merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>(), where);
    } else {
      list.at(i).wrong("\"left right\" or [\"left\", \"right\"]");
    }
  }
}

}  // namespace

std::unique_ptr<Tokenizer> make_bpe_tokenizer_from_json(const std::string& json_text, const std::string& name,
                                                        int32_t n_vocab) {
  const std::string file = printable(name, 300);
  const json document = parse(json_text, file);
  const Field root{file, "", document};
  BpeParts parts;
  parts.name = file;
  const Field model = root.at("model").object();
  check_model(model);
  if (root.has("normalizer")) read_normalizer(root.at("normalizer"), parts);
  bool byte_level = false;
  if (root.has("pre_tokenizer")) read_pre_tokenizer(root.at("pre_tokenizer"), parts, byte_level);
  if (!byte_level) fail(Code::unsupported, "%s: field \"pre_tokenizer\" has no ByteLevel", file.c_str());
  if (root.has("decoder")) read_decoder(root.at("decoder"));

  const size_t rows = static_cast<size_t>(std::max(n_vocab, 0));
  parts.pieces.resize(rows);
  std::vector<bool> named(rows);
  BpeTexts ids;
  const Field vocabulary = model.at("vocab").object();
  ids.reserve(vocabulary.value.size());
  const bool ignore_merges = model.has("ignore_merges") && model.at("ignore_merges").boolean();
  std::vector<int32_t> whole_words;
  for (auto entry = vocabulary.value.begin(); entry != vocabulary.value.end(); ++entry) {
    const int32_t token = Field{file, vocabulary.below(entry.key()), entry.value()}.token(n_vocab);
    const size_t i = static_cast<size_t>(token);
    if (named[i])
      fail(Code::format, "%s: field \"%s\" has token %d twice", file.c_str(), vocabulary.path.c_str(), token);
    named[i] = true;
    ids.emplace(entry.key(), token);
    if (!bpe_text_to_bytes(entry.key(), parts.pieces[i])) {
      parts.pieces[i] = entry.key();
    } else if (ignore_merges) {
      whole_words.push_back(token);
    }
  }
  if (root.has("added_tokens")) read_added(root.at("added_tokens"), n_vocab, ids, parts, named);
  for (const int32_t token : whole_words) {
    if (!parts.pieces[static_cast<size_t>(token)].empty()) parts.whole_words.push_back(token);
  }
  bpe_find_bytes(parts, ids);
  read_merges(model.at("merges"), ids, parts);
  return make_bpe_tokenizer(std::move(parts));
}

TokenizerConfig read_tokenizer_config(const std::string& json_text, const std::string& config_text,
                                      const std::string& name) {
  const std::string file = printable(name, 300);
  const json document = parse(json_text, file), config = parse(config_text, file);
  const Field root{file, "", document}, settings{file, "", config};
  constexpr int32_t kAny = std::numeric_limits<int32_t>::max();
  settings.object();

  const auto token = [&](const char* key) {
    if (!settings.has(key)) return -1;
    Field f = settings.at(key);
    const std::string& text = f.value.is_object() ? f.at("content").string() : f.string();
    if (root.object().has("added_tokens")) {
      const Field list = root.at("added_tokens");
      for (size_t i = 0; i < list.elements(); ++i) {
        if (list.at(i).at("content").string() == text) return list.at(i).at("id").token(kAny);
      }
    }
    const Field vocabulary = root.at("model").at("vocab").object();
    if (vocabulary.value.contains(text)) return vocabulary.at(text.c_str()).token(kAny);
    fail(Code::format, "%s: field \"%s\" is \"%s\", which is no token", file.c_str(), key, printable(text).c_str());
  };

  TokenizerConfig out;
  out.bos = token("bos_token");
  out.eos = token("eos_token");
  if (settings.has("chat_template")) {
    const Field chat = settings.at("chat_template");
    if (chat.value.is_string()) {
      out.chat_template = chat.string();
    } else {  // several by name
      for (size_t i = 0; i < chat.elements(); ++i) {
        if (chat.at(i).at("name").string() == "default") out.chat_template = chat.at(i).at("template").string();
      }
    }
  }
  return out;
}

}  // namespace recurra
