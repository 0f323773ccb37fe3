// stack_pool: stacks for fibers, which go back and forth without the system once they are there.
//
// Use when  fibers or contexts come and go often. fiber_scheduler has one.
// Not when  a few stacks live as long as the program: stack_memory (core/context.hpp) is enough.
// Roles     acquire, release, trim and the counts: the owner thread only. hand_back: any thread.
// Progress  hand_back is lock-free.
// Cost      acquire and release: some loads and stores, no atomic, no system call where the pool has a stack. A new one
//           with a guard page: two system calls; without: one for a slab of many.
// Ordering  what a thread did before hand_back happens-before what the owner does on the stack after it acquired it.
// Errors    acquire: errc::limit_exceeded above limit_bytes and for sizes above largest; errc::out_of_memory.
// Lifetime  a stack must be back before the pool dies; the destructor gives all memory back.
//
// Sizes come in classes: powers of two from 16 KiB on. With a guard page an overflow is a fault; it costs a page of
// addresses and two of the some 65,000 mappings that Linux lets a process have. Without, an overflow overwrites the
// neighbour's stack: for code whose depth is known.
//
// Policies, in any order, each at most once:
//   policy::guard_pages<B>  an unreadable page below each stack            default true
//   policy::pages<P>        where slabs come from, without guard pages     default os_pages
//   policy::atomics<A>      the atomics model                              default atomics::standard
#ifndef FRYS_SCHED_STACK_POOL_HPP
#define FRYS_SCHED_STACK_POOL_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/bytes.hpp"
#include "../core/cache_line.hpp"
#include "../core/concepts.hpp"
#include "../core/context.hpp"
#include "../core/poison.hpp"
#include "../core/result.hpp"
#include "../memory/pages.hpp"
#include "../policy.hpp"

#if FRYS_HAS_CONTEXT
namespace frys::inline FRYS_ABI {

namespace policy {
struct guard_pages_key {};  // whether a stack has an unreadable page below it
template <bool On>
struct guard_pages {
  using key = guard_pages_key;
  static constexpr bool value = On;
};
}  // namespace policy

struct stack_pool_options {
  std::size_t limit_bytes = SIZE_MAX;  // of all stacks that there are, without their guard pages
};

template <class... Policies>
class stack_pool {
  using accepted = policy::keys<policy::guard_pages_key, policy::pages_key, policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::stack_pool: unknown policy; it takes policy::guard_pages, policy::pages, policy::atomics and "
                "policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::stack_pool: a policy is given twice; name each at most once");

 public:
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static constexpr bool has_guard_pages = policy::pick<policy::guard_pages<true>, Policies...>::value;
  static_assert(page_source<pages_type>, "frys::stack_pool: policy::pages wants a page source, see core/concepts.hpp");
  static_assert(atomics_model<atomics_type>,
                "frys::stack_pool: policy::atomics wants an atomics model, see core/atomics.hpp");

  static constexpr std::size_t smallest = 16 * 1024;
  static constexpr std::size_t largest = 8 * 1024 * 1024;

 private:
  static constexpr std::size_t classes = std::bit_width(largest / smallest);
  struct slab;

 public:
  // A stack; it stands at its own upper end.
  class alignas(64) stack {
   public:
    // What it has, for a context: some less than its class, and not always the same (see `place`).
    [[nodiscard]] byte_span span() const noexcept {
      return {low_, static_cast<std::size_t>(reinterpret_cast<const std::byte*>(this) - low_)};
    }

   private:
    friend class stack_pool;
    stack(std::byte* low, std::size_t size_class, slab* of) noexcept : low_(low), of_(of), class_(size_class) {}

    std::byte* low_;
    stack* next_ = nullptr;  // in a free list, or on its way back
    slab* of_;               // without a guard page
    stack_memory memory_{};  // with one
    std::size_t class_;
  };

  explicit stack_pool(stack_pool_options options = {}) noexcept : limit_(options.limit_bytes) {}
  stack_pool(const stack_pool&) = delete;
  stack_pool& operator=(const stack_pool&) = delete;
  ~stack_pool() {
    trim();
    FRYS_ASSERT(bytes_ == 0, "stack_pool: destroyed while somebody has a stack of it");
  }

  // Owner only. A stack of `bytes`, a little less, or more.
  [[nodiscard]] result<stack*> acquire(std::size_t bytes = smallest) noexcept {
    const std::size_t c = class_of(bytes);
    if (c >= classes)
      return error{errc::limit_exceeded, domain::sched, "a stack is larger than stack_pool::largest", largest};
    if (free_[c] == nullptr) [[unlikely]] {
      take_back();
      if (free_[c] == nullptr)
        if (const result<void> made = make(c); !made) return made.error();
    }
    stack* const s = free_[c];
    free_[c] = s->next_;
    --cached_;
    return s;
  }
  // Owner only. Nothing is given back to the system, so the stack may be the one that this runs on, as long as nobody
  // acquires until it is left.
  void release(stack& s) noexcept {
    s.next_ = free_[s.class_];
    free_[s.class_] = &s;
    ++cached_;
  }
  // Any thread. The owner finds it when it has no other.
  void hand_back(stack& s) noexcept {
    stack* last = handed_.load(std::memory_order_relaxed);  // relaxed: a guess for the exchange
    do s.next_ = last;
    // sync(stack_pool.handed): release; who goes on to use the stack must see it left.
    while (!handed_.compare_exchange_weak(last, &s, std::memory_order_release, std::memory_order_relaxed));
    // (relaxed on failure: another guess)
  }

  // Owner only. Gives free stacks back to the system but for some `keep_bytes`; answers how many bytes that were. Where
  // stacks lie in slabs, a slab goes when all of it is free, and of the others the content (if the pages can).
  std::size_t trim(std::size_t keep_bytes = 0) noexcept;

  // Owner only. Bytes of all stacks, and how many of them are free here.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t cached() const noexcept { return cached_; }

 private:
  // What the stacks of a slab have in common; it lies at the slab's begin.
  struct alignas(64) slab {
    byte_span memory;
    std::size_t count = 0;
    // trim's:
    std::size_t free = 0;
    bool goes = false;
    slab* next = nullptr;
  };

  static constexpr std::size_t bytes_of(std::size_t c) noexcept { return smallest << c; }
  static constexpr std::size_t class_of(std::size_t bytes) noexcept {
    if (bytes <= smallest) return 0;
    return static_cast<std::size_t>(std::bit_width((bytes - 1) / smallest));
  }

  // A stack object at the upper end of its memory. The ends of stacks that lie a power of two apart would all fall into
  // the same sets of the first-level cache, so they are moved down by a different number of lines each.
  static stack* place(std::byte* low, std::size_t c, std::size_t number, slab* of) noexcept {
    const std::size_t down = number % 8 * 3 * 64;
    std::byte* const at = low + bytes_of(c) - down - sizeof(stack);
    return ::new (static_cast<void*>(at)) stack(low, c, of);
  }

  void take_back() noexcept {
    // relaxed: mostly there is nothing, and then nothing is read
    if (handed_.load(std::memory_order_relaxed) == nullptr) return;
    // sync(stack_pool.handed): acquire; pairs with the release in hand_back.
    stack* s = handed_.exchange(nullptr, std::memory_order_acquire);
    while (s != nullptr) release(*std::exchange(s, s->next_));
  }

  FRYS_NOINLINE result<void> make(std::size_t c) noexcept {
    const std::size_t one = bytes_of(c);
    const error refused{errc::limit_exceeded, domain::sched, "the stacks would take more than the pool's limit",
                        static_cast<std::int64_t>((std::min)(limit_, std::size_t{PTRDIFF_MAX}))};
    const std::size_t room = limit_ - bytes_;
    if (room < one) return refused;
    if constexpr (has_guard_pages) {
      result<stack_memory> memory = stack_memory::allocate(one);
      if (!memory) return memory.error();
      std::byte* const top = memory->span().data() + memory->span().size();
      stack* const s = place(top - one, c, made_++, nullptr);
      s->low_ = memory->span().data();
      s->memory_ = *std::move(memory);
      bytes_ += one;
      release(*s);
    } else {
      // A quarter of a MiB at a time, and one stack at least; at the front a line more for the slab itself.
      const std::size_t count = (std::min)((std::max)(std::size_t{256 * 1024} / one, std::size_t{1}), room / one);
      result<byte_span> memory = pages_type::allocate(count * one + sizeof(slab));
      if (!memory) return memory.error();
      slab* const of = ::new (static_cast<void*>(memory->data())) slab{*memory, count, 0, false, nullptr};
      for (std::size_t i = count; i-- != 0;) release(*place(memory->data() + sizeof(slab) + i * one, c, made_++, of));
      bytes_ += count * one;
    }
    return {};
  }

  std::array<stack*, classes> free_{};
  std::size_t bytes_ = 0, cached_ = 0, made_ = 0;
  std::size_t limit_;
  alignas(cache_line) typename atomics_type::template atomic<stack*> handed_{nullptr};
};

template <class... Policies>
std::size_t stack_pool<Policies...>::trim(std::size_t keep_bytes) noexcept {
  take_back();
  std::size_t gone = 0, kept = 0;
  if constexpr (has_guard_pages) {
    for (std::size_t c = 0; c != classes; ++c) {
      stack* s = std::exchange(free_[c], nullptr);
      while (s != nullptr) {
        stack* const next = s->next_;
        if (kept + bytes_of(c) <= keep_bytes) {
          kept += bytes_of(c);
          s->next_ = std::exchange(free_[c], s);
        } else {
          const stack_memory memory = std::move(s->memory_);  // it lies in itself
          --cached_;
          gone += bytes_of(c);
        }
        s = next;
      }
    }
  } else {
    for (std::size_t c = 0; c != classes; ++c) {
      const std::size_t one = bytes_of(c);
      for (stack* s = free_[c]; s != nullptr; s = s->next_) s->of_->free = 0, s->of_->goes = false;
      for (stack* s = free_[c]; s != nullptr; s = s->next_) {
        slab& of = *s->of_;
        if (++of.free != of.count) continue;
        of.goes = kept + of.count * one > keep_bytes;
        if (!of.goes) kept += of.count * one;
      }
      // A slab goes when the last of its stacks has left the list.
      slab* leaving = nullptr;
      stack** link = &free_[c];
      while (stack* const s = *link) {
        slab& of = *s->of_;
        if (of.goes) {
          *link = s->next_;
          --cached_;
          if (--of.free == 0) of.next = std::exchange(leaving, &of);
          continue;
        }
        if constexpr (region_source<pages_type>)
          if (keep_bytes == 0) pages_type::discard(s->span());
        link = &s->next_;
      }
      while (leaving != nullptr) {
        const slab of = *std::exchange(leaving, leaving->next);
        gone += of.count * one;
        unpoison(of.memory.data(), of.memory.size());
        pages_type::release(of.memory);
      }
    }
  }
  bytes_ -= gone;
  return gone;
}

}  // namespace frys::inline FRYS_ABI
#endif  // FRYS_HAS_CONTEXT

#endif  // FRYS_SCHED_STACK_POOL_HPP
