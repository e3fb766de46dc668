// The form of a conversation, RWKV's convention, which the default model was trained on:
//
//     User: My name is Dave.\n\nAssistant: Noted.\n\nUser: What is my name?\n\nAssistant: Your name is Dave.\n\n
//
// A prompt ends with "Assistant:" and the reply begins with its own space: vocabularies with whole words, as RWKV
// World's, have " Your" and not "Your" there, and over bytes it makes no difference.
#pragma once

#include <recurra/recurra.hpp>
#include <string>
#include <string_view>

namespace cli {

constexpr const char* kTurnEnd = "\n\n";

std::string turn(std::string_view message, std::string_view reply);  // "User: ...\n\nAssistant: ...\n\n"
std::string prompt(std::string_view message);                        // "User: ...\n\nAssistant:"
std::string system_text(std::string_view text);                      // "System: ...\n\n"

// A greedy answer to one question, as a query: the state stays as it was. Without white space at the ends.
std::string ask(const recurra::State& state, std::string_view question, std::uint64_t max_tokens);

}  // namespace cli
