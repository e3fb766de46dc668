// A small pool of threads: spin for a while, then sleep on a futex. One parallel call at a time; a second caller, or a
// callback inside the first, computes alone instead of waiting (the results do not depend on it).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace recurra {

class Pool {
 public:
  explicit Pool(int threads);  // the caller of run() is one of them
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Only one lease at a time.
  bool try_lease() { return !leased_.exchange(true, std::memory_order_acquire); }
  void end_lease() { leased_.store(false, std::memory_order_release); }

  // Calls task(context, i, thread) for every i in 0..count-1, in any order on any thread; 0 <= thread < threads().
  // Tasks must not throw. For the holder of the lease.
  using Task = void (*)(void* context, int64_t i, int thread);
  void run(int64_t count, Task task, void* context);

  // A fork leaves a child without its parent's threads: whoever holds a pool compares this number with the one at
  // the pool's making.
  static uint32_t forks();

 private:
  static constexpr uint32_t kClosed = 1u << 31;

  void work(int thread);
  bool enter();
  void take(int thread);

  std::vector<std::thread> workers_;
  std::atomic<bool> leased_{false};
  std::atomic<uint32_t> epoch_{0};    // counts calls; workers wait for it to change
  std::atomic<int32_t> sleepers_{0};  // workers in the futex
  std::atomic<uint32_t> gate_{kClosed};  // workers inside the present call, and whether no more may come in
  std::atomic<int64_t> next_{0};
  std::atomic<bool> stop_{false};
  int64_t count_ = 0;
  Task task_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace recurra
