// Ctrl-C in the middle of a call. Python sees its signals only between bytecodes, so for the duration of a call the
// handler of SIGINT is one that runs Python's and triggers a Cancel. Python's own handlers then run as the call ends:
// what they raise comes out of it, and without that it goes on.
#ifndef RECURRA_PYTHON_INTERRUPT_H
#define RECURRA_PYTHON_INTERRUPT_H

#include <signal.h>

#include <recurra/recurra.hpp>

#include "python/lock.h"

namespace recurra::glue {

// A Python exception is set, and is what the call ends with.
struct PythonError {};

// A long call: it begins and ends with the interpreter lock, which is released in between.
class Interrupt {
 public:
  // `wanted` only in Python's main thread, which alone runs signal handlers.
  Interrupt(bool wanted, Cancel* cancel) : cancel_(cancel) {
    if (cancel_ == nullptr) cancel_ = &own_.emplace();
    if (wanted) {
      install();
      // One that came before is Python's to handle now: nothing else would until the end of the call.
      if (PyErr_CheckSignals() != 0) {
        uninstall();
        throw PythonError();
      }
    }
    Lock::add(cancel_);
    thread_ = Lock::leave();
  }
  ~Interrupt() {
    Lock::enter(thread_);
    Lock::remove(cancel_);
    uninstall();
    if (signalled_ != 0) cancel_->reset();  // the call was done before it saw that; it may be the caller's
  }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  Cancel* cancel() const { return cancel_; }

  bool resume(const Error& error) {
    if (error.status() != RECURRA_E_CANCELLED || signalled_ == 0) return false;
    if (raised()) throw PythonError();
    return true;
  }

  bool pending() { return Lock::ending() || (signalled_ != 0 && raised()); }
  void surface() {
    if (raised_) throw PythonError();
  }

 private:
  void install() {
    outer_ = innermost_;
    if (outer_ == nullptr) {
      struct sigaction python = {};
      sigaction(SIGINT, nullptr, &python);
      if ((python.sa_flags & SA_SIGINFO) != 0 || python.sa_handler == SIG_DFL || python.sa_handler == SIG_IGN) return;
      python_ = python.sa_handler;
      innermost_ = this;
      struct sigaction ours = python;
      ours.sa_handler = &handle;
      sigaction(SIGINT, &ours, &before_);
    } else {
      innermost_ = this;
    }
    installed_ = true;
  }
  void uninstall() {
    if (!installed_) return;
    if (outer_ == nullptr) sigaction(SIGINT, &before_, nullptr);
    innermost_ = outer_;
  }

  bool raised() {
    signalled_ = 0;  // before the reset: a signal after it is one more
    cancel_->reset();
    const Locked locked;
    raised_ = PyErr_CheckSignals() != 0;
    return raised_;
  }

  static void handle(int signal) {
    python_(signal);
    for (Interrupt* i = innermost_; i != nullptr; i = i->outer_) {
      i->signalled_ = 1;
      i->cancel_->trigger();
    }
  }

  // Of the main thread alone: the calls it is in, and the handler that was there before the first.
  inline static Interrupt* volatile innermost_ = nullptr;
  inline static void (*volatile python_)(int) = nullptr;

  std::optional<Cancel> own_;
  Cancel* cancel_ = nullptr;
  Interrupt* outer_ = nullptr;
  PyThreadState* thread_ = nullptr;
  struct sigaction before_ = {};
  volatile sig_atomic_t signalled_ = 0;
  bool installed_ = false, raised_ = false;
};

}  // namespace recurra::glue

#endif
