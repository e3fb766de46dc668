// The commands of the `recurra` program, one file each. add_NAME puts the command and its options into the program;
// CLI11 calls its body once the whole command line has been checked. A body returns when all is well and throws
// otherwise: main.cpp turns that into an exit code and one line.
#pragma once

#include <CLI/CLI.hpp>

namespace cli {

void add_recall(CLI::App& program);
void add_recall_answers(CLI::App& program);  // hidden: the second process of recall
void add_chat(CLI::App& program);
void add_generate(CLI::App& program);
void add_info(CLI::App& program);
void add_logits(CLI::App& program);
void add_bench(CLI::App& program);
void add_perplexity(CLI::App& program);

}  // namespace cli
