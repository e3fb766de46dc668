// Inside the GGUF reader: the checked walk over the file's tables, and metadata values where they lie in the file.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace recurra::gguf {

enum ValueType : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean_t, string_t, array_t, u64, i64, f64, value_types };

struct ValueTypeInfo {
  const char* name;
  uint64_t bytes;  // of one value; the least there can be for strings and arrays
};

// By the numbers of the file.
inline constexpr std::array<ValueTypeInfo, value_types> kValueTypes = {{
    {"u8", 1},
    {"i8", 1},
    {"u16", 2},
    {"i16", 2},
    {"u32", 4},
    {"i32", 4},
    {"f32", 4},
    {"bool", 1},
    {"string", 8},
    {"array", 12},
    {"u64", 8},
    {"i64", 8},
    {"f64", 8},
}};

template <class T>
T load(const unsigned char* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// Reads from the front to the end and never past it: whatever is asked for is compared with the bytes that are left.
// Errors name the file and `where`.
class Cursor {
 public:
  Cursor(const unsigned char* data, uint64_t size, const std::string& file) : data_(data), size_(size), file_(file) {}

  std::string where;  // what is being read: key "general.name"

  uint64_t at() const { return at_; }
  uint64_t left() const { return size_ - at_; }
  const unsigned char* here() const { return data_ + at_; }

  [[noreturn]] void damaged(const std::string& what) const;  // throws Code::format

  const unsigned char* bytes(uint64_t n);
  std::string_view string();
  template <class T>
  T number() {
    return load<T>(bytes(sizeof(T)));
  }

 private:
  const unsigned char* data_;
  uint64_t size_, at_ = 0;
  const std::string& file_;
};

struct Value {
  uint32_t type = 0;
  uint32_t element = 0;  // arrays: the type of the elements
  uint64_t count = 1;    // arrays: how many
  const unsigned char* data = nullptr;
};

// Reads type and value, checking every length, count, type and boolean in it. Nothing is allocated.
Value read_value(Cursor& in);

// One value, or one element of an array, that read_value has checked.
bool is_integer(uint32_t type);
bool is_number(uint32_t type);
bool load_integer(uint32_t type, const unsigned char* p, int64_t& out);  // false: a u64 above what int64_t holds
double load_number(uint32_t type, const unsigned char* p);
std::string_view load_string(const unsigned char* p);

std::string quoted(std::string_view s);                          // "text", printable, for error lines
std::string number_text(uint32_t type, const unsigned char* p);  // a number or a boolean: "0.5", "true"
std::string type_text(const Value& v);                           // "u32", "array of string"
std::string text(const Value& v);                                // as ModelFile::text

}  // namespace recurra::gguf
