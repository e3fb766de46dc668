#include "talk.h"

#include "interrupt.h"
#include "terminal.h"

namespace cli {

std::string turn(std::string_view message, std::string_view reply) {
  return prompt(message) + " " + std::string(reply) + kTurnEnd;
}

std::string prompt(std::string_view message) { return "User: " + std::string(message) + kTurnEnd + "Assistant:"; }

std::string system_text(std::string_view text) { return "System: " + std::string(text) + kTurnEnd; }

std::string ask(const recurra::State& state, std::string_view question, std::uint64_t max_tokens) {
  recurra::GenerateOptions options;
  options.max_tokens = max_tokens;
  options.stop_texts = {kTurnEnd};
  options.cancel = &interrupt_cancel();
  return trim(state.query_text(prompt(question), options));
}

}  // namespace cli
