// Byte-level BPE from GGUF metadata, as llama.cpp writes it. Token texts are in the byte alphabet, but for user-defined
// tokens, which stand there as they are found in text.
#include <algorithm>

#include "core/error.h"
#include "core/utf8.h"
#include "tokenizer/bpe.h"
#include "tokenizer/bpe_vocabulary.h"

namespace recurra {
namespace {

// ---- the pre-splits by their names in llama.cpp --------------------------------------------------------------------

// Patterns as they stand in the models' own tokenizer.json files, one step each.
constexpr char kDigit[] = R"(\p{N})";
constexpr char kThreeDigits[] = R"(\p{N}{1,3})";
constexpr char kLlama3[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)"
    R"(|\s+(?!\S)|\s+)";
constexpr char kQwen2[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)"
    R"(|\s+(?!\S)|\s+)";
constexpr char kQwen35[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+)"
    R"(|\s+(?!\S)|\s+)";
constexpr char kTekken[] = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
                           R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
                           R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr char kGpt4o[] =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr char kCjk[] = "[一-龥぀-ゟ゠-ヿ]+";
constexpr char kDeepseek3[] =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr char kBailing[] =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr char kSeedCoder[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr char kBloom[] = " ?[^(\\s|.,!?…。，、।۔،)]+";

struct Pre {
  std::vector<const char*> names, patterns;
  bool whole_words = false;  // "ignore_merges"
};

const std::vector<Pre>& known() {
  static const std::vector<Pre> list = {
      {{"gpt-2",    "gpt-neox",   "olmo",       "dolma",        "mpt",        "phi-2",    "jina-es",
        "jina-de",  "jina-v2-es", "jina-v2-de", "jina-v2-code", "jina-v1-en", "jais",     "roberta-bpe",
        "gigachat", "a.x-4.0",    "mellum",     "modern-bert",  "exaone4",    "trillion", "granite-docling"},
       {kGpt2Split}},
      {{"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2"},
       {kQwen2}},
      {{"qwen35"}, {kQwen35}},
      {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"},
       {kLlama3},
       true},
      {{"glm4", "glm5"}, {kLlama3}, true},
      {{"chatglm-bpe", "dbrx", "smaug-bpe"}, {kLlama3}},
      {{"tekken"}, {kTekken}, true},
      {{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, {kGpt4o}},
      {{"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"},
       {kDigit, kGpt2Split}},
      {{"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"}, {kThreeDigits, kCjk, kDeepseek3}},
      {{"deepseek-coder"}, {"[\r\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)", "[一-龥ࠀ-一가-퟿]+", kDigit}},
      {{"falcon"}, {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2Split, "[0-9][0-9][0-9]"}},
      {{"bailingmoe", "bailingmoe2", "llada-moe"}, {kBailing}},
      {{"seed-coder"}, {kSeedCoder}},
      {{"bloom", "poro-chat", "gpt3-finnish"}, {kBloom}},
      {{"viking"}, {kBloom, kDigit}},
      // What llama.cpp takes where the file names none.
      {{"default"}, {R"([\p{P}\$\+<=>\^~\|]+)", kGpt2Split, R"(\p{N}+)", "[0-9][0-9][0-9]"}},
  };
  return list;
}

const Pre& find_pre(const ModelFile& file) {
  const char* const key = "tokenizer.ggml.pre";
  const std::string name = file.string_or(key, "default");
  for (const Pre& pre : known()) {
    for (const char* n : pre.names) {
      if (name == n) return pre;
    }
  }
  fail(Code::unsupported, "%s: key \"%s\" is \"%s\", a way to split text that is not known here", file.name().c_str(),
       key, printable(name).c_str());
}

// ---- the vocabulary ------------------------------------------------------------------------------------------------

constexpr char kTokens[] = "tokenizer.ggml.tokens", kTypes[] = "tokenizer.ggml.token_type",
               kMerges[] = "tokenizer.ggml.merges";

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t n = utf8_sequence(text.data() + i, text.size() - i);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

}  // namespace

std::unique_ptr<Tokenizer> make_bpe_tokenizer_from_gguf(const ModelFile& file, int32_t n_vocab) {
  const char* const name = file.name().c_str();
  const std::vector<std::string_view> texts = file.strings(kTokens);
  const size_t rows = static_cast<size_t>(std::max(n_vocab, 0));
  if (texts.size() > rows) {
    fail(Code::format, "%s: key \"%s\" has %zu tokens, expected at most %zu, the rows of the embedding", name, kTokens,
         texts.size(), rows);
  }
  std::vector<int64_t> types(texts.size(), 1);
  if (file.has(kTypes)) types = file.integers(kTypes);
  if (types.size() != texts.size()) {
    fail(Code::format, "%s: key \"%s\" has %zu elements, expected %zu, one for each token", name, kTypes, types.size(),
         texts.size());
  }

  const Pre& pre = find_pre(file);
  BpeParts parts;
  parts.name = file.name();
  parts.pieces.resize(rows);
  BpeTexts ids;
  ids.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string_view text = texts[i];
    std::string& piece = parts.pieces[i];
    const int32_t token = static_cast<int32_t>(i);
    switch (types[i]) {
      case 0:  // undefined
      case 1:  // normal
        if (!bpe_text_to_bytes(text, piece)) {
          piece = text;
        } else if (pre.whole_words && !piece.empty()) {
          parts.whole_words.push_back(token);
        }
        break;
      case 2:  // unknown
      case 3:  // control
      case 5:  // unused
        break;
      case 4:  // user-defined
        if (!is_utf8(text)) {
          fail(Code::format, "%s: key \"%s\" gives token %zu the text \"%s\", expected UTF-8", name, kTokens, i,
               printable(text.data(), text.size()).c_str());
        }
        piece = text;
        if (!text.empty()) parts.added.push_back({piece, token});
        break;
      case 6:
        fail(Code::unsupported, "%s: key \"%s\" gives token %zu the type 6 (byte), which byte-level BPE has no use for",
             name, kTypes, i);
      default:
        fail(Code::format, "%s: key \"%s\" gives token %zu the type %lld, expected 0 to 6", name, kTypes, i,
             static_cast<long long>(types[i]));
    }
    const auto [there, is_new] = ids.emplace(text, token);
    if (is_new || piece.empty()) continue;
    if (!parts.pieces[static_cast<size_t>(there->second)].empty()) {
      fail(Code::format, "%s: key \"%s\" gives tokens %d and %d the same text \"%s\"", name, kTokens, there->second,
           token, printable(text.data(), text.size()).c_str());
    }
    there->second = token;  // the other was for control
  }
  bpe_find_bytes(parts, ids);
  const std::vector<std::string_view> merges = file.strings(kMerges);
  parts.merges.reserve(merges.size());
  for (size_t i = 0; i < merges.size(); ++i) {
    bpe_add_merge(parts, ids, merges[i], "merge " + std::to_string(i) + " of key \"" + kMerges + "\"");
  }
  // llama.cpp reads the key but does not heed it for this kind; the models that have it were trained with the blank.
  if (file.has("tokenizer.ggml.add_space_prefix") && file.boolean("tokenizer.ggml.add_space_prefix")) {
    parts.splits.push_back({"", SplitBehavior::isolated, false, true});
  }
  for (const char* pattern : pre.patterns) parts.splits.push_back({pattern});
  return make_bpe_tokenizer(std::move(parts));
}

}  // namespace recurra
