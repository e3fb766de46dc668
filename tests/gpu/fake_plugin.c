/* A plugin of another version: its table begins with the number, as every version's does. */
#include <stdint.h>

__attribute__((visibility("default"))) const int32_t* recurra_cuda_plugin(void) {
  static const int32_t table[64] = {999};
  return table;
}
