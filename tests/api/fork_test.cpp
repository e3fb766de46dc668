// A process that forks with a model open: the child has none of its parent's threads, and goes on all the same. (Not
// for the thread sanitizer, which ends a child that starts threads.)
#include "support/api.h"
#include "support/child.h"

namespace recurra::test {
namespace {

// The same bits in the parent, the child, and the child's child. A hang is ended by the child's alarm.
TEST(Fork, ChildAndParentGoOn) {
  const ModelPtr model = open_model(small_model(), 2);
  const StatePtr state = make_state(model.get());
  const Tokens first = some_tokens(300, 1), second = some_tokens(700, 2);
  feed(state.get(), first);  // the pool's threads live
  const StatePtr same = clone(state.get());
  feed(same.get(), second);
  const std::string expected = bytes_of(same.get());
  const auto go_on = [&] {
    feed(state.get(), second);
    EXPECT_EQ(bytes_of(state.get()), expected);
    const ModelPtr own = open_model(small_model(), 2);
    const StatePtr other = make_state(own.get());
    feed(other.get(), first);
    feed(other.get(), second);
    EXPECT_EQ(bytes_of(other.get()), expected);
    const int grandchild = in_child([&] { feed(other.get(), second); }, 60);
    EXPECT_EQ(grandchild, 0);
  };
  for (int round = 0; round < 5; ++round) {
    const int child = in_child(go_on, 100);
    ASSERT_EQ(child, 0);
  }
  feed(state.get(), second);
  EXPECT_EQ(bytes_of(state.get()), expected);
}

// Everything is freed in the child, as a program that ends does, and the parent's is still there.
TEST(Fork, ChildMayFreeAll) {
  ModelPtr model = open_model(small_model(), 2);
  StatePtr state = make_state(model.get());
  feed(state.get(), some_tokens(300));
  const int child = in_child(
      [&] {
        state.reset();
        model.reset();
      },
      60);
  EXPECT_EQ(child, 0);
  feed(state.get(), some_tokens(300));
}

}  // namespace
}  // namespace recurra::test
