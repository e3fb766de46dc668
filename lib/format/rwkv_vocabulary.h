// RWKV World's vocabulary as BlinkDL publishes it (rwkv_vocab_v20230424.txt): a line for each token, its id, its text
// as a Python literal, and how many bytes that is:
//
//     49 '0' 1
//     256 b'\xd6' 1
#pragma once

#include <string>
#include <vector>

namespace recurra {

// Texts by id, as GGUF's tokenizer.ggml.tokens has them: escaped as in Python's repr() of bytes. Token 0, the end of a
// text, is "<s>" and ids without a line are "[PAD7]". What is no such file is Code::format; `name` is for error lines.
std::vector<std::string> parse_rwkv_vocabulary(const std::string& text, const std::string& name);

}  // namespace recurra
