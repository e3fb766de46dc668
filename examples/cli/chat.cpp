// recurra chat: a conversation that lives in a state file, if one is named.
//
// On a terminal: a prompt, the reply as it is written, and a few commands. In a pipe: one message per line, one reply
// per line, nothing else, so that a script can hold a conversation through two file descriptors.

#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "commands.h"
#include "common.h"
#include "interrupt.h"
#include "sampling.h"
#include "talk.h"
#include "terminal.h"

namespace cli {
namespace {

struct Options {
  Common common;
  std::optional<std::string> state, system;
  std::uint64_t n = 512;
  recurra::SamplerOptions sampling;
};

struct Reply {
  std::string text;
  bool stopped = false;  // by Ctrl-C, before its end
};

// The state and the file it lives in. Between calls the conversation is always at the end of a whole exchange.
class Conversation {
 public:
  explicit Conversation(const Options& options)
      : options_(options),
        model_(open_model(options.common)),
        state_(model_),
        before_(model_),
        sampler_(options.sampling) {
    require_text(model_.info());
    if (options.state && std::filesystem::exists(*options.state)) {
      state_.load_file(*options.state);
    } else {
      begin();
      save();  // now, so that a path that cannot be written is known before anything was said
    }
  }

  const recurra::Model& model() const { return model_; }
  recurra::StateInfo info() const { return state_.info(); }

  // Back to a conversation in which nothing was said.
  void begin() {
    state_.reset();
    if (options_.system) state_.feed_text(system_text(*options_.system), feed_options());
  }

  void save() const {
    if (options_.state) state_.save_file(*options_.state);
  }

  // One exchange. `on_text` sees the reply as it is written, without the white space before it. If Ctrl-C comes while
  // the message is being read, or anything fails, nothing was said; if it comes later, the reply ends there.
  Reply say(const std::string& message, const std::function<void(std::string_view)>& on_text) {
    before_.copy_from(state_);
    try {
      state_.feed_text(prompt(message), feed_options());
      const Reply reply = write(on_text);
      save();
      return reply;
    } catch (...) {
      state_.copy_from(before_);
      throw;
    }
  }

 private:
  Reply write(const std::function<void(std::string_view)>& on_text) {
    Reply reply;
    std::vector<recurra::Token> picked;
    recurra::GenerateOptions generation;
    generation.max_tokens = options_.n;
    generation.stop_texts = {kTurnEnd};
    generation.sampler = &sampler_;
    generation.cancel = &interrupt_cancel();
    generation.on_token = [&](recurra::Token token, std::string_view text) {
      if (token >= 0) picked.push_back(token);
      if (reply.text.empty()) text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t\r\n")));
      reply.text += text;
      if (!text.empty()) on_text(text);
      return true;
    };
    try {
      state_.generate_text(generation);
    } catch (const recurra::Error& error) {
      if (error.status() != RECURRA_E_CANCELLED) throw;
      reply.stopped = true;
    }
    // The model usually ends its turn itself. Where it was stopped before that, the end is fed, so that the next
    // message is understood as one.
    const std::string written = model_.detokenize(picked);
    if (written.find(kTurnEnd) == std::string::npos) {
      state_.feed_text(!written.empty() && written.back() == '\n' ? "\n" : kTurnEnd);
    }
    return reply;
  }

  const Options& options_;
  recurra::Model model_;
  recurra::State state_, before_;
  recurra::Sampler sampler_;
};

// A line of stdin without its end; false at the end of the input, or when Ctrl-C came while waiting.
bool read_line(std::string& line) {
  char* buffer = nullptr;
  std::size_t capacity = 0;
  errno = 0;
  const ssize_t n = getline(&buffer, &capacity, stdin);
  const int why = errno;
  if (n >= 0) line.assign(buffer, static_cast<std::size_t>(n));
  std::free(buffer);
  if (n < 0 && ferror(stdin) != 0 && why != EINTR) {
    throw std::runtime_error(std::string("cannot read stdin: ") + std::strerror(why));
  }
  return n >= 0;
}

// One message per line, one reply per line: an empty line is no message, and its reply is an empty line.
void run_pipe(const Options& options) {
  Conversation conversation(options);
  auto replies = nlohmann::ordered_json::array();
  std::string line;
  while (read_line(line)) {
    const std::string message = trim(line);
    Reply reply;
    if (!message.empty()) reply = conversation.say(message, [](std::string_view) {});
    if (options.common.json) {
      replies.push_back({{"message", message}, {"reply", trim(reply.text)}});
    } else {
      std::cout << trim(one_line(reply.text)) << '\n';
      flush_output();
    }
    check_interrupt();
  }
  check_interrupt();
  if (options.common.json) {
    const recurra::StateInfo info = conversation.info();
    print_json({{"replies", replies}, {"tokens", info.n_tokens}, {"state_bytes", info.state_bytes}});
  }
}

void print_help() {
  std::cout << "/help   these lines\n"
               "/reset  forget everything that was said\n"
               "/save   save the conversation now (it is saved after every reply anyway)\n"
               "/quit   end; so do Ctrl-D and, at the prompt, Ctrl-C\n"
               "Ctrl-C while a reply is being written stops it there.\n";
}

// False when the program is to end.
bool obey(const std::string& command, Conversation& conversation, const Options& options) {
  if (command == "/quit") return false;
  if (command == "/help") {
    print_help();
  } else if (command == "/reset") {
    conversation.begin();
    conversation.save();
    std::cout << "Everything is forgotten.\n";
  } else if (command == "/save" && options.state) {
    conversation.save();
    std::cout << "Saved to " << *options.state << ".\n";
  } else if (command == "/save") {
    std::cout << "Start the chat with --state FILE, and it lives there.\n";
  } else {
    std::cout << "There is no command " << one_line(command, 40) << "; /help lists those there are.\n";
  }
  return true;
}

void answer(const std::string& message, Conversation& conversation) {
  try {
    const Reply reply = conversation.say(message, [](std::string_view text) { std::cout << text << std::flush; });
    std::cout << (reply.stopped ? " ...\n\n" : "\n\n");
  } catch (const recurra::Error& error) {
    if (error.status() != RECURRA_E_CANCELLED) throw;
    std::cout << "(not read)\n\n";
  }
  if (interrupted()) clear_interrupt();
}

void run_terminal(const Options& options) {
  Conversation conversation(options);
  const recurra::StateInfo info = conversation.info();
  std::cout << model_label(conversation.model().info()) << "; " << with_commas(info.n_tokens) << " tokens read, state "
            << with_commas(info.state_bytes) << " bytes; /help lists the commands\n\n";
  std::string line;
  for (;;) {
    std::cout << "> " << std::flush;
    if (!read_line(line)) {
      std::cout << '\n';
      flush_output();
      check_interrupt();
      return;
    }
    const std::string message = trim(line);
    if (message.empty()) continue;
    if (message[0] != '/') {
      answer(message, conversation);
    } else if (!obey(message, conversation, options)) {
      return;
    }
  }
}

}  // namespace

void add_chat(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("chat", "Talk; in a pipe, one message and one reply per line");
  add_model(*command, options->common);
  command
      ->add_option("--state", options->state,
                   "The conversation lives in this file: made where there is none, saved after every reply")
      ->type_name("FILE");
  command->add_option("--system", options->system, "Fed first, where the conversation is new")->type_name("TEXT");
  command->add_option("-n,--n-predict", options->n, "Tokens of a reply at most")
      ->check(whole_number(1))
      ->type_name("N")
      ->capture_default_str();
  add_sampling(*command, options->sampling);
  add_common(*command, options->common);
  command->callback([options] {
    const bool person = is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO) && !options->common.json;
    person ? run_terminal(*options) : run_pipe(*options);
  });
}

}  // namespace cli
