// recurra recall --compare: which mixer still knows what it was told, and what that costs.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common.h"

namespace cli {

struct Comparison {
  bool wanted = false;
  std::vector<std::uint64_t> depths = {1000, 10000, 100000};
  std::uint64_t rounds = 3;
  std::optional<std::string> models, png;
};

void add_comparison(CLI::App& command, Comparison& options);
// Of the model of `common` and the folders beside the default model.
void compare(const Comparison& options, const Common& common, std::uint64_t seed);

}  // namespace cli
