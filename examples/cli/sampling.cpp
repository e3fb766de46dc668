#include "sampling.h"

#include <limits>

#include "common.h"

namespace cli {

void add_sampling(CLI::App& command, recurra::SamplerOptions& options) {
  const std::string group = "Sampling";
  command.add_option("--temp", options.temperature, "Temperature; 0: always the best token")
      ->check(number_between(0))
      ->type_name("X")
      ->group(group)
      ->capture_default_str();
  command.add_option("--top-k", options.top_k, "Only the K best tokens; 0: all")
      ->check(whole_number(0, std::numeric_limits<std::int32_t>::max()))
      ->type_name("K")
      ->group(group)
      ->capture_default_str();
  command.add_option("--top-p", options.top_p, "Only the fewest best tokens whose probabilities reach P; 1: all")
      ->check(number_between(0, 1))
      ->type_name("P")
      ->group(group)
      ->capture_default_str();
  command.add_option("--min-p", options.min_p, "Only tokens of at least P times the best one's probability; 0: all")
      ->check(number_between(0, 1))
      ->type_name("P")
      ->group(group)
      ->capture_default_str();
  command.add_option("--repeat-penalty", options.repeat_penalty, "For the last 64 tokens picked; 1: off")
      ->check(number_between(0.01))
      ->type_name("X")
      ->group(group)
      ->capture_default_str();
  command.add_option("--seed", options.seed, "Of the draws: the same seed gives the same text")
      ->check(whole_number(0))
      ->type_name("N")
      ->group(group)
      ->capture_default_str();
}

}  // namespace cli
