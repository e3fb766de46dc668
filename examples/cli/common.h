// What all commands share: their common options, opening the model, files of text and tokens, and JSON on stdout.
#pragma once

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <recurra/recurra.hpp>
#include <string>
#include <vector>

#include "terminal.h"

namespace cli {

struct Common {
  std::optional<std::string> model;  // none: the default model that is installed with the library
  std::string backend = "auto";
  std::string dtype = "auto";
  std::string state_dtype = "f32";
  std::uint32_t threads = 0;  // 0: the library chooses
  bool exact = false;
  bool json = false;
};

// What an option may hold, for bad usage to be said in a line that a person can read.
CLI::Validator whole_number(std::uint64_t least, std::uint64_t most = UINT64_MAX);
CLI::Validator number_between(double least, double most = INFINITY);

// Adds --backend, --dtype, --state-dtype, --exact, -t and --json, and -m where the model is an option of the command.
void add_common(CLI::App& command, Common& common, const std::string& default_dtype = "auto");
void add_model(CLI::App& command, Common& common);

// Opens the model with a progress bar; Ctrl-C stops it.
recurra::Model open_model(const Common& common);

// What a model calls itself in output: its file, or its name.
std::string model_label(const recurra::ModelInfo& info);

// Throws an Error, in the library's words, unless the model has a tokenizer.
void require_text(const recurra::ModelInfo& info);

// The options of a feed that Ctrl-C stops.
recurra::FeedOptions feed_options();

// Feeds are slices of something longer: what the bar shows while one is read that begins at `done` of `total` tokens.
// No callback at all where the bar is not to be seen.
recurra::Progress show(ProgressBar& bar, std::uint64_t done, std::uint64_t total, const std::string& more = "");

// Feeds may be cut at any multiple of this many tokens, counted from the state's start, and compute the very same bits:
// the library's block path is aligned to the position.
constexpr std::size_t kSlice = 512;

// How many of `left` tokens to feed next to a state that has read `position`, so that all later cuts are aligned to
// `slice`.
std::size_t next_slice(std::uint64_t position, std::size_t left, std::size_t slice = kSlice);

std::string read_text(const std::string& path);                    // "-": stdin
std::vector<recurra::Token> read_tokens(const std::string& path);  // int32, little-endian, nothing else

// One object and a newline on stdout; bytes that are not UTF-8 become U+FFFD.
void print_json(const nlohmann::ordered_json& object);
std::string dump_json(const nlohmann::ordered_json& object);

// A finite number as it is; JSON has no others: null.
nlohmann::ordered_json number(double value);

// Flushes stdout, and throws if anything that was written there could not be.
void flush_output();

}  // namespace cli
