// xxh3, 128 bits, as 32 lower-case hexadecimal digits of its canonical (big-endian) form.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace recurra {

class Hasher {
 public:
  Hasher();
  ~Hasher();
  void add(const void* data, size_t size);
  void add(const std::string& s);  // its length, then its bytes: ("ab","c") and ("a","bc") differ
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string hash_hex(const void* data, size_t size);

}  // namespace recurra
