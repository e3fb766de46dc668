#include "core/error.h"
#include "mixers/mixer.h"

namespace recurra {

size_t StateLayout::add(const std::string& name, const Shape& shape, DType type) {
  const size_t offset = bytes_;
  slices_.push_back({name, shape, offset, type});
  bytes_ += (static_cast<size_t>(shape.elements()) * info(type).block_bytes + 63) / 64 * 64;
  return offset;
}

int64_t StateLayout::add_cache(int64_t width) {
  if (cache_layers_ != 0 && width != cache_width_)
    fail(Code::unsupported, "attention layers with keys of %lld and of %lld values in one model are not supported",
         static_cast<long long>(cache_width_), static_cast<long long>(width));
  cache_width_ = width;
  return cache_layers_++;
}

}  // namespace recurra
