/* oneDNN uses std::random_device, so that the program, which is linked to it, gets that of the static libstdc++; Debian 12's
   wants arc4random of glibc 2.36. Older ones have this. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

__attribute__((visibility("hidden"))) uint32_t arc4random(void);

uint32_t arc4random(void) {
  uint32_t value;
  while (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value) continue;
  return value;
}
