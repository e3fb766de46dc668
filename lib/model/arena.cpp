#include "model/arena.h"

namespace recurra {
namespace {

// Slots kept for the next state instead of being given back to the system: scratch copies for queries come and go.
constexpr size_t kSpare = 8;

}  // namespace

Arena::Slot::~Slot() {
  if (arena_ != nullptr && buffer_ != nullptr) arena_->give_back(std::move(buffer_));
}

Arena::Slot Arena::take() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    spare_.reserve(kSpare);
    if (!spare_.empty()) {
      std::shared_ptr<Buffer> buffer = std::move(spare_.back());
      spare_.pop_back();
      return Slot(this, std::move(buffer));
    }
  }
  return Slot(this, backend_.allocate(slot_bytes_));
}

void Arena::give_back(std::shared_ptr<Buffer> buffer) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (spare_.size() < kSpare && spare_.size() < spare_.capacity()) spare_.push_back(std::move(buffer));
}

}  // namespace recurra
