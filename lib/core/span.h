// A view of n objects that somebody else owns.
#pragma once

#include <cstddef>
#include <vector>

namespace recurra {

template <class T>
class Span {
 public:
  Span() = default;
  Span(T* data, size_t size) : data_(data), size_(size) {}
  template <class U>
  Span(std::vector<U>& v) : data_(v.data()), size_(v.size()) {}
  template <class U>
  Span(const std::vector<U>& v) : data_(v.data()), size_(v.size()) {}

  T* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() const { return data_; }
  T* end() const { return data_ + size_; }
  T& operator[](size_t i) const { return data_[i]; }
  Span sub(size_t first, size_t count) const { return Span(data_ + first, count); }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace recurra
