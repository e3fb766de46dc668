// xoshiro256** (Blackman, Vigna 2018, https://prng.di.unimi.it/xoshiro256starstar.c), its state filled from a 64-bit
// seed by splitmix64, as its authors advise. Part of the contract "the same seed gives the same tokens everywhere": it
// is not to change, and the std:: distributions, whose results differ between standard libraries, are not to be put on
// top.
#pragma once

#include <cstdint>

namespace recurra {

// One step of splitmix64: moves x on and returns the next output.
inline uint64_t splitmix64(uint64_t& x) {
  uint64_t z = (x += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) word = splitmix64(seed);
  }
  // The state itself, not all zero: for the published test vectors.
  Random(uint64_t a, uint64_t b, uint64_t c, uint64_t d) : state_{a, b, c, d} {}

  uint64_t next() {
    const uint64_t result = rotate(state_[1] * 5, 7) * 9, shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  // Uniform in [0, 1): the upper 53 bits times 2^-53, exact.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  static uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  uint64_t state_[4];
};

}  // namespace recurra
