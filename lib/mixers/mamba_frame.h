// What Mamba's and Mamba-2's Hugging Face folders have around their mixers.
#pragma once

#include "mixers/options.h"
#include "mixers/reader.h"

namespace recurra {

// Width, number of layers, embedding, last norm and head of a folder with tensors under backbone.
Network read_mamba_frame(Options& o, const ModelFile& file, Backend& backend);

}  // namespace recurra
