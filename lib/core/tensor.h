// A tensor in a file: type, shape and where its bytes lie. It owns nothing; what it points into (a mapped file,
// the caller's memory) outlives it.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/dtype.h"

namespace recurra {

// Row-major, outermost dimension first: a weight is [out, in]. At most 4 dimensions.
struct Shape {
  int rank = 0;
  std::array<int64_t, 4> dim{1, 1, 1, 1};

  int64_t elements() const { return dim[0] * dim[1] * dim[2] * dim[3]; }  // 1 for rank 0
  std::string text() const;                                               // "[256, 64]"
  bool operator==(const Shape& o) const { return rank == o.rank && dim == o.dim; }
  bool operator!=(const Shape& o) const { return !(*this == o); }
};

Shape shape(int64_t a);
Shape shape(int64_t a, int64_t b);
Shape shape(int64_t a, int64_t b, int64_t c);
Shape shape(int64_t a, int64_t b, int64_t c, int64_t d);

struct TensorView {
  std::string name;
  DType type = DType::f32;
  Shape shape;
  const void* data = nullptr;
  uint64_t bytes = 0;
  bool mapped = false;  // the data are pages of a file (mapped_file.h): they may be dropped, and are read again at need
};

}  // namespace recurra
