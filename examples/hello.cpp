// The first program anyone writes with recurra, in C++17: tell the default model something, ask, save the conversation,
// load it into another state, and ask that one.
//
//     c++ -std=c++17 hello.cpp -lrecurra -o hello && ./hello
#include <iostream>
#include <recurra/recurra.hpp>

int main() try {
  const recurra::Model model = recurra::Model::open_default();
  recurra::State state(model);
  state.feed_text("User: My name is Dave.\n\nAssistant: Noted.\n\n");

  recurra::GenerateOptions options;
  options.stop_texts = {"\n\n"};  // a turn ends with an empty line
  options.max_tokens = 64;
  const char* const question = "User: What is my name?\n\nAssistant:";
  std::cout << question << state.query_text(question, options) << '\n';  // a query leaves the state as it was

  state.save_file("hello.state");
  recurra::State other(model);
  other.load_file("hello.state");
  std::cout << question << other.query_text(question, options) << '\n';
  return 0;
} catch (const std::exception& error) {
  std::cerr << "hello: " << error.what() << '\n';
  return 1;
}
