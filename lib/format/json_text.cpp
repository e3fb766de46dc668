#include "format/json_text.h"

#include <cstring>
#include <limits>
#include <set>
#include <vector>

#include "core/error.h"
#include "core/file_io.h"

namespace recurra {
namespace {

using nlohmann::json;

constexpr char kTag[] = "__float__";
constexpr size_t kMostDepth = 32;  // no configuration nests deeper than 5

// The parser knows no bare NaN and Infinity: outside of strings they become the tagged form.
std::string tag_bare_words(const std::string& text) {
  static constexpr const char* words[] = {"-Infinity", "Infinity", "NaN"};
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (in_string && c == '\\' && i + 1 < text.size()) {
      out.append(text, i, 2);
      i += 2;
      continue;
    }
    if (c == '"') in_string = !in_string;
    const char* found = nullptr;
    if (!in_string && (c == '-' || c == 'I' || c == 'N')) {
      for (const char* word : words) {
        if (text.compare(i, std::strlen(word), word) == 0) found = word;
      }
    }
    if (found == nullptr) {
      out += c;
      ++i;
    } else {
      out += std::string("{\"") + kTag + "\":\"" + found + "\"}";
      i += std::strlen(found);
    }
  }
  return out;
}

// Turns tagged numbers into numbers, wherever they are.
void untag(json& v) {
  if (v.is_object() && v.size() == 1 && v.begin().key() == kTag && v.begin()->is_string()) {
    const std::string word = *v.begin();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (word == "Infinity") v = infinity;
    if (word == "-Infinity") v = -infinity;
    if (word == "NaN") v = std::numeric_limits<double>::quiet_NaN();
  }
  if (v.is_structured()) {
    for (json& element : v) untag(element);
  }
}

}  // namespace

std::string read_text_file(const std::string& path, uint64_t most) {
  InputFile in(path);
  if (in.size() > most) {
    fail(Code::format, "%s: %llu bytes, expected at most %llu", in.name().c_str(),
         static_cast<unsigned long long>(in.size()), static_cast<unsigned long long>(most));
  }
  std::vector<unsigned char> bytes;
  in.read(bytes, in.size());
  return {bytes.begin(), bytes.end()};
}

json parse_json(const std::string& text, const std::string& name) {
  // The parser would take it for the end of its input, and not look at what follows.
  if (text.find('\0') != std::string::npos) fail(Code::format, "%s: has a zero byte", name.c_str());
  size_t depth = 0;
  std::vector<std::set<std::string>> keys;  // of the objects around the place that is being read
  const auto check = [&](int, json::parse_event_t event, json& value) {
    using Event = json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (++depth > kMostDepth) fail(Code::format, "%s: nests deeper than %zu", name.c_str(), kMostDepth);
    }
    if (event == Event::object_end || event == Event::array_end) --depth;
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(value.get<std::string>()).second) {
      fail(Code::format, "%s: the key \"%s\" is there twice", name.c_str(),
           printable(value.get<std::string>()).c_str());
    }
    return true;
  };
  try {
    json value = json::parse(tag_bare_words(text), check);
    untag(value);
    return value;
  } catch (const json::exception& e) {
    fail(Code::format, "%s: is no JSON: %s", name.c_str(), printable(std::string(e.what()), 200).c_str());
  }
}

}  // namespace recurra
