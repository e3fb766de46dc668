// The CPU backend: own kernels for single rows, oneDNN for blocks of rows, a pool of threads.
#pragma once

#include "backend/backend.h"

namespace recurra {

std::unique_ptr<Backend> make_cpu_backend(const BackendOptions& options);

}  // namespace recurra
