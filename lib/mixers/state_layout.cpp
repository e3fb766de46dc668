#include "mixers/mixer.h"

namespace recurra {

size_t StateLayout::add(const std::string& name, const Shape& shape) {
  const size_t offset = bytes_;
  slices_.push_back({name, shape, offset});
  bytes_ += (static_cast<size_t>(shape.elements()) * sizeof(float) + 63) / 64 * 64;
  return offset;
}

}  // namespace recurra
