// Tokens picked one after the other, each read before the next is picked.
#pragma once

#include "model/sampler.h"
#include "model/state.h"

namespace recurra {

struct GenerateOptions {
  uint64_t max_tokens = 256;
  std::vector<std::string> stop_texts;
  std::vector<int32_t> stop_tokens;
  Sampler* sampler = nullptr;  // null: greedy
  const Cancel* cancel = nullptr;
  // A token and the text that became certain with it; -1 with what was held back until the end. False: stop.
  std::function<bool(int32_t token, std::string_view text)> on_token;
};

// Moves the state, which the caller has locked. on_token's exceptions pass through.
void generate(State& state, const GenerateOptions& options);

}  // namespace recurra
