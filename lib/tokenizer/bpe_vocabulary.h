// What the readers of byte-level BPE vocabularies have in common.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "tokenizer/bpe.h"

namespace recurra {

// Byte-level vocabularies are written with a printable character for each byte (GPT-2's bytes_to_unicode). False, and
// `bytes` as it was, where the text has other characters.
bool bpe_text_to_bytes(std::string_view text, std::string& bytes);
std::string bpe_byte_text(unsigned char byte);  // the character of one byte

// Tokens by their text in the file.
using BpeTexts = std::unordered_map<std::string_view, int32_t>;

// Fills in parts.byte_tokens. parts.pieces is there.
void bpe_find_bytes(BpeParts& parts, const BpeTexts& texts);

// Appends a merge, of two texts or of a line "left right". `where` says which, for Code::format where it's none.
void bpe_add_merge(BpeParts& parts, const BpeTexts& texts, std::string_view left, std::string_view right,
                   const std::string& where);
void bpe_add_merge(BpeParts& parts, const BpeTexts& texts, std::string_view line, const std::string& where);

}  // namespace recurra
