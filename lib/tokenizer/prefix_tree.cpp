#include "tokenizer/prefix_tree.h"

#include <algorithm>

namespace recurra {

PrefixTree::PrefixTree(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    const int order = a.bytes.compare(b.bytes);
    return order != 0 ? order < 0 : a.token < b.token;
  });
  struct Range {  // the entries that begin with the bytes on the way to a node
    size_t begin, end;
  };
  std::vector<Range> level{{0, entries.size()}}, next;
  uint32_t nodes = 1;
  byte_.push_back(0);  // nothing leads to the root
  for (size_t depth = 0; !level.empty(); ++depth, level.swap(next), next.clear()) {
    for (Range r : level) {
      first_.push_back(nodes);
      token_.push_back(-1);
      if (r.begin < r.end && entries[r.begin].bytes.size() == depth) token_.back() = entries[r.begin].token;
      while (r.begin < r.end && entries[r.begin].bytes.size() == depth) ++r.begin;  // duplicates: the lowest id won
      while (r.begin < r.end) {
        const char c = entries[r.begin].bytes[depth];
        Range child{r.begin, r.begin};
        while (child.end < r.end && entries[child.end].bytes[depth] == c) ++child.end;
        byte_.push_back(static_cast<unsigned char>(c));
        next.push_back(child);
        ++nodes;
        r.begin = child.end;
      }
    }
  }
  first_.push_back(nodes);
  for (uint32_t child = first_[0]; child < first_[1]; ++child) root_[byte_[child]] = child;
}

}  // namespace recurra
