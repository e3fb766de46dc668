// State slots of one model: fixed size, stable addresses, handed out and taken back from any thread.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "backend/backend.h"

namespace recurra {

class Arena {
 public:
  Arena(Backend& backend, size_t slot_bytes) : backend_(backend), slot_bytes_(slot_bytes) {}

  // A slot goes back to its arena when it is destroyed.
  class Slot {
   public:
    Slot() = default;
    Slot(Arena* arena, std::shared_ptr<Buffer> buffer) : arena_(arena), buffer_(std::move(buffer)) {}
    Slot(Slot&& o) noexcept : arena_(o.arena_), buffer_(std::move(o.buffer_)) { o.arena_ = nullptr; }
    Slot& operator=(Slot&& o) noexcept {
      std::swap(arena_, o.arena_);
      std::swap(buffer_, o.buffer_);
      return *this;
    }
    ~Slot();
    std::byte* data() const { return buffer_->data(); }
    explicit operator bool() const { return buffer_ != nullptr; }

   private:
    Arena* arena_ = nullptr;
    std::shared_ptr<Buffer> buffer_;
  };

  Slot take();  // not cleared
  size_t slot_bytes() const { return slot_bytes_; }

 private:
  void give_back(std::shared_ptr<Buffer> buffer) noexcept;

  Backend& backend_;
  const size_t slot_bytes_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Buffer>> spare_;
};

}  // namespace recurra
