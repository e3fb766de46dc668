// What a tokenizer needs of Unicode besides regular expressions (from utf8proc).
#pragma once

#include <string>
#include <string_view>

namespace recurra {

// Normalization form C. The text is valid UTF-8. False, and `out` as it was, where the text is in that form already.
bool normalize_nfc(std::string_view text, std::string& out);

// Valid UTF-8. Of blanks (White_Space) at an end, how many bytes.
size_t blanks_at_start(std::string_view text);
size_t blanks_at_end(std::string_view text);
// Whether the first or last character is one of words: a letter, mark, digit, connector or joiner.
bool starts_with_word(std::string_view text);
bool ends_with_word(std::string_view text);

}  // namespace recurra
