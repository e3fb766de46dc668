#include "tokenizer/tokenizer.h"

#include "core/error.h"
#include "core/log.h"
#include "format/json_text.h"
#include "tokenizer/bpe.h"

namespace recurra {
namespace {

constexpr uint64_t kMostJson = uint64_t{1} << 28;  // bytes; real ones: 1 to 30 MB

// Models are used with tokens alone, too: a kind of tokenizer that is not here does not keep them from opening.
std::unique_ptr<Tokenizer> make_tokenizer_of_folder(const ModelFile& file, int32_t n_vocab) {
  const std::string path = file.string("tokenizer.json.path");
  try {
    return make_bpe_tokenizer_from_json(read_text_file(path, kMostJson), path, n_vocab);
  } catch (const Error& error) {
    if (error.code() != Code::unsupported) throw;
    log(LogLevel::warning, "%s; the model has tokens only", error.what());
    return nullptr;
  }
}

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(const ModelFile& file, int32_t n_vocab) {
  const std::string kind = file.string_or("tokenizer.ggml.model", "none");
  if (!file.has("tokenizer.ggml.model") && file.has("tokenizer.huggingface.json")) {
    return make_bpe_tokenizer_from_json(file.string("tokenizer.huggingface.json"), file.name(), n_vocab);
  }
  if (!file.has("tokenizer.ggml.model") && file.has("tokenizer.json.path"))
    return make_tokenizer_of_folder(file, n_vocab);
  if (kind == "none" || kind == "no_vocab") return nullptr;
  if (kind == "rwkv") return make_rwkv_tokenizer(file, n_vocab);
  if (kind == "gpt2") return make_bpe_tokenizer_from_gguf(file, n_vocab);
  if (kind == "byte") return make_byte_tokenizer(n_vocab);
  fail(Code::unsupported,
       "%s: key \"tokenizer.ggml.model\" is \"%s\", expected \"rwkv\", \"gpt2\", \"byte\" or \"none\"",
       file.name().c_str(), printable(kind).c_str());
}

TokenizerConfig tokenizer_config(const ModelFile& file) {
  if (file.has("tokenizer.ggml.model") || !file.has("tokenizer.json.path") || !file.has("tokenizer.config.path"))
    return {};
  const std::string path = file.string("tokenizer.config.path");
  return read_tokenizer_config(read_text_file(file.string("tokenizer.json.path"), kMostJson),
                               read_text_file(path, kMostJson), path);
}

}  // namespace recurra
