// The options of a config.json as an architecture reads them, with a record of which: one that nobody looked at is an
// error, so that a model which says something new is refused and never computed wrongly.
//
//     Options o(file);
//     const int64_t width = o.integer("hidden_size", 1, kMost);
//     o.require("hidden_act", {"silu", "swish"});
//     o.refuse("attn");
//     o.finish();
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "format/model_file.h"

namespace recurra {

class Options {
 public:
  explicit Options(const ModelFile& file) : file_(file) {}

  // The key is there and not null. Does not count as reading it.
  bool has(const std::string& key) const { return file_.has(key); }
  // The key is there and null: Python's None, where a missing key may mean another default.
  bool is_null(const std::string& key) const { return file_.is_null(key); }

  // Values; errors are those of ModelFile. The forms with a fallback take it for a missing key and for null. Numbers
  // are least .. most, infinity only where that is `most`.
  int64_t integer(const std::string& key, int64_t least, int64_t most);
  int64_t integer_or(const std::string& key, int64_t fallback, int64_t least, int64_t most);
  double number(const std::string& key, double least, double most);
  double number_or(const std::string& key, double fallback, double least, double most);
  bool boolean(const std::string& key);
  bool boolean_or(const std::string& key, bool fallback);
  std::string string(const std::string& key);
  std::string string_or(const std::string& key, const std::string& fallback);
  std::vector<std::string_view> strings(const std::string& key);
  std::vector<int64_t> integers(const std::string& key);  // one integer is a list of one
  std::vector<double> numbers(const std::string& key);

  // Options that are read, but of which only some values are supported. A missing key or null is fine.
  void require(const std::string& key, bool value);
  void require(const std::string& key, std::initializer_list<const char*> values);
  void refuse(const std::string& key);  // no value at all; with an object, nothing in it
  // Another name for what `other` says: this value.
  void repeat(const std::string& key, const std::string& other, int64_t value);
  // Changes nothing in this architecture, and so does all below it if it is an object. The caller says why.
  void ignore(const std::string& key) { read_.insert(key); }

  // Throws Code::unsupported: "FOLDER: config.json: option 'x' = y is not supported, expected z".
  [[noreturn]] void unsupported(const std::string& key, const std::string& expected = "") const;

  // The last call of a builder: throws for the first key that was not read, not ignored, and may change what the model
  // computes (ModelFile::matters).
  void finish() const;

 private:
  // Marks the key as read.
  const std::string& read(const std::string& key) { return *read_.insert(key).first; }

  const ModelFile& file_;
  std::set<std::string> read_;
};

}  // namespace recurra
