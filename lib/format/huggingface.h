// A Hugging Face folder, as save_pretrained leaves it: config.json beside model.safetensors, or beside several files
// and model.safetensors.index.json, which says where each tensor lies. Tensors in F32, F16 or BF16 stay in the mapped
// files.
//
// What ModelFile::keys has besides those of config.json (huggingface_config.h):
//
//     general.architecture          "fla.rwkv7", "hf.llama", ...: the library and the kind
//     general.name                  the model's name on the hub, else the folder's
//     general.tensor_prefix         "model.", or in a multimodal model of Qwen "model.language_model."
//     tokenizer.ggml.*              bos_token_id, eos_token_id; model and tokens of an rwkv_vocab_v20230424.txt
//     tokenizer.rwkv_vocab.path     where there is an rwkv_vocab_v20230424.txt, which goes before a tokenizer.json
//     tokenizer.json.path           where there is a tokenizer.json
//     tokenizer.config.path         where there is a tokenizer_config.json
#pragma once

#include <memory>
#include <string>

#include "format/model_file.h"

namespace recurra {

// The folder that `path` means: itself, or the one around a config.json or a model.safetensors. Empty where it is
// something else, such as a GGUF file.
std::string huggingface_folder(const std::string& path);

// Damage is Code::format; a model or tensor type that this code does not read, Code::unsupported; a file that isn't
// there, Code::not_found.
std::unique_ptr<ModelFile> open_huggingface(const std::string& folder);

}  // namespace recurra
