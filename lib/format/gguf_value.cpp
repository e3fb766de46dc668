#include "format/gguf_value.h"

#include <charconv>

#include "core/error.h"
#include "format/model_file.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are copied out of the file as they lie there");

namespace recurra::gguf {

// ---- reading -----------------------------------------------------------------------------------------------------

void Cursor::damaged(const std::string& what) const { throw Error(Code::format, file_ + ": " + where + " " + what); }

const unsigned char* Cursor::bytes(uint64_t n) {
  if (n > left()) {
    damaged("is cut off: it needs " + std::to_string(n) + " bytes at offset " + std::to_string(at_) +
            ", the file ends at " + std::to_string(size_));
  }
  const unsigned char* p = here();
  at_ += n;
  return p;
}

std::string_view Cursor::string() {
  const uint64_t n = number<uint64_t>();
  if (n > left()) {
    damaged("has a string of " + std::to_string(n) + " bytes at offset " + std::to_string(at_) + ", only " +
            std::to_string(left()) + " are left in the file");
  }
  return {reinterpret_cast<const char*>(bytes(n)), static_cast<size_t>(n)};
}

namespace {

uint32_t read_value_type(Cursor& in) {
  const uint32_t type = in.number<uint32_t>();
  if (type >= value_types) in.damaged("has the value type " + std::to_string(type) + ", expected 0 (u8) to 12 (f64)");
  return type;
}

void check_values(Cursor& in, uint32_t type, uint64_t count, int depth);

// An array's head and elements. Nothing is allocated, and the count is compared with the bytes that are left first.
Value read_array(Cursor& in, int depth) {
  constexpr int most = 4;  // no writer nests at all; the specification allows it
  if (depth == most) in.damaged("nests arrays deeper than " + std::to_string(most));
  Value v;
  v.type = array_t;
  v.element = read_value_type(in);
  v.count = in.number<uint64_t>();
  v.data = in.here();
  if (v.count > in.left() / kValueTypes[v.element].bytes) {
    in.damaged("has an array of " + std::to_string(v.count) + " " + kValueTypes[v.element].name + " at offset " +
               std::to_string(in.at()) + ", only " + std::to_string(in.left()) + " bytes are left in the file");
  }
  check_values(in, v.element, v.count, depth + 1);
  return v;
}

// Steps over `count` values.
void check_values(Cursor& in, uint32_t type, uint64_t count, int depth) {
  switch (type) {
    case string_t:
      for (uint64_t i = 0; i < count; ++i) in.string();
      break;
    case array_t:
      for (uint64_t i = 0; i < count; ++i) read_array(in, depth);
      break;
    case boolean_t:
      for (uint64_t i = 0; i < count; ++i) {
        const unsigned value = in.number<uint8_t>();
        if (value > 1) in.damaged("has the boolean " + std::to_string(value) + ", expected 0 or 1");
      }
      break;
    default:
      in.bytes(count * kValueTypes[type].bytes);  // one value, or as many as read_array found to fit
  }
}

}  // namespace

Value read_value(Cursor& in) {
  const uint32_t type = read_value_type(in);
  if (type == array_t) return read_array(in, 0);
  Value v;
  v.type = type;
  v.data = in.here();
  check_values(in, type, 1, 0);
  return v;
}

// ---- values ------------------------------------------------------------------------------------------------------

bool is_integer(uint32_t type) { return type <= i32 || type == u64 || type == i64; }
bool is_number(uint32_t type) { return is_integer(type) || type == f32 || type == f64; }

bool load_integer(uint32_t type, const unsigned char* p, int64_t& out) {
  switch (type) {
    case u8:
      out = *p;
      break;
    case i8:
      out = load<int8_t>(p);
      break;
    case u16:
      out = load<uint16_t>(p);
      break;
    case i16:
      out = load<int16_t>(p);
      break;
    case u32:
      out = load<uint32_t>(p);
      break;
    case i32:
      out = load<int32_t>(p);
      break;
    default:
      out = load<int64_t>(p);
      return type == i64 || out >= 0;
  }
  return true;
}

double load_number(uint32_t type, const unsigned char* p) {
  if (type == f32) return static_cast<double>(load<float>(p));
  if (type == f64) return load<double>(p);
  if (type == u64) return static_cast<double>(load<uint64_t>(p));
  int64_t n = 0;
  load_integer(type, p, n);
  return static_cast<double>(n);
}

std::string_view load_string(const unsigned char* p) {
  return {reinterpret_cast<const char*>(p + 8), static_cast<size_t>(load<uint64_t>(p))};
}

// ---- text --------------------------------------------------------------------------------------------------------

std::string quoted(std::string_view s) { return '"' + printable(s.data(), s.size()) + '"'; }

namespace {

// The shortest digits that read back as the same value: 1e-05, not 9.99999975e-06.
template <class Float>
std::string float_text(Float value) {
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  return std::string(digits, end.ptr);
}

}  // namespace

std::string number_text(uint32_t type, const unsigned char* p) {
  switch (type) {
    case f32:
      return float_text(load<float>(p));
    case f64:
      return float_text(load<double>(p));
    case boolean_t:
      return *p != 0 ? "true" : "false";
    case u64:
      return std::to_string(load<uint64_t>(p));
    default:
      break;
  }
  int64_t n = 0;
  load_integer(type, p, n);
  return std::to_string(n);
}

namespace {

std::string array_text(const Value& v) {
  constexpr uint64_t most = 16;
  std::string out = "[";
  const unsigned char* p = v.data;
  for (uint64_t i = 0; i < v.count; ++i) {
    if (i != 0) out += ", ";
    if (i == most) {
      out += "...";
      break;
    }
    if (v.element == array_t) {
      out += "[...]";
    } else if (v.element == string_t) {
      out += quoted(load_string(p));
      p += 8 + load_string(p).size();
    } else {
      out += number_text(v.element, p);
      p += kValueTypes[v.element].bytes;
    }
  }
  return out + "]";
}

}  // namespace

std::string type_text(const Value& v) {
  if (v.type != array_t) return kValueTypes[v.type].name;
  return std::string("array of ") + kValueTypes[v.element].name;
}

std::string text(const Value& v) {
  if (v.type == array_t) return array_text(v);
  if (v.type == string_t) return readable(load_string(v.data));
  return number_text(v.type, v.data);
}

}  // namespace recurra::gguf
