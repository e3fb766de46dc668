// A cancel is triggered from where nothing else may be called: a signal handler, another thread.
#include "core/cancel.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

namespace recurra {
namespace {

Cancel from_signal;

TEST(Cancel, StaysTriggeredUntilTheReset) {
  Cancel cancel;
  EXPECT_FALSE(cancel.triggered());
  cancel.trigger();
  cancel.trigger();
  EXPECT_TRUE(cancel.triggered());
  EXPECT_TRUE(cancel.triggered());
  cancel.reset();
  EXPECT_FALSE(cancel.triggered());
}

TEST(Cancel, IsSeenFromASignalHandler) {
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) { from_signal.trigger(); };
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  ASSERT_EQ(::raise(SIGUSR1), 0);
  EXPECT_TRUE(from_signal.triggered());
  ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST(Cancel, IsSeenFromAnotherThread) {
  Cancel cancel;
  std::thread work([&] {
    while (!cancel.triggered()) std::this_thread::yield();
  });
  cancel.trigger();
  work.join();
}

}  // namespace
}  // namespace recurra
