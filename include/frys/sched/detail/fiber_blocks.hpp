// fiber_blocks: the stacks of a scheduler's fibers, with what a fiber is at the upper end of each, used again from
// fiber to fiber.
#ifndef FRYS_SCHED_DETAIL_FIBER_BLOCKS_HPP
#define FRYS_SCHED_DETAIL_FIBER_BLOCKS_HPP

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "../../config.hpp"
#include "../../core/context.hpp"
#include "../../core/poison.hpp"
#include "../../core/result.hpp"
#include "fiber_exceptions.hpp"
#include "fiber_runner.hpp"

#if FRYS_HAS_CONTEXT && FRYS_HAS_THREAD

namespace frys::inline FRYS_ABI::detail {

// Stands at the upper end of its stack, and stays there from fiber to fiber.
template <class Flow, class Stack>
struct alignas(64) fiber_block : fiber_task {
  using fiber_task::fiber_task;

  Flow self;
  [[no_unique_address]] fiber_exceptions::held exceptions;
  unsigned size_class = 0;
  Stack* memory = nullptr;
};

template <class Flow, class Pool>
class fiber_blocks {
 public:
  using stack = typename Pool::stack;
  using block = fiber_block<Flow, stack>;

  explicit fiber_blocks(std::size_t limit_bytes) noexcept : stacks_({limit_bytes}) {}

  // nullptr: `why_not` tells. A new one is the runner's, and `makes_ready` is its function as a work.
  block* take(std::size_t stack_bytes, fiber_runner& runner, work::function makes_ready) noexcept {
    const std::size_t c = class_of(stack_bytes);
    if (c >= idle_.size()) return nullptr;
    block* const b = idle_[c];
    if (b == nullptr) [[unlikely]]
      return make(c, runner, makes_ready);
    idle_[c] = static_cast<block*>(b->behind);
    return b;
  }
  // Asks again for what was refused, for the reason.
  FRYS_NOINLINE error why_not(std::size_t stack_bytes) noexcept {
    const result<stack*> s = stacks_.acquire(stack_bytes);
    if (!s) return s.error();
    stacks_.release(**s);
    return error{errc::out_of_memory, domain::sched, "no memory for the stack of a fiber", 0};
  }
  // Makes a Body(b, f) below the block; the fiber begins with Body::enter. Where that throws, the block is given back.
  template <class Body, class F>
  Body* place(block& b, F&& f) {
    static_assert(
        sizeof(Body) <= 4096,
        "frys::fiber_scheduler: the callable and its answer lie on the fiber's stack, with 4 KiB at most; hold "
        "a pointer to what is larger");
    static_assert(alignof(Body) <= 64, "frys::fiber_scheduler: the callable is aligned to more than 64");
    std::byte* const low = b.memory->span().data();
    const std::size_t room = static_cast<std::size_t>(reinterpret_cast<std::byte*>(&b) - low);
    constexpr std::size_t size = (sizeof(Body) + 63) & ~std::size_t{63};
    struct taken {
      fiber_blocks* self;
      block* of;
      ~taken() {
        if (of != nullptr) self->give_back(*of);
      }
    } unless_done{this, &b};
    unpoison(low + room - size, size);
    Body* const body = ::new (static_cast<void*>(low + room - size)) Body(b, std::forward<F>(f));
    unless_done.of = nullptr;
    b.self.make({low, room - size}, &Body::enter, body);
    return body;
  }
  void give_back(block& b) noexcept {
    b.has_handle = false;
    b.behind = idle_[b.size_class];
    idle_[b.size_class] = &b;
  }
  // Idle stacks go back to the system, but for some keep_bytes; answers how many bytes.
  std::size_t trim(std::size_t keep_bytes) noexcept {
    for (block*& list : idle_)
      while (list != nullptr) {
        block* const b = std::exchange(list, static_cast<block*>(list->behind));
        stack& s = *b->memory;
        std::destroy_at(b);
        stacks_.release(s);
      }
    return stacks_.trim(keep_bytes);
  }

 private:
  static std::size_t class_of(std::size_t bytes) noexcept {
    return bytes <= Pool::smallest ? 0 : static_cast<std::size_t>(std::bit_width((bytes - 1) / Pool::smallest));
  }
  FRYS_NOINLINE block* make(std::size_t c, fiber_runner& runner, work::function makes_ready) noexcept {
    const result<stack*> s = stacks_.acquire(Pool::smallest << c);
    if (!s) return nullptr;
    std::byte* const top = (*s)->span().data() + (*s)->span().size();
    block* const b = ::new (static_cast<void*>(top - sizeof(block))) block(runner, makes_ready);
    b->memory = *s;
    b->size_class = static_cast<unsigned>(c);
    return b;
  }

  std::array<block*, std::bit_width(Pool::largest / Pool::smallest)> idle_{};
  Pool stacks_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_HAS_CONTEXT && FRYS_HAS_THREAD

#endif  // FRYS_SCHED_DETAIL_FIBER_BLOCKS_HPP
