// sync_queue: the commands of one core whose replies wait for the sync of their group, in the order of the log.
//
// They stand in a ring (main.cpp names it) of a size that the operator chooses. When it is full the core runs no
// further command on its keys until a sync has made room (core.hpp), so what waits has a bound. The commands that one
// client sends in a row share an entry until the group is closed.
// Threads  one core's: it is both sides of the ring.
#ifndef FRYS_KERNEL_SYNC_QUEUE_HPP
#define FRYS_KERNEL_SYNC_QUEUE_HPP

#include <cstddef>
#include <cstdint>
#include <utility>

#include <frys/config.hpp>

namespace kernel {

// Whoever owes a reply that waits: a client of this core, or a command of another one.
struct sync_waiter {
  // The log is durable up to its record; or it has failed, and the command must not be acknowledged. Called on the
  // core's thread; must not push.
  void (*synced)(sync_waiter& self, bool failed) noexcept = nullptr;
};

struct sync_entry {
  std::uint64_t after;  // the log's sequence number that must be durable
  sync_waiter* who;     // lives until it was called
};

template <class Ring>
class sync_queue {
 public:
  explicit sync_queue(Ring ring) noexcept : ring_(std::move(ring)) {}

  // `who` waits for `after`, which is not below what was pushed before. True: by an entry of its own, so it will be
  // called once more; false: its last entry says so. Not when is_full.
  bool push(sync_waiter& who, std::uint64_t after) noexcept {
    if (open_ != nullptr && open_->who == &who) return open_->after = after, false;
    end_entry();
    const auto room = ring_.writable(1);
    FRYS_ASSERT(!room.empty(), "sync_queue::push: it is full");
    open_ = room.data();
    *open_ = {after, &who};
    return true;
  }
  // What is pushed from now on belongs to a later group.
  void begin_group() noexcept { end_entry(); }

  // Calls all that wait for no more than `durable`, in order; if the log has failed, all.
  void release(std::uint64_t durable, bool failed) noexcept {
    end_entry();
    for (auto waiting = ring_.readable(); !waiting.empty(); waiting = ring_.readable()) {
      std::size_t called = 0;
      for (; called != waiting.size() && (failed || waiting[called].after <= durable); ++called)
        waiting[called].who->synced(*waiting[called].who, failed);
      ring_.consume(called);
      if (called != waiting.size()) return;
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return ring_.size_hint() + (open_ != nullptr ? 1 : 0); }
  [[nodiscard]] bool is_full() const noexcept { return size() == ring_.slot_count(); }

 private:
  void end_entry() noexcept {
    if (std::exchange(open_, nullptr) != nullptr) ring_.commit(1);
  }

  Ring ring_;
  sync_entry* open_ = nullptr;  // the newest entry, in its slot; committed when another one begins
};

}  // namespace kernel

#endif  // FRYS_KERNEL_SYNC_QUEUE_HPP
