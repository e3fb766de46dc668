#include "backend/cpu/pool.h"

#include <linux/futex.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

namespace recurra {
namespace {

std::atomic<uint32_t>& fork_count() {
  static std::atomic<uint32_t> count{0};
  return count;
}

void count_fork() { fork_count().fetch_add(1, std::memory_order_relaxed); }

void relax() { __builtin_ia32_pause(); }

void futex_wait(std::atomic<uint32_t>& word, uint32_t seen) {
  ::syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

void futex_wake_all(std::atomic<uint32_t>& word) {
  ::syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

// About 50 us: longer than the gaps between one step's operations, shorter than anybody's patience with a busy core.
constexpr int kSpins = 2000;
// The caller has nothing else to do, but may share its core with the worker it waits for.
constexpr int kSpinsBeforeYield = 500;

}  // namespace

uint32_t Pool::forks() {
  static const int registered = ::pthread_atfork(nullptr, nullptr, count_fork);
  (void)registered;
  return fork_count().load(std::memory_order_relaxed);
}

Pool::Pool(int threads) {
  // Signals belong to the program's own threads.
  sigset_t all, old;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &old);
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (...) {  // fewer threads than asked for are still a pool
  }
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

Pool::~Pool() {
  stop_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  futex_wake_all(epoch_);
  for (std::thread& t : workers_) t.join();
}

void Pool::run(int64_t count, Task task, void* context) {
  if (count <= 1 || workers_.empty()) {
    for (int64_t i = 0; i < count; ++i) task(context, i, 0);
    return;
  }
  count_ = count;
  task_ = task;
  context_ = context;
  next_.store(0, std::memory_order_relaxed);
  gate_.store(0, std::memory_order_release);
  epoch_.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) > 0) futex_wake_all(epoch_);
  take(0);
  // Who has not come by now finds the gate closed; only those inside are waited for.
  gate_.fetch_or(kClosed, std::memory_order_relaxed);
  for (int spins = 0; gate_.load(std::memory_order_acquire) != kClosed;) {
    relax();
    if (++spins > kSpinsBeforeYield) ::sched_yield();
  }
}

bool Pool::enter() {
  uint32_t inside = gate_.load(std::memory_order_relaxed);
  while ((inside & kClosed) == 0)
    if (gate_.compare_exchange_weak(inside, inside + 1, std::memory_order_acquire)) return true;
  return false;
}

// A thread takes its part of three quarters of what is left: long stretches first, single tasks at the end, so that a
// thread that is slower or came later is not waited for long.
void Pool::take(int thread) {
  int64_t i = next_.load(std::memory_order_relaxed);
  while (i < count_) {
    const int64_t end = i + std::max<int64_t>(1, (count_ - i) * 3 / (4 * threads()));
    if (!next_.compare_exchange_weak(i, end, std::memory_order_relaxed)) continue;
    for (; i < end; ++i) task_(context_, i, thread);
    i = next_.load(std::memory_order_relaxed);
  }
}

void Pool::work(int thread) {
  omp_set_num_threads(1);  // oneDNN runs inside our tasks and must not start a team of its own
  uint32_t seen = 0;
  for (;;) {
    int spins = 0;
    while (epoch_.load(std::memory_order_acquire) == seen) {
      if (++spins < kSpins) {
        relax();
        continue;
      }
      sleepers_.fetch_add(1, std::memory_order_seq_cst);
      if (epoch_.load(std::memory_order_seq_cst) == seen) futex_wait(epoch_, seen);
      sleepers_.fetch_sub(1, std::memory_order_relaxed);
    }
    seen = epoch_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_relaxed)) return;
    if (!enter()) continue;
    take(thread);
    gate_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace recurra
