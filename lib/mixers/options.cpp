#include "mixers/options.h"

#include <algorithm>

#include "core/error.h"

namespace recurra {

int64_t Options::integer(const std::string& key, int64_t least, int64_t most) {
  return file_.integer(read(key), least, most);
}

int64_t Options::integer_or(const std::string& key, int64_t fallback, int64_t least, int64_t most) {
  return file_.integer_or(read(key), fallback, least, most);
}

double Options::number(const std::string& key, double least, double most) {
  const double n = file_.number(read(key));
  if (!(n >= least && n <= most)) {
    fail(Code::format, "%s: config.json: key \"%s\" is %s, expected %g to %g", file_.name().c_str(), key.c_str(),
         printable(file_.text(key)).c_str(), least, most);
  }
  return n;
}

double Options::number_or(const std::string& key, double fallback, double least, double most) {
  return has(read(key)) ? number(key, least, most) : fallback;
}

bool Options::boolean(const std::string& key) { return file_.boolean(read(key)); }

bool Options::boolean_or(const std::string& key, bool fallback) { return file_.boolean_or(read(key), fallback); }

std::string Options::string(const std::string& key) { return file_.string(read(key)); }

std::string Options::string_or(const std::string& key, const std::string& fallback) {
  return file_.string_or(read(key), fallback);
}

std::vector<std::string_view> Options::strings(const std::string& key) { return file_.strings(read(key)); }

std::vector<int64_t> Options::integers(const std::string& key) { return file_.integers(read(key)); }

std::vector<double> Options::numbers(const std::string& key) { return file_.numbers(read(key)); }

void Options::require(const std::string& key, bool value) {
  if (file_.boolean_or(read(key), value) != value) unsupported(key, value ? "true" : "false");
}

void Options::require(const std::string& key, std::initializer_list<const char*> values) {
  if (!has(read(key))) return;
  const std::string found = file_.string(key);
  std::string expected;
  for (const char* v : values) {
    if (found == v) return;
    expected += (expected.empty() ? "" : " or ") + std::string(v);
  }
  unsupported(key, expected);
}

void Options::refuse(const std::string& key) {
  if (has(read(key))) unsupported(key);
}

void Options::repeat(const std::string& key, const std::string& other, int64_t value) {
  if (has(read(key)) && file_.integer(key, INT64_MIN, INT64_MAX) != value)
    unsupported(key, std::to_string(value) + ", as " + other + " says");
}

void Options::unsupported(const std::string& key, const std::string& expected) const {
  const std::string value = has(key) ? " = " + printable(file_.text(key), 200) : "";
  fail(Code::unsupported, "%s: config.json: option '%s'%s is not supported%s%s", file_.name().c_str(),
       printable(key).c_str(), value.c_str(), expected.empty() ? "" : ", expected ", expected.c_str());
}

void Options::finish() const {
  for (const std::string& key : file_.keys()) {
    bool known = !file_.matters(key) || read_.count(key) != 0;
    for (size_t dot = key.find('.'); dot != std::string::npos && !known; dot = key.find('.', dot + 1)) {
      known = read_.count(key.substr(0, dot)) != 0;
    }
    if (!known) unsupported(key);
  }
}

}  // namespace recurra
