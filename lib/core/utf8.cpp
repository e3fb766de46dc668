#include "core/utf8.h"

namespace recurra {
namespace {

struct Lead {
  size_t length;             // bytes of the character, 0 if the byte cannot start one
  unsigned char low, high;   // the range allowed for the second byte
};

Lead lead_of(unsigned char c) {
  if (c < 0x80) return {1, 0, 0};
  if (c < 0xc2) return {0, 0, 0};
  if (c < 0xe0) return {2, 0x80, 0xbf};
  if (c == 0xe0) return {3, 0xa0, 0xbf};
  if (c == 0xed) return {3, 0x80, 0x9f};
  if (c < 0xf0) return {3, 0x80, 0xbf};
  if (c == 0xf0) return {4, 0x90, 0xbf};
  if (c < 0xf4) return {4, 0x80, 0xbf};
  if (c == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

// How many bytes from p on fit the character that p starts, at most its length.
size_t matching(const char* p, size_t size, const Lead& lead) {
  size_t n = 1;
  while (n < lead.length && n < size) {
    const unsigned char c = static_cast<unsigned char>(p[n]);
    const unsigned char low = n == 1 ? lead.low : 0x80, high = n == 1 ? lead.high : 0xbf;
    if (c < low || c > high) break;
    ++n;
  }
  return n;
}

}  // namespace

size_t utf8_sequence(const char* p, size_t size) {
  if (size == 0) return 0;
  const Lead lead = lead_of(static_cast<unsigned char>(*p));
  return lead.length != 0 && matching(p, size, lead) == lead.length ? lead.length : 0;
}

size_t utf8_complete(const char* p, size_t size) {
  for (size_t back = 1; back <= 3 && back <= size; ++back) {
    const char* start = p + size - back;
    const Lead lead = lead_of(static_cast<unsigned char>(*start));
    if (lead.length > back && matching(start, back, lead) == back) return size - back;
    if (lead.length != 0) break;  // a whole character, or a broken one: show it
  }
  return size;
}

}  // namespace recurra
