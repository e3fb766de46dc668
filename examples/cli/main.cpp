// The `recurra` program: everything here goes through the public headers, include/recurra.
//
// Exit codes: 0; 1 with one line on stderr, "recurra: what was wrong"; 2 on bad usage, with one line too.

#include <CLI/CLI.hpp>
#include <iostream>
#include <recurra/recurra.hpp>

#include "commands.h"
#include "common.h"
#include "interrupt.h"
#include "terminal.h"

namespace cli {
namespace {

constexpr int kFailed = 1, kBadUsage = 2;

int complain(const std::string& what, int code) {
  std::cout.flush();
  std::cerr << "recurra: " << one_line(trim(what)) << '\n';
  return code;
}

// The command that was being read when the command line turned out wrong: its help is the one that helps.
std::string help_command(const CLI::App& program) {
  const std::vector<CLI::App*> chosen = program.get_subcommands();
  return "recurra" + (chosen.empty() ? "" : " " + chosen.back()->get_name()) + " --help";
}

int run(int argc, char** argv) {
  CLI::App program("Language models of constant memory: a conversation is one state of fixed size, in one small file.",
                   "recurra");
  program.set_version_flag(
      "--version", [] { return recurra::build_info(); }, "Version and how it was built");
  program.require_subcommand(0, 1);
  add_recall(program);
  add_recall_answers(program);
  add_chat(program);
  add_generate(program);
  add_info(program);
  add_logits(program);
  add_bench(program);
  add_perplexity(program);
  program.footer("recurra COMMAND --help explains a command.");
  try {
    install_interrupt();
    program.parse(argc, argv);
    if (program.get_subcommands().empty()) {
      std::cerr << program.help();
      return kBadUsage;
    }
    flush_output();
    return 0;
  } catch (const CLI::Success& asked) {  // --help, --version
    return program.exit(asked);
  } catch (const CLI::ParseError& error) {
    return complain(std::string(error.what()) + " (" + help_command(program) + ")", kBadUsage);
  } catch (const recurra::Error& error) {
    return complain(interrupted() && error.status() == RECURRA_E_CANCELLED ? "interrupted" : error.what(), kFailed);
  } catch (const std::exception& error) {
    return complain(error.what(), kFailed);
  }
}

}  // namespace
}  // namespace cli

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  return cli::run(argc, argv);
}
