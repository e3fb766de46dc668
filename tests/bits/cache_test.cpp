// The part of a state that grows, the keys and values of softmax attention: states that share its pages never see each
// other's tokens, and whatever a state went through, it has the same bits as one that read the same tokens afresh.
#include <thread>

#include "support/model.h"
#include "support/subjects.h"

namespace recurra::test {
namespace {

constexpr size_t kPage = 256;  // tokens

using Bytes = std::vector<unsigned char>;
using Cuts = std::vector<size_t>;  // how many tokens each call has

class Cache : public testing::TestWithParam<Subject> {
 protected:
  void SetUp() override {
    model_ = open_model(path_of(GetParam()));
    ASSERT_NE(model_, nullptr);
    n_vocab_ = info_of(model_.get()).n_vocab;
  }

  std::vector<int32_t> tokens(size_t n, uint64_t seed) const { return some_tokens(n, n_vocab_, seed); }
  static void read(recurra_state* s, const std::vector<int32_t>& tokens, const Cuts& cuts) {
    size_t at = 0;
    for (const size_t n : cuts) {
      feed(s, tokens.data() + at, n);
      at += n;
    }
  }
  // A new state that has read these tokens in these calls.
  StatePtr fresh(const std::vector<int32_t>& tokens, const Cuts& cuts) const {
    StatePtr s = new_state(model_.get());
    read(s.get(), tokens, cuts);
    return s;
  }
  static StatePtr clone(const recurra_state* s) {
    recurra_state* copy = nullptr;
    EXPECT_EQ(recurra_state_clone(&copy, s), RECURRA_OK) << recurra_last_error();
    return StatePtr(copy);
  }
  static uint64_t memory_of(const recurra_state* s) {
    recurra_state_info info{};
    info.struct_size = sizeof info;
    EXPECT_EQ(recurra_state_get_info(&info, s), RECURRA_OK);
    return info.state_bytes;
  }
  static void load(recurra_state* s, const Bytes& bytes) {
    ASSERT_EQ(recurra_load_memory(s, bytes.data(), bytes.size()), RECURRA_OK) << recurra_last_error();
  }

  ModelPtr model_;
  int32_t n_vocab_ = 0;
};

std::vector<int32_t> joined(std::vector<int32_t> a, const std::vector<int32_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Copies part in the middle of a page, at its border, and one before.
TEST_P(Cache, CopiesThatGoDifferentWays) {
  for (const size_t shared : {size_t{10}, kPage - 1, kPage, kPage + 1}) {
    const auto before = tokens(shared, 1), left = tokens(120, 2), right = tokens(120, 3);
    const StatePtr a = fresh(before, {shared}), b = clone(a.get()), c = new_state(model_.get());
    read(c.get(), tokens(300, 9), {300});
    ASSERT_EQ(recurra_state_copy(c.get(), a.get()), RECURRA_OK) << recurra_last_error();
    const Bytes was = bytes_of(a.get());
    for (size_t i = 0; i < 4; ++i) {  // in turns
      feed(a.get(), left.data() + 30 * i, 30);
      feed(b.get(), right.data() + 30 * i, 30);
    }
    EXPECT_EQ(bytes_of(c.get()), was) << shared;
    const Cuts cuts = {shared, 30, 30, 30, 30};
    EXPECT_EQ(bytes_of(a.get()), bytes_of(fresh(joined(before, left), cuts).get())) << shared;
    EXPECT_EQ(bytes_of(b.get()), bytes_of(fresh(joined(before, right), cuts).get())) << shared;
    read(c.get(), right, {120});
    EXPECT_EQ(bytes_of(c.get()), bytes_of(fresh(joined(before, right), {shared, 120}).get())) << shared;
  }
}

// The last of the copies writes into the page itself; those before it had their own.
TEST_P(Cache, CopiesThatAreFreed) {
  const auto before = tokens(100, 1), after = tokens(50, 2);
  StatePtr a = fresh(before, {100}), b = clone(a.get()), c = clone(b.get());
  a.reset();
  feed(b.get(), after.data(), 50);
  b.reset();
  feed(c.get(), after.data(), 50);
  EXPECT_EQ(bytes_of(c.get()), bytes_of(fresh(joined(before, after), {100, 50}).get()));
}

TEST_P(Cache, QueriesLeaveItAlone) {
  const auto before = tokens(kPage - 3, 1), question = tokens(7, 2), after = tokens(20, 3);
  const StatePtr s = fresh(before, {before.size()});
  const Bytes was = bytes_of(s.get());
  const uint64_t memory = memory_of(s.get());
  recurra_generate_options o;
  ASSERT_EQ(recurra_generate_options_init(&o, sizeof o), RECURRA_OK);
  o.max_tokens = 5;
  std::vector<int32_t> answer(5), again(5);
  size_t n = 0;
  for (std::vector<int32_t>* out : {&answer, &again})
    ASSERT_EQ(recurra_query(out->data(), out->size(), &n, s.get(), question.data(), question.size(), &o), RECURRA_OK)
        << recurra_last_error();
  EXPECT_EQ(answer, again);
  EXPECT_EQ(bytes_of(s.get()), was);
  EXPECT_EQ(memory_of(s.get()), memory);
  feed(s.get(), after.data(), after.size());
  EXPECT_EQ(bytes_of(s.get()), bytes_of(fresh(joined(before, after), {before.size(), after.size()}).get()));
}

TEST_P(Cache, ResetAndUsedAgain) {
  const auto before = tokens(600, 1), after = tokens(300, 2);
  const StatePtr s = fresh(before, {600}), empty = new_state(model_.get());
  ASSERT_EQ(recurra_state_reset(s.get()), RECURRA_OK);
  EXPECT_EQ(bytes_of(s.get()), bytes_of(empty.get()));
  EXPECT_EQ(memory_of(s.get()), memory_of(empty.get()));
  feed(s.get(), after.data(), 300);
  EXPECT_EQ(bytes_of(s.get()), bytes_of(fresh(after, {300}).get()));
}

// Into a state that is empty, longer, shorter, or a copy that shares its pages.
TEST_P(Cache, SavedAroundAPagesBorder) {
  for (const size_t n : {kPage - 1, kPage, kPage + 1}) {
    const auto before = tokens(n, 1), after = tokens(130, 2);
    const StatePtr whole = fresh(before, {n});
    const Bytes saved = bytes_of(whole.get());
    feed(whole.get(), after.data(), 130);
    const Bytes want = bytes_of(whole.get());
    const StatePtr longer = fresh(tokens(600, 3), {600}), kept = clone(longer.get());
    const Bytes of_longer = bytes_of(longer.get());
    for (const StatePtr& target : {new_state(model_.get()), fresh(tokens(5, 4), {5}), clone(longer.get())}) {
      load(target.get(), saved);
      EXPECT_EQ(bytes_of(target.get()), saved) << n;
      feed(target.get(), after.data(), 130);
      EXPECT_EQ(bytes_of(target.get()), want) << n;
      EXPECT_EQ(memory_of(target.get()), memory_of(whole.get())) << n;
    }
    EXPECT_EQ(bytes_of(kept.get()), of_longer);
  }
}

TEST_P(Cache, ThousandTokensAcrossPages) {
  const auto all = tokens(1000, 1);
  const Bytes want = bytes_of(fresh(all, {1000}).get());
  EXPECT_EQ(bytes_of(fresh(all, {128, 64, 320, 256, 232}).get()), want) << "cut between blocks";
  const ModelPtr one = open_model(path_of(GetParam()), "cpu", "f32", 1);
  const StatePtr s = new_state(one.get());
  feed(s.get(), all.data(), all.size());
  EXPECT_EQ(bytes_of(s.get()), want) << "one thread";
  // Beside shorter ones, in one call.
  const StatePtr a = new_state(model_.get()), b = fresh(all, {300}), c = fresh(all, {64});
  recurra_state* states[] = {b.get(), a.get(), c.get()};
  const int32_t* parts[] = {all.data() + 300, all.data(), all.data() + 64};
  const size_t counts[] = {5, 1000, 500};
  ASSERT_EQ(recurra_feed_batch(states, parts, counts, 3, nullptr), RECURRA_OK) << recurra_last_error();
  EXPECT_EQ(bytes_of(a.get()), want) << "in company";
  EXPECT_EQ(bytes_of(b.get()), bytes_of(fresh(all, {300, 5}).get()));
  EXPECT_EQ(bytes_of(c.get()), bytes_of(fresh(all, {64, 500}).get()));
  // Memory grows by pages.
  const uint64_t empty = memory_of(new_state(model_.get()).get()), page = (memory_of(a.get()) - empty) / 4;
  EXPECT_GT(page, 0u);
  EXPECT_EQ(page, kPage * info_of(model_.get()).state_bytes_per_token);
  for (const size_t n : {size_t{1}, kPage, kPage + 1, size_t{1000}})
    EXPECT_EQ(memory_of(fresh(all, {n}).get()), empty + (n + kPage - 1) / kPage * page) << n;
}

// A call that is stopped has read a part, which is all there is: what it wrote behind that is gone.
TEST_P(Cache, StoppedAndGoneOn) {
  const auto all = tokens(700, 1), other = tokens(300, 2);
  recurra_feed_options o;
  ASSERT_EQ(recurra_feed_options_init(&o, sizeof o), RECURRA_OK);
  uint64_t done = 0;
  o.n_done = &done;
  o.progress = [](void*, uint64_t read, uint64_t) -> int32_t { return read >= 500 ? 1 : 0; };
  const StatePtr s = new_state(model_.get());
  ASSERT_EQ(recurra_feed(s.get(), all.data(), all.size(), &o), RECURRA_E_CANCELLED);
  ASSERT_GE(done, 500u);
  ASSERT_LT(done, 700u);
  const auto head = std::vector<int32_t>(all.begin(), all.begin() + static_cast<int64_t>(done));
  EXPECT_EQ(bytes_of(s.get()), bytes_of(fresh(head, {done}).get()));
  EXPECT_EQ(memory_of(s.get()), memory_of(fresh(head, {done}).get()));
  const StatePtr copy = clone(s.get());
  feed(s.get(), other.data(), 300);
  EXPECT_EQ(bytes_of(s.get()), bytes_of(fresh(joined(head, other), {done, 300}).get()));
  EXPECT_EQ(bytes_of(copy.get()), bytes_of(fresh(head, {done}).get()));
}

// Copies that share pages, each fed, saved and copied by a thread of its own.
TEST_P(Cache, ThreadsWithCopies) {
  const auto before = tokens(100, 1);
  const StatePtr source = fresh(before, {100});
  std::vector<StatePtr> copies;
  for (int i = 0; i < 4; ++i) copies.push_back(clone(source.get()));
  std::vector<Bytes> got(copies.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < copies.size(); ++i)
    threads.emplace_back([&, i] {
      feed(copies[i].get(), tokens(60, 10 + i).data(), 60);
      const StatePtr again = clone(copies[i].get());
      copies[i].reset();
      feed(again.get(), tokens(120, 20 + i).data(), 120);
      got[i] = bytes_of(again.get());
    });
  for (std::thread& t : threads) t.join();
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(got[i],
              bytes_of(fresh(joined(joined(before, tokens(60, 10 + i)), tokens(120, 20 + i)), {100, 60, 120}).get()));
}

std::vector<Subject> growing() {
  std::vector<Subject> all;
  for (const Subject& s : subjects())
    if (s.grows) all.push_back(s);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Models, Cache, testing::ValuesIn(growing()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace recurra::test
