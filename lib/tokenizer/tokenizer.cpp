#include "tokenizer/tokenizer.h"

#include "core/error.h"

namespace recurra {

std::unique_ptr<Tokenizer> make_tokenizer(const ModelFile& file, int32_t n_vocab) {
  const std::string kind = file.string_or("tokenizer.ggml.model", "none");
  if (kind == "none" || kind == "no_vocab") return nullptr;
  if (kind == "rwkv") return make_rwkv_tokenizer(file, n_vocab);
  if (kind == "byte") return make_byte_tokenizer(n_vocab);
  fail(Code::unsupported, "%s: key \"tokenizer.ggml.model\" is \"%s\", expected \"rwkv\", \"byte\" or \"none\"",
       file.name().c_str(), printable(kind).c_str());
}

}  // namespace recurra
