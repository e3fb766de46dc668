#include "reader.h"

#include <algorithm>
#include <chrono>

#include "common.h"
#include "process.h"
#include "talk.h"

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kChunk = 8 * kSlice;  // tokens a feed reads: memory and progress are looked at between feeds

}  // namespace

Reader::Reader(const recurra::Model& model, recurra::State& state, SmallTalk& talk, std::uint64_t total,
               const std::string& label)
    : model_(model), state_(state), talk_(talk), total_(total), bar_(label, "tokens") {}

void Reader::tell(const std::vector<Fact>& facts) {
  std::string told;
  for (const Fact& fact : facts) told += turn(fact.told, "Noted.");
  for (const Fact& fact : facts)
    if (!fact.changed.empty()) told += turn(fact.changed, "Noted.");
  const std::vector<recurra::Token> tokens = model_.tokenize(told);
  waiting_.insert(waiting_.end(), tokens.begin(), tokens.end());
  told_ += tokens.size();
}

void Reader::read(std::uint64_t n) {
  const Clock::time_point start = Clock::now();
  std::uint64_t drawn = 0;
  while (drawn < n) {
    while (drawn < n && waiting_.size() < kChunk) {
      const std::vector<recurra::Token> more = model_.tokenize(talk_.exchange());
      const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(more.size(), n - drawn));
      waiting_.insert(waiting_.end(), more.end() - static_cast<std::ptrdiff_t>(take), more.end());
      drawn += take;
    }
    feed(false);
  }
  while (!waiting_.empty()) feed(true);
  seconds_ += std::chrono::duration<double>(Clock::now() - start).count();
}

// The next chunk, if a whole one waits or no more will come.
void Reader::feed(bool all) {
  if (waiting_.size() < kChunk && !all) return;
  const std::size_t slice = next_slice(fed_, waiting_.size(), kChunk);
  recurra::FeedOptions options = feed_options();
  options.progress = show(bar_, fed_, told_ + total_, in_bytes(resident_bytes()));
  state_.feed(waiting_.data(), slice, options);
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(slice));
  fed_ += slice;
  rss_end_ = resident_bytes();
  if (rss_start_ == 0) rss_start_ = rss_end_;
}

}  // namespace cli
