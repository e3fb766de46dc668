// GGUF, versions 2 and 3, little-endian (specification: ggml's docs/gguf.md): a header, key-value metadata, tensor
// descriptions, then aligned tensor data. Reading copies nothing but names: tensors point into the mapped file.
//
// Damage is Code::format; a GGUF version, byte order or tensor type that this code does not read is Code::unsupported.
#pragma once

#include <memory>

#include "format/model_file.h"

namespace recurra {

// Maps and checks the file at `path`.
std::unique_ptr<ModelFile> open_gguf(const std::string& path);

// The same over memory of the caller, which outlives the result. Memory that is not aligned to 8 bytes is copied.
std::unique_ptr<ModelFile> open_gguf(const void* data, uint64_t size, const std::string& name);

}  // namespace recurra
