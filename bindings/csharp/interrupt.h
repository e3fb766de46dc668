// C# has no signals that a call would have to look for: a long call ends through its CancellationToken, which is a
// Cancel here.
#ifndef RECURRA_CSHARP_INTERRUPT_H
#define RECURRA_CSHARP_INTERRUPT_H

#include <recurra/recurra.hpp>

namespace recurra::glue {

class Interrupt {
 public:
  Interrupt(bool, Cancel* cancel) : cancel_(cancel) {}
  Cancel* cancel() const { return cancel_; }
  bool resume(const Error&) { return false; }
  bool pending() { return false; }
  void surface() {}

 private:
  Cancel* cancel_;
};

}  // namespace recurra::glue

#endif
