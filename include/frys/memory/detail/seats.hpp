// seats: what all domains share: the seats that threads take and give back, and each seat's list of retired objects.
//
// Threads   join, leave, adopt: any. A list: who holds the seat.
// Memory    a list is one array of fixed size, taken from the page source when its seat is first joined and kept till
//           the domain ends: retiring allocates nothing, and with os_pages only what was used is ever backed.
#ifndef FRYS_MEMORY_DETAIL_SEATS_HPP
#define FRYS_MEMORY_DETAIL_SEATS_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/cache_line.hpp"
#include "../../core/result.hpp"
#include "../reclaim.hpp"

namespace frys::inline FRYS_ABI::detail {

struct retired_object {
  void* object;
  destroy_function destroy;
};

// The retired objects of a seat, oldest first. Only while it is swept there is a hole, of entries that are done with:
// so that what a destroy function retires finds room.
template <class A>
class retired_list {
 public:
  void use_memory(retired_object* at, std::size_t most) noexcept { at_ = at, most_ = most; }
  [[nodiscard]] bool has_memory() const noexcept { return at_ != nullptr; }

  // relaxed, all of end_: the holder's own number, which others only guess by.
  [[nodiscard]] std::size_t size() const noexcept { return end_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t room() const noexcept { return most_ - size() + (hole_end_ - hole_begin_); }
  [[nodiscard]] bool is_swept() const noexcept { return swept_; }

  // False when it is time to look for what may go, or there is no room.
  FRYS_ALWAYS_INLINE bool push(void* object, destroy_function destroy) noexcept {
    static_cast<void>(holder_.get());
    const std::size_t end = end_.load(std::memory_order_relaxed);  // relaxed: our own
    if (end == mark_) [[unlikely]]
      return false;
    at_[end] = {object, destroy};
    end_.store(end + 1, std::memory_order_relaxed);  // relaxed: see size
    return true;
  }
  // The next `batch` pushes are taken, as far as there is room.
  void set_mark(std::size_t batch) noexcept {
    const std::size_t end = size();
    if (end == most_ && hole_end_ != hole_begin_) return close_hole(), set_mark(batch);
    mark_ = most_ - end < batch ? most_ : end + batch;
  }

  // Takes entries of another list, which nobody else may use meanwhile, as far as there is room.
  void take_from(retired_list& other) noexcept {
    holder_.ref() = 1, other.holder_.ref() = 1;
    std::size_t end = size(), theirs = other.size();
    while (end != most_ && theirs != 0) at_[end++] = other.at_[--theirs];
    end_.store(end, std::memory_order_relaxed);           // relaxed: see size
    other.end_.store(theirs, std::memory_order_relaxed);  // relaxed: see size
  }
  // The list has a new holder.
  void change_hands() noexcept { holder_.ref() = 1; }

  // Destroys those of the first `count` entries that may go.
  template <class F>
  void sweep(std::size_t count, F may_go) noexcept {
    if (count == 0) return;
    swept_ = true;
    stop_ = count;
    while (hole_end_ != stop_) {
      const retired_object r = at_[hole_end_++];
      if (may_go(r.object))
        r.destroy(r.object);  // may push, and close the hole
      else
        at_[hole_begin_++] = r;
    }
    close_hole();
    swept_ = false;
  }

 private:
  void close_hole() noexcept {
    const std::size_t gap = hole_end_ - hole_begin_, end = size();
    if (gap != 0) std::copy(at_ + hole_end_, at_ + end, at_ + hole_begin_);
    end_.store(end - gap, std::memory_order_relaxed);  // relaxed: see size
    stop_ -= gap;
    hole_end_ = hole_begin_;
    if (!(stop_ > hole_begin_)) hole_begin_ = hole_end_ = stop_ = 0;
  }

  typename A::template atomic<std::size_t> end_{0};
  std::size_t mark_ = 0;  // push asks to be thought over here
  retired_object* at_ = nullptr;
  std::size_t most_ = 0;
  std::size_t hole_begin_ = 0, hole_end_ = 0, stop_ = 0;
  bool swept_ = false;
  // Shows the checker of memory models who uses the list when.
  [[no_unique_address]] typename A::template var<char> holder_{};
};

// A Slot has `list`, a retired_list, and `state`.
template <class A, class Slot, std::size_t Seats, class Pages>
class seat_table {
 public:
  static constexpr std::uint32_t is_free = 0, is_taken = 1, is_emptied = 2;

  // `scratch`: bytes behind the list's array, for the domain.
  result<Slot*> join(std::size_t most, std::size_t scratch = 0) noexcept {
    for (;;) {
      bool wait = false;
      for (std::size_t i = 0; i != Seats; ++i) {
        Slot& s = slots_[i];
        std::uint32_t state = s.state.load(std::memory_order_relaxed);  // relaxed: a guess
        // sync(seats.hand_over): acquire; what the last holder did with the list is done.
        if (state == is_free &&
            s.state.compare_exchange_strong(state, is_taken, std::memory_order_acquire, std::memory_order_relaxed)) {
          if (auto ready = equip(s, i, most, scratch); !ready) return leave(s), ready.error();
          s.list.change_hands();
          return &s;
        }
        wait = wait || state == is_emptied;
      }
      // A seat from which garbage is being fetched is free in a moment.
      if (!wait) return error{errc::full, domain::memory, "all seats of the domain are taken", Seats};
      A::pause();
    }
  }
  void leave(Slot& s) noexcept {
    // sync(seats.hand_over): release; our use of the list ends before another one's begins.
    s.state.store(is_free, std::memory_order_release);
  }

  // Fetches what those left behind who have gone.
  void adopt(Slot& mine) noexcept {
    for_each([&](Slot& s) {
      // relaxed, both: guesses.
      if (s.state.load(std::memory_order_relaxed) != is_free || s.list.size() == 0) return;
      if (mine.list.room() == 0) return;
      std::uint32_t state = is_free;
      // sync(seats.hand_over): acquire; as in join.
      if (!s.state.compare_exchange_strong(state, is_emptied, std::memory_order_acquire, std::memory_order_relaxed))
        return;
      mine.list.take_from(s.list);
      leave(s);
    });
  }

  // Every seat that was ever taken before the caller's fence.
  template <class F>
  void for_each(F f) noexcept {
    // relaxed: who takes a seat raises this before the fence of his first read; see the domain's hand-shake.
    const std::size_t used = used_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i != used; ++i) f(slots_[i]);
  }

  [[nodiscard]] std::size_t garbage() const noexcept {
    std::size_t sum = 0;
    for (const Slot& s : slots_) sum += s.list.size();
    return sum;
  }

  // The domain ends: nobody uses a seat.
  void end() noexcept {
    for (Slot& s : slots_) {
      // relaxed: who ends a domain knows that its threads have left.
      FRYS_ASSERT(s.state.load(std::memory_order_relaxed) == is_free, "a domain ends while a thread has a seat");
      s.list.change_hands();
      while (s.list.size() != 0) s.list.sweep(s.list.size(), [](void*) { return true; });
      if (s.memory.data() != nullptr) Pages::release(s.memory);
    }
  }

 private:
  result<void> equip(Slot& s, std::size_t index, std::size_t most, std::size_t scratch) noexcept {
    if (!s.list.has_memory()) {
      auto memory = Pages::allocate(most * sizeof(retired_object) + scratch);
      if (!memory) return memory.error();
      s.memory = *memory;
      s.list.use_memory(reinterpret_cast<retired_object*>(memory->data()), most);
    }
    std::size_t used = used_.load(std::memory_order_relaxed);  // relaxed: see for_each
    while (used <= index &&
           !used_.compare_exchange_weak(used, index + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
    }
    return {};
  }

  typename A::template atomic<std::size_t> used_{0};
  Slot slots_[Seats];
};

// The part of a participant that is the same in all domains. Domain has `slot`, retire_slowly, reclaim_all, leave.
template <class Domain>
class seat_base {
  using slot = typename Domain::slot;

 public:
  seat_base(seat_base&& other) noexcept
      : domain_(std::exchange(other.domain_, nullptr)), slot_(std::exchange(other.slot_, nullptr)) {}
  seat_base& operator=(seat_base&& other) noexcept {
    if (this != &other) {
      leave();
      domain_ = std::exchange(other.domain_, nullptr);
      slot_ = std::exchange(other.slot_, nullptr);
    }
    return *this;
  }
  ~seat_base() { leave(); }

  // Gives the seat back; no guard of it may live. What may not go yet stays with the domain: whoever reclaims next, or
  // takes the seat, has it.
  void leave() noexcept {
    if (slot_ != nullptr) domain_->leave(*slot_);
    slot_ = nullptr;
  }

  // Calls destroy(object) when nobody can reach the object any more: in some later retire, quiesce or leave of a seat
  // of this domain, or in the domain's destructor. False: the seat is full, the object is still yours.
  [[nodiscard]] bool retire(void* object, destroy_function destroy) noexcept {
    if (slot_->list.push(object, destroy)) [[likely]]
      return true;
    return domain_->retire_slowly(*slot_, object, destroy);
  }
  // The same by Deleter::reclaim(object), which must not throw.
  template <class Deleter = reclaim_by_delete, class T>
  [[nodiscard]] bool retire(T* object) noexcept {
    return retire(const_cast<void*>(static_cast<const volatile void*>(object)), &destroy_as<Deleter, T>);
  }
  // How many objects retire() takes for certain, from now on.
  [[nodiscard]] std::size_t room() const noexcept { return slot_->list.room(); }

 protected:
  seat_base(Domain& domain, slot& s) noexcept : domain_(&domain), slot_(&s) {}

  Domain* domain_;
  slot* slot_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_SEATS_HPP
