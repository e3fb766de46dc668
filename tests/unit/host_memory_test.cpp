// Weights in an order of their own share large blocks: each part is its own, is zero and outlives whoever gave it.
#include "backend/host_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

namespace recurra {
namespace {

constexpr size_t kMega = size_t{1} << 20;

bool all_are(const Buffer& b, std::byte value) {
  return std::all_of(b.data(), b.data() + b.size(), [&](std::byte at) { return at == value; });
}

TEST(WeightMemory, PartsAreZeroAlignedAndApart) {
  WeightMemory memory;
  std::vector<std::shared_ptr<Buffer>> parts;
  // Some share a block, some have one to themselves, and one does not fit into what a block has left.
  for (const size_t bytes :
       {size_t{1}, size_t{63}, size_t{65}, 3 * kMega + 1, 40 * kMega, 16 * kMega, 15 * kMega, size_t{100}})
    parts.push_back(memory.take(bytes));
  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(parts[i]->data()) % 64, 0u);
    EXPECT_TRUE(all_are(*parts[i], std::byte{0}));
    std::memset(parts[i]->data(), static_cast<int>(i) + 1, parts[i]->size());
  }
  for (size_t i = 0; i < parts.size(); ++i) EXPECT_TRUE(all_are(*parts[i], static_cast<std::byte>(i + 1)));
}

TEST(WeightMemory, PartsOutliveTheirMaker) {
  std::shared_ptr<Buffer> first, second;
  {
    WeightMemory memory;
    first = memory.take(100);
    second = memory.take(100);
  }
  std::memset(first->data(), 1, first->size());
  first.reset();
  EXPECT_TRUE(all_are(*second, std::byte{0}));
}

TEST(WeightMemory, ThreadsGetPartsOfTheirOwn) {
  WeightMemory memory;
  constexpr int kThreads = 4, kParts = 200;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&memory, t] {
      std::vector<std::shared_ptr<Buffer>> parts;
      for (int i = 0; i < kParts; ++i) {
        parts.push_back(memory.take(1000));
        std::memset(parts.back()->data(), t + 1, parts.back()->size());
      }
      for (const auto& part : parts) EXPECT_TRUE(all_are(*part, static_cast<std::byte>(t + 1)));
    });
  for (std::thread& t : threads) t.join();
}

TEST(WeightMemory, TooMuchIsBadAlloc) {
  WeightMemory memory;
  EXPECT_THROW(memory.take(size_t{1} << 60), std::bad_alloc);
  EXPECT_NE(memory.take(100), nullptr);
}

}  // namespace
}  // namespace recurra
