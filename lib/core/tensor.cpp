#include "core/tensor.h"

namespace recurra {

std::string Shape::text() const {
  std::string s = "[";
  for (int i = 0; i < rank; ++i) s += (i ? ", " : "") + std::to_string(dim[static_cast<size_t>(i)]);
  return s + "]";
}

Shape shape(int64_t a) { return {1, {a, 1, 1, 1}}; }
Shape shape(int64_t a, int64_t b) { return {2, {a, b, 1, 1}}; }
Shape shape(int64_t a, int64_t b, int64_t c) { return {3, {a, b, c, 1}}; }
Shape shape(int64_t a, int64_t b, int64_t c, int64_t d) { return {4, {a, b, c, d}}; }

}  // namespace recurra
