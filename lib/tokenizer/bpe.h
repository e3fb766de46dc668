// Byte-level BPE, as of GPT-2, GPT-NeoX, Qwen and Llama 3 (Sennrich et al. 2016, arXiv:1508.07909; Radford et al.
// 2019):
//
//   text -> added tokens cut out -> normalized -> added tokens cut out -> pre-split into words -> merges within a word
//
// A word begins as its bytes' tokens; of all neighbours that have a merge, those of the lowest rank (the leftmost on a
// tie) become one token, until none has. It's what Hugging Face's `tokenizers` does with add_special_tokens=False and
// encode_special_tokens=True: control tokens are never found in text, "<|endoftext|>" is 13 characters like any others.
// (One difference: a blank that an added token with rstrip took isn't found once more as another added token.)
//
// Invalid UTF-8: the text is cut at every run of bytes that belong to no character. Such a run is one word of those
// bytes, all else is tokenized as if it stood alone, except that no blank is put before it. Bytes come back as they
// were, unless the tokenizer normalizes (NFC) or puts a blank first.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/regex.h"
#include "tokenizer/tokenizer.h"

namespace recurra {

// What becomes of the matches of a pattern, and of what lies between them: the names of tokenizer.json.
enum class SplitBehavior : uint8_t { isolated, removed, merged_with_previous, merged_with_next, contiguous };

// One step of the pre-split: each piece that the step before left is cut again.
struct BpeSplit {
  std::string pattern;  // in Oniguruma's dialect (regex.h)
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;  // matches and what lies between them change places
  bool blank = false;   // nothing is cut: a blank is put before each piece that does not begin with one
};

struct BpeMerge {
  int32_t left, right, result;
};

// A token that is found in the text as it is, before all else.
struct BpeAdded {
  std::string text;  // valid UTF-8, not empty
  int32_t token = 0;
  bool single_word = false;  // not inside of a word
  bool lstrip = false;       // takes the blanks before it
  bool rstrip = false;       // takes the blanks after it
  bool normalized = false;   // looked for after normalization, and normalized itself
};

// All that makes a byte-level BPE tokenizer; what reads a file fills it in. Tokens are inside the vocabulary.
struct BpeParts {
  std::string name;                 // of the file, for error lines
  std::vector<std::string> pieces;  // the bytes of each token of the vocabulary; empty for control tokens and padding
  std::array<int32_t, 256> byte_tokens;  // the token of each byte, -1 for none
  std::vector<BpeMerge> merges;          // the first goes first
  std::vector<BpeAdded> added;
  std::vector<BpeSplit> splits;
  bool nfc = false;
  // Not empty: a word that is one of these tokens' pieces is that token, whatever the merges say ("ignore_merges").
  std::vector<int32_t> whole_words;
};

std::unique_ptr<Tokenizer> make_bpe_tokenizer(BpeParts parts);

// From GGUF metadata: tokenizer.ggml.model "gpt2", .tokens, .merges, .token_type, .pre and .add_space_prefix. The names
// of pre-splits are llama.cpp's. GGUF does not say that a tokenizer normalizes, so none does.
std::unique_ptr<Tokenizer> make_bpe_tokenizer_from_gguf(const ModelFile& file, int32_t n_vocab);

// From the text of a Hugging Face tokenizer.json; `name` is for error lines. Code::format where it is damaged or
// contradicts itself, Code::unsupported, naming the field, where it asks for what byte-level BPE does not have. The
// post-processor is not looked at: no token is added at the start or end.
std::unique_ptr<Tokenizer> make_bpe_tokenizer_from_json(const std::string& json_text, const std::string& name,
                                                        int32_t n_vocab);

// What tokenizer_config.json says besides. Tokens are -1, and the template empty, where it says nothing.
struct TokenizerConfig {
  int32_t bos = -1, eos = -1;
  std::string chat_template;
};

// That of the file's folder, where its tokenizer is the folder's tokenizer.json.
TokenizerConfig tokenizer_config(const ModelFile& file);

// `json_text` is tokenizer.json, which knows the special tokens' numbers; `config_text` is tokenizer_config.json.
TokenizerConfig read_tokenizer_config(const std::string& json_text, const std::string& config_text,
                                      const std::string& name);

// The pattern of GPT-2, and of ByteLevel with use_regex.
inline constexpr char kGpt2Split[] = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

}  // namespace recurra
