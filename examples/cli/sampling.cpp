#include "sampling.h"

namespace cli {

void add_sampling(CLI::App& command, recurra::SamplerOptions& options) {
  const std::string group = "Sampling";
  command.add_option("--temp", options.temperature, "Temperature; 0: always the best token")
      ->check(CLI::NonNegativeNumber)
      ->group(group)
      ->capture_default_str();
  command.add_option("--top-k", options.top_k, "Only the K best tokens; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->group(group)
      ->capture_default_str();
  command.add_option("--top-p", options.top_p, "Only the fewest best tokens whose probabilities reach P; 1: all")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group)
      ->capture_default_str();
  command.add_option("--min-p", options.min_p, "Only tokens of at least P times the best one's probability; 0: all")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group)
      ->capture_default_str();
  command.add_option("--repeat-penalty", options.repeat_penalty, "For the last 64 tokens picked; 1: off")
      ->check(CLI::PositiveNumber)
      ->group(group)
      ->capture_default_str();
  command.add_option("--seed", options.seed, "Of the draws: the same seed gives the same text")
      ->group(group)
      ->capture_default_str();
}

}  // namespace cli
