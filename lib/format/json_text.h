// JSON files as Python's json module writes them, read without trust: bounded in size and depth, no key twice in one
// object, no zero byte. Python's NaN, Infinity and -Infinity, which JSON has no words for, and transformers' spelling
// of them, {"__float__": "Infinity"}, are both read as that number.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace recurra {

// The bytes of the file at `path`; more than `most` are Code::format.
std::string read_text_file(const std::string& path, uint64_t most);

// `name` is for error lines, which are Code::format. Objects come sorted by key.
nlohmann::json parse_json(const std::string& text, const std::string& name);

}  // namespace recurra
