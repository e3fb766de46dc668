#include "tokenizer/tokenizer.h"

#include "core/error.h"
#include "tokenizer/bpe.h"

namespace recurra {

std::unique_ptr<Tokenizer> make_tokenizer(const ModelFile& file, int32_t n_vocab) {
  const std::string kind = file.string_or("tokenizer.ggml.model", "none");
  if (!file.has("tokenizer.ggml.model") && file.has("tokenizer.huggingface.json")) {
    return make_bpe_tokenizer_from_json(file.string("tokenizer.huggingface.json"), file.name(), n_vocab);
  }
  if (kind == "none" || kind == "no_vocab") return nullptr;
  if (kind == "rwkv") return make_rwkv_tokenizer(file, n_vocab);
  if (kind == "gpt2") return make_bpe_tokenizer_from_gguf(file, n_vocab);
  if (kind == "byte") return make_byte_tokenizer(n_vocab);
  fail(Code::unsupported,
       "%s: key \"tokenizer.ggml.model\" is \"%s\", expected \"rwkv\", \"gpt2\", \"byte\" or \"none\"",
       file.name().c_str(), printable(kind).c_str());
}

}  // namespace recurra
