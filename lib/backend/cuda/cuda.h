// The CUDA backend: an NVIDIA GPU through librecurra_cuda.so, which is loaded when the first model asks for it.
#pragma once

#include "backend/backend.h"

namespace recurra {

// Throws Code::backend, with one line that says what is missing, where there is no plugin, driver or device.
std::unique_ptr<Backend> make_cuda_backend(const BackendOptions& options);

}  // namespace recurra
