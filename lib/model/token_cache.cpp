#include "model/token_cache.h"

#include <algorithm>

namespace recurra {

namespace {

size_t pages_for(uint64_t tokens) {
  return static_cast<size_t>((tokens + static_cast<uint64_t>(KvCache::kPage) - 1) /
                             static_cast<uint64_t>(KvCache::kPage));
}

}  // namespace

void TokenCache::prepare(uint64_t position, uint64_t count) {
  if (layers_ == 0) return;
  const size_t kept = std::min(pages_for(position), pages_.size());
  const bool writes_into_last = position % static_cast<uint64_t>(KvCache::kPage) != 0 && count != 0;
  const bool copies_last = writes_into_last && !pages_[kept - 1].alone();
  std::vector<CachePage> pages(pages_.begin(), pages_.begin() + static_cast<std::ptrdiff_t>(kept));
  if (copies_last) {
    auto own = backend_->allocate(page_bytes());
    backend_->copy(own->data(), pages.back().data(), page_bytes());
    pages.back() = CachePage(std::move(own));
  }
  while (pages.size() < pages_for(position + count)) pages.emplace_back(backend_->allocate(page_bytes()));
  pages_ = std::move(pages);
}

void TokenCache::keep(uint64_t tokens) noexcept {
  while (pages_.size() > pages_for(tokens)) pages_.pop_back();
}

KvCache* TokenCache::view() {
  if (layers_ == 0) return nullptr;
  view_.page_stride = KvCache::kPage * width_;
  view_.pages.clear();
  for (const auto& page : pages_) view_.pages.push_back(reinterpret_cast<float*>(page.data()));
  return &view_;
}

void TokenCache::read(float* out, int64_t layer, int part, uint64_t tokens) const {
  each_page(layer, part, tokens, [&](std::byte* page, uint64_t first, size_t bytes) {
    backend_->download(out + static_cast<int64_t>(first) * width_, page, bytes);
  });
}

void TokenCache::write(const float* in, int64_t layer, int part, uint64_t tokens) {
  each_page(layer, part, tokens, [&](std::byte* page, uint64_t first, size_t bytes) {
    backend_->upload(page, in + static_cast<int64_t>(first) * width_, bytes);
  });
}

// task(where they lie, the first token, bytes) for each page's keys or values.
template <class F>
void TokenCache::each_page(int64_t layer, int part, uint64_t tokens, const F& task) const {
  const auto page = static_cast<uint64_t>(KvCache::kPage);
  const size_t row = static_cast<size_t>(width_) * sizeof(float);
  const size_t at = static_cast<size_t>((2 * layer + part) * KvCache::kPage) * row;
  for (uint64_t first = 0; first < tokens; first += page)
    task(pages_[static_cast<size_t>(first / page)].data() + at, first,
         static_cast<size_t>(std::min(page, tokens - first)) * row);
}

}  // namespace recurra
