// Keys and values of all tokens a state has read, for models with softmax attention: the part of a state that grows. It
// is made of pages that copies of the state share; a page is copied when one of them writes into it.
#pragma once

#include <memory>
#include <vector>

#include "backend/backend.h"

namespace recurra {

class TokenCache {
 public:
  TokenCache() = default;  // copies have the same pages
  // `layers` attention layers with `width` values for keys and as many for values; 0 layers: there is nothing to keep.
  TokenCache(Backend& backend, int64_t layers, int64_t width) : backend_(&backend), layers_(layers), width_(width) {}

  // Makes room for tokens position .. position+count-1, in pages of this cache's own. What lies before `position` stays
  // as it is; what lay behind it is given up. After this, nothing is allocated while the tokens are read.
  void prepare(uint64_t position, uint64_t count);
  void keep(uint64_t tokens) noexcept;  // gives up the pages behind
  void clear() noexcept { pages_.clear(); }

  KvCache* view();  // null for models without attention
  uint64_t bytes() const { return pages_.size() * page_bytes(); }

  // Tokens' keys (part 0) or values (part 1) of a layer, [tokens, width].
  void read(float* out, int64_t layer, int part, uint64_t tokens) const;
  void write(const float* in, int64_t layer, int part, uint64_t tokens);

 private:
  size_t page_bytes() const { return static_cast<size_t>(2 * layers_ * KvCache::kPage * width_) * sizeof(float); }

  Backend* backend_ = nullptr;
  int64_t layers_ = 0, width_ = 0;
  std::vector<std::shared_ptr<Buffer>> pages_;
  KvCache view_;
};

}  // namespace recurra
