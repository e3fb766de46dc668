// Text to tokens and back. Immutable and shared between threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "format/model_file.h"

namespace recurra {

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual const char* kind() const = 0;  // "rwkv", "bpe", "byte"
  // Any bytes. Throws Code::invalid, naming the byte and its offset, where the vocabulary has no token for one.
  virtual std::vector<int32_t> encode(std::string_view text) const = 0;
  // The token's bytes; empty for control tokens. Tokens are inside the vocabulary. The view lives as long as this.
  virtual std::string_view piece(int32_t token) const = 0;
  virtual int32_t vocabulary() const = 0;
  // 32 hexadecimal digits over the kind, the bytes of every token that has some, with its id, and (BPE) the merges and
  // how text is split: two files whose texts tokenize alike agree, whatever they call their control tokens and padding.
  virtual const std::string& hash() const = 0;
};

// The tokenizer the file describes; null where it has none (tokenizer.ggml.model missing or "none"/"no_vocab"). Without
// that key, tokenizer.huggingface.json counts, the text of a tokenizer.json (a key of the GGUF specification), or the
// tokenizer.json of a Hugging Face folder; where the latter asks for what is not here, the model has no tokenizer, and
// the log says so. Another unknown kind is Code::unsupported, a vocabulary that contradicts itself or has more than
// n_vocab tokens Code::format.
std::unique_ptr<Tokenizer> make_tokenizer(const ModelFile& file, int32_t n_vocab);

// Raw bytes: token id = byte value, whatever the file says. Tokens of 256 and more have no bytes.
std::unique_ptr<Tokenizer> make_byte_tokenizer(int32_t n_vocab);

// RWKV World and relatives (kind "rwkv"): greedy longest match over bytes. Token texts in the file are
// escaped as Python's repr() of bytes does (see LAYOUTS.md of the golden data).
std::unique_ptr<Tokenizer> make_rwkv_tokenizer(const ModelFile& file, int32_t n_vocab);

}  // namespace recurra
