// How CpuExec's operations share work between threads, for the files that implement them.
#pragma once

#include <algorithm>

#include "backend/cpu/exec.h"

namespace recurra {

inline float* row(Tensor t, int64_t i) { return t.data + i * t.stride; }

inline const float* values(const Vector* v) { return v != nullptr ? v->data() : nullptr; }

// The segment that row i belongs to: the last one that begins at or before it.
inline const Segment& segment_of(const Rows& rows, int64_t i) {
  const Segment *first = rows.segments.data(), *end = first + rows.segments.size();
  return *(std::upper_bound(first, end, i, [](int64_t at, const Segment& g) { return at < g.first; }) - 1);
}

// A task of the pool has to be worth the few hundred nanoseconds it costs to hand out: this many floats of simple work.
constexpr int64_t kTaskFloats = 8192;

template <class F>
void CpuExec::each(int64_t count, const F& task) {
  if (pool_ == nullptr || count <= 1) {
    for (int64_t i = 0; i < count; ++i) task(i, 0);
    return;
  }
  struct Call {
    const F& task;
    std::atomic<bool> failed{false};
    std::exception_ptr error;
  } call{task, {}, {}};
  pool_->run(
      count,
      [](void* context, int64_t i, int thread) {
        Call& c = *static_cast<Call*>(context);
        if (c.failed.load(std::memory_order_relaxed)) return;
        try {
          c.task(i, thread);
        } catch (...) {
          if (!c.failed.exchange(true)) c.error = std::current_exception();
        }
      },
      &call);
  if (call.error) std::rethrow_exception(call.error);
}

// The same for pieces of work of `cost` floats each: several of them are one task where one alone is too little.
template <class F>
void CpuExec::each_piece(int64_t count, int64_t cost, const F& piece) {
  const int64_t step = std::max<int64_t>(1, kTaskFloats / std::max<int64_t>(1, cost));
  each((count + step - 1) / step, [&](int64_t task, int thread) {
    const int64_t end = std::min(count, (task + 1) * step);
    for (int64_t i = task * step; i < end; ++i) piece(i, thread);
  });
}

template <class F>
void CpuExec::each_row(int64_t rows, int64_t cost, const F& task) {
  each_piece(rows, cost, [&](int64_t i, int) { task(i); });
}

}  // namespace recurra
