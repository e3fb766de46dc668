// Which of many texts is the longest that some bytes begin with. Immutable once built.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace recurra {

// Nodes are numbered breadth first, so that the children of a node lie side by side, sorted by the byte that leads to
// them: first[n] .. first[n+1]-1. 9 bytes a node; the RWKV World vocabulary has 250,000.
class PrefixTree {
 public:
  struct Entry {
    std::string_view bytes;  // not empty; used while the tree is built only
    int32_t token;
  };
  struct Match {
    int32_t token = -1;
    size_t length = 0;  // 0: no token fits
  };

  // Of entries with the same bytes the lowest token counts.
  explicit PrefixTree(std::vector<Entry> entries);

  Match longest(const unsigned char* p, size_t size) const {
    Match best;
    uint32_t node = size != 0 ? root_[p[0]] : 0;
    for (size_t length = 1; node != 0; ++length) {
      if (token_[node] >= 0) best = {token_[node], length};
      node = length < size ? child(node, p[length]) : 0;
    }
    return best;
  }

 private:
  uint32_t child(uint32_t node, unsigned char c) const {  // 0: none, the root is nobody's child
    uint32_t begin = first_[node], end = first_[node + 1];
    while (end - begin > 8) {
      const uint32_t middle = begin + (end - begin) / 2;
      (byte_[middle] <= c ? begin : end) = middle;
    }
    for (; begin < end; ++begin) {
      if (byte_[begin] == c) return begin;
    }
    return 0;
  }

  std::array<uint32_t, 256> root_{};  // every search begins here: the child by its byte
  std::vector<uint32_t> first_;
  std::vector<int32_t> token_;  // the token that ends at the node, -1 if none does
  std::vector<unsigned char> byte_;
};

}  // namespace recurra
