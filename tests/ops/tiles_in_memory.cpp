// int8_amx.cpp once more, with AMX's tiles in plain memory: what it computes can be tested on any CPU with AVX-512.
#include "ops/tiles_in_memory.h"

#include <immintrin.h>

#include <cstring>

namespace recurra::test {
namespace {

// The part of a TILECFG that the kernels fill in, and the tiles' values, as "Intel 64 and IA-32 Architectures Software
// Developer's Manual", volume 1, chapter 18 has them.
struct Config {
  uint8_t palette, start, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
};

struct Tiles {
  Config config = {};
  alignas(64) uint8_t at[8][16][64] = {};
};
thread_local Tiles tiles;

// Where a CPU would raise an exception.
void demand(bool valid, const char* what) {
  if (!valid) throw std::logic_error(what);
}

void load_config(const void* from) {
  tiles = {};
  std::memcpy(&tiles.config, from, sizeof(Config));
  const Config& c = tiles.config;
  demand(c.palette == 1 && c.start == 0, "a palette there is not");
  for (int i = 0; i < 16; ++i)
    demand(i < 8 ? c.rows[i] <= 16 && c.bytes[i] <= 64 : c.rows[i] == 0 && c.bytes[i] == 0, "no such tile");
}

void release() { tiles = {}; }

void zero(int t) {
  demand(tiles.config.palette == 1, "tiles that are not configured");
  std::memset(tiles.at[t], 0, sizeof tiles.at[t]);
}

void load_tile(int t, const void* from, int64_t stride) {
  zero(t);
  for (int r = 0; r < tiles.config.rows[t]; ++r)
    std::memcpy(tiles.at[t][r], static_cast<const uint8_t*>(from) + r * stride, tiles.config.bytes[t]);
}

void store_tile(int t, void* to, int64_t stride) {
  demand(tiles.config.palette == 1, "tiles that are not configured");
  for (int r = 0; r < tiles.config.rows[t]; ++r)
    std::memcpy(static_cast<uint8_t*>(to) + r * stride, tiles.at[t][r], tiles.config.bytes[t]);
}

// sums [M, N] of 32 bits += a [M, 4 K] times b [K, 4 N], signed bytes both.
void multiply(int sums, int a, int b) {
  const Config& c = tiles.config;
  demand(c.rows[sums] == c.rows[a] && c.bytes[sums] == c.bytes[b] && c.bytes[a] == 4 * c.rows[b],
         "tiles that do not fit each other");
  for (int m = 0; m < c.rows[sums]; ++m)
    for (int n = 0; n < c.bytes[sums] / 4; ++n) {
      int32_t sum;
      std::memcpy(&sum, tiles.at[sums][m] + 4 * n, 4);
      for (int k = 0; k < c.bytes[a]; ++k)
        sum += static_cast<int8_t>(tiles.at[a][m][k]) * static_cast<int8_t>(tiles.at[b][k / 4][4 * n + k % 4]);
      std::memcpy(tiles.at[sums][m] + 4 * n, &sum, 4);
    }
}

}  // namespace
}  // namespace recurra::test

#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbssd
#define _tile_loadconfig(from) recurra::test::load_config(from)
#define _tile_release() recurra::test::release()
#define _tile_zero(t) recurra::test::zero(t)
#define _tile_loadd(t, from, stride) recurra::test::load_tile(t, from, stride)
#define _tile_stored(t, to, stride) recurra::test::store_tile(t, to, stride)
#define _tile_dpbssd(sums, a, b) recurra::test::multiply(sums, a, b)
#define kInt8Amx kInt8TilesInMemory
#include "backend/cpu/int8_amx.cpp"
