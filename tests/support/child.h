// A part of a test in a process of its own: for what cannot be undone, or may hang or kill it.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace recurra::test {

constexpr int kSkipped = 77;

// Runs the body in a child that is ended after `seconds`. 0 if all its checks held, else what is wrong, or kSkipped
// where the body called _exit with it. Failed checks are printed by the child.
template <class Body>
int in_child(const Body& body, unsigned seconds = 120) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return -1;
  if (child == 0) {
    ::alarm(seconds);
    body();
    std::fflush(nullptr);
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace recurra::test
