// A flag that stops long work: set from any thread or signal handler, looked at by the work between its steps.
#pragma once

#include <atomic>

namespace recurra {

class Cancel {
 public:
  // Relaxed is enough: the flag orders nothing but itself, and whoever waits for the work to stop joins or locks
  // anyway.
  void trigger() noexcept { flag_.store(1, std::memory_order_relaxed); }
  void reset() noexcept { flag_.store(0, std::memory_order_relaxed); }
  bool triggered() const noexcept { return flag_.load(std::memory_order_relaxed) != 0; }

 private:
  std::atomic<int> flag_{0};
};

// What makes trigger() safe in a signal handler.
static_assert(std::atomic<int>::is_always_lock_free, "a cancel must not take a lock");

}  // namespace recurra
