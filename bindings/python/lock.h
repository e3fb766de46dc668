// The interpreter lock, as calls let go of it and take it back.
//
// When the interpreter ends while other threads (daemons) are in a call, Python ends each of them as it asks for the lock, by
// unwinding a stack that has C++ on it: the process aborts. What still computes then meets globals that exit() has destroyed.
// So stop_calls(), the first thing at the end, stops the calls, and their threads stay for ever where they would ask for the lock,
// as Python itself has it from 3.14 on.
#ifndef RECURRA_PYTHON_LOCK_H
#define RECURRA_PYTHON_LOCK_H

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <recurra/recurra.hpp>
#include <thread>
#include <utility>
#include <vector>

namespace recurra::glue {

class Lock {
 public:
  // A call begins to compute, and ends. Calls nest, where a callback makes one.
  static PyThreadState* leave() {
    if (depth_++ == 0) ++in_calls_;
    PyThreadState* state = PyEval_SaveThread();
    without_ = true;
    stay_if_ending();
    return state;
  }
  static void enter(PyThreadState* state) {
    stay_if_ending();
    PyEval_RestoreThread(state);
    without_ = false;
    if (--depth_ == 0) --in_calls_;
  }

  // Around a callback; also where the lock is held already.
  static std::pair<PyGILState_STATE, bool> ensure() {
    stay_if_ending();
    const bool was = without_;
    const PyGILState_STATE state = PyGILState_Ensure();
    without_ = false;
    return {state, was};
  }
  static void release(std::pair<PyGILState_STATE, bool> state) {
    PyGILState_Release(state.first);
    without_ = state.second;
  }

  // The Cancel of a long call of this thread, while it lives.
  static void add(Cancel* cancel) {
    const std::lock_guard<std::mutex> guard(mutex_);
    cancels_.emplace_back(cancel, pthread_self());
  }
  static void remove(Cancel* cancel) {
    const std::lock_guard<std::mutex> guard(mutex_);
    const auto at = std::find(cancels_.rbegin(), cancels_.rend(), Entry(cancel, pthread_self()));
    if (at != cancels_.rend()) cancels_.erase(std::next(at).base());
  }

  static bool ending() { return ending_; }

  // In a call of the thread that ends the interpreter. A callback that does not return within seconds is left alone.
  static void stop() {
    ender_ = pthread_self();
    ending_ = true;
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      for (const Entry& entry : cancels_) entry.first->trigger();
    }
    for (int i = 0; i < 3000 && in_calls_ > 1; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  // A child has this thread alone.
  static void follow_forks() {
    pthread_atfork([] { mutex_.lock(); }, [] { mutex_.unlock(); },
                   [] {
                     const auto gone = [](const Entry& entry) { return pthread_equal(entry.second, pthread_self()) == 0; };
                     cancels_.erase(std::remove_if(cancels_.begin(), cancels_.end(), gone), cancels_.end());
                     in_calls_ = depth_ > 0 ? 1 : 0;
                     mutex_.unlock();
                   });
  }

 private:
  using Entry = std::pair<Cancel*, pthread_t>;

  static void stay_if_ending() {
    if (!without_ || !ending_ || pthread_equal(ender_, pthread_self()) != 0) return;
    --in_calls_;
    for (;;) pause();
  }

  inline static std::atomic<bool> ending_{false};
  inline static std::atomic<int> in_calls_{0};  // threads
  inline static pthread_t ender_{};
  inline static std::mutex& mutex_ = *new std::mutex;  // for ever: threads stay
  inline static std::vector<Entry>& cancels_ = *new std::vector<Entry>;
  inline static thread_local int depth_ = 0;
  inline static thread_local bool without_ = false;  // in a call, and without the lock
};

inline void stop_calls() { Lock::stop(); }

// What SWIG's code uses.
class Unlocked {
 public:
  Unlocked() : state_(Lock::leave()) {}
  ~Unlocked() { end(); }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;
  void end() {
    if (state_ != nullptr) Lock::enter(std::exchange(state_, nullptr));
  }

 private:
  PyThreadState* state_;
};

class Locked {
 public:
  Locked() : state_(Lock::ensure()) {}
  ~Locked() { end(); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  void end() {
    if (std::exchange(held_, false)) Lock::release(state_);
  }

 private:
  std::pair<PyGILState_STATE, bool> state_;
  bool held_ = true;
};

}  // namespace recurra::glue

#define SWIG_PYTHON_INITIALIZE_THREADS recurra::glue::Lock::follow_forks()
#define SWIG_PYTHON_THREAD_BEGIN_BLOCK recurra::glue::Locked _swig_thread_block
#define SWIG_PYTHON_THREAD_END_BLOCK _swig_thread_block.end()
#define SWIG_PYTHON_THREAD_BEGIN_ALLOW recurra::glue::Unlocked _swig_thread_allow
#define SWIG_PYTHON_THREAD_END_ALLOW _swig_thread_allow.end()

#endif
