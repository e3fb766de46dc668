#include "interrupt.h"

#include <signal.h>

namespace cli {
namespace {

volatile sig_atomic_t came = 0;

// Made before the handler is installed, so that the handler never runs its initialisation.
recurra::Cancel& the_cancel() {
  static recurra::Cancel cancel;
  return cancel;
}
recurra_cancel* handle = nullptr;

extern "C" void on_signal(int) {
  came = 1;
  recurra_cancel_trigger(handle);
}

void arm() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // and no SA_RESTART: a read of the terminal ends, too
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

void install_interrupt() {
  handle = the_cancel().handle();
  arm();
}

recurra::Cancel& interrupt_cancel() { return the_cancel(); }

bool interrupted() { return came != 0; }

void check_interrupt() {
  if (interrupted()) throw recurra::Error(RECURRA_E_CANCELLED, "interrupted");
}

void clear_interrupt() {
  the_cancel().reset();
  came = 0;
  arm();
}

}  // namespace cli
