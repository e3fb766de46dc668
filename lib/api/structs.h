// Structs that cross the ABI and may grow: copied in and out by the size the caller was compiled with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "api/guard.h"

namespace recurra {

// Smallest size any version of a struct had: the size of its first version.
template <class T>
constexpr size_t first_size() {
  return sizeof(T);
}
// Those that have grown: up to the first member that came later.
template <>
constexpr size_t first_size<recurra_model_options>() {
  return offsetof(recurra_model_options, exact);
}
template <>
constexpr size_t first_size<recurra_model_info>() {
  return offsetof(recurra_model_info, state_bytes_per_token);
}

template <>
constexpr size_t first_size<recurra_state_info>() {
  return offsetof(recurra_state_info, rewind_tokens);
}

// Larger than a struct of any version: a struct_size above it was never set, and what lies there must not be looked at.
constexpr size_t kMostSize = 4096;

template <class T>
void check_size(size_t size, const char* name) {
  if (size < first_size<T>() || size > kMostSize)
    fail(Code::invalid, "%s: struct_size is %zu, expected %zu to %zu, as %s_init sets it", name, size, first_size<T>(), kMostSize,
         name);
}

// The caller's options over the defaults in `out`; null keeps the defaults.
template <class T>
void copy_in(T& out, const T* in, const char* name) {
  if (in == nullptr) return;
  const size_t size = in->struct_size;
  check_size<T>(size, name);
  const auto* bytes = reinterpret_cast<const unsigned char*>(in);
  for (size_t i = sizeof(T); i < size; ++i)
    if (bytes[i] != 0)
      fail(Code::invalid, "%s: struct_size is %zu and byte %zu is set, which this version (%zu bytes) does not know", name,
           size, i, sizeof(T));
  std::memcpy(&out, in, std::min(size, sizeof(T)));
  out.struct_size = sizeof(T);
}

// For *_options_init: writes at most `size` bytes of the defaults.
template <class T>
void init_options(T* options, size_t size, T defaults, const char* name) {
  need(options, name);
  check_size<T>(size, name);
  const size_t known = std::min(size, sizeof(T));
  defaults.struct_size = static_cast<uint32_t>(size);
  std::memset(options, 0, size);
  std::memcpy(options, &defaults, known);
}

// For get_info: writes at most the caller's struct_size bytes.
template <class T>
void copy_out(T* out, T value, const char* name) {
  need(out, name);
  const size_t size = out->struct_size;
  if (size < first_size<T>()) fail(Code::invalid, "%s: struct_size is %zu, expected at least %zu", name, size, first_size<T>());
  value.struct_size = out->struct_size;
  std::memcpy(out, &value, std::min(size, sizeof(T)));
}

// For calls that fill a caller's buffer: all of it, or RECURRA_E_TOO_SMALL with the size needed.
template <class T>
void fill(T* out, size_t capacity, size_t* n_out, const T* values, size_t count, const char* what) {
  need(n_out, "n_out");
  if (capacity != 0) need(out, "out");
  *n_out = count;
  if (count > capacity) fail(Code::too_small, "the buffer holds %zu %s, expected at least %zu", capacity, what, count);
  if (count != 0) std::memcpy(out, values, count * sizeof(T));
}

// A caller's text; (size_t)-1 is "to the terminating zero".
inline std::string_view text_view(const char* text, size_t length, const char* name) {
  if (length == 0) return {};
  need(text, name);
  return {text, length == static_cast<size_t>(-1) ? std::strlen(text) : length};
}

}  // namespace recurra
