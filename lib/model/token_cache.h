// Keys and values of all tokens a state has read, for models with softmax attention: the part of a state that grows. It
// is made of pages that copies of the state share; a page is copied when one of them writes into it.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "backend/backend.h"

namespace recurra {

// A page and how many caches hold it. Whoever is alone with a page writes into it, after all that those who have let go
// of it did; a shared_ptr's use_count() would not say that it was after.
class CachePage {
 public:
  explicit CachePage(std::shared_ptr<Buffer> buffer) : shared_(std::make_shared<Shared>(std::move(buffer))) {}
  CachePage(const CachePage& o) noexcept : shared_(o.shared_) {
    shared_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  CachePage(CachePage&& o) noexcept : shared_(std::move(o.shared_)) {}
  CachePage& operator=(CachePage o) noexcept {
    shared_.swap(o.shared_);
    return *this;
  }
  ~CachePage() {
    if (shared_) shared_->holders.fetch_sub(1, std::memory_order_release);
  }
  bool alone() const { return shared_->holders.load(std::memory_order_acquire) == 1; }
  std::byte* data() const { return shared_->buffer->data(); }

 private:
  struct Shared {
    explicit Shared(std::shared_ptr<Buffer> b) : buffer(std::move(b)) {}
    std::shared_ptr<Buffer> buffer;
    std::atomic<int64_t> holders{1};
  };
  std::shared_ptr<Shared> shared_;
};

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
  template <class F>
  void each_page(int64_t layer, int part, uint64_t tokens, const F& task) const;
  size_t page_bytes() const { return static_cast<size_t>(2 * layers_ * KvCache::kPage * width_) * sizeof(float); }

  Backend* backend_ = nullptr;
  int64_t layers_ = 0, width_ = 0;
  std::vector<CachePage> pages_;
  KvCache view_;
};

}  // namespace recurra
