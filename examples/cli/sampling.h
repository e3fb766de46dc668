// The sampler's options, the same for every command that generates.
#pragma once

#include <CLI/CLI.hpp>
#include <recurra/recurra.hpp>

namespace cli {

void add_sampling(CLI::App& command, recurra::SamplerOptions& options);

}  // namespace cli
