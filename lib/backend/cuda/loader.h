// Finds and loads librecurra_cuda.so.
#pragma once

#include "backend/cuda/plugin.h"

namespace recurra {

// The plugin's table, loaded once and never unloaded; $RECURRA_CUDA_PLUGIN names another file than the one beside the
// library. Throws Code::backend with the reason.
const gpu_plugin& cuda_plugin();

}  // namespace recurra
