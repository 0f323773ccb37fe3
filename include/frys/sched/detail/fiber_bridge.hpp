// fiber_bridge: how a fiber waits for what only coroutines can wait for.
#ifndef FRYS_SCHED_DETAIL_FIBER_BRIDGE_HPP
#define FRYS_SCHED_DETAIL_FIBER_BRIDGE_HPP

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <new>
#include <type_traits>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::detail {

// A coroutine that wakes a fiber when it is resumed, and is then over. It lies on the fiber's stack.
template <class Event>
class fiber_bridge {
 public:
  static constexpr std::size_t usual_size = 256;
  struct memory {
    alignas(std::max_align_t) std::byte bytes[usual_size];
  };
  struct promise_type {
    promise_type(memory&, Event& e) noexcept : waiting(&e) {}
    static void* operator new(std::size_t size, memory& m, Event&) {
      return size <= usual_size ? m.bytes : ::operator new(size);
    }
    static void operator delete(void* at, std::size_t size) noexcept {
      if (size > usual_size) ::operator delete(at);
    }
    fiber_bridge get_return_object() noexcept {
      return fiber_bridge(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct waker {
        bool await_ready() const noexcept { return false; }
        // Not inline, so that nothing of the frame is touched after the wake: the fiber destroys it at once, perhaps on
        // another thread.
        FRYS_NOINLINE void await_suspend(std::coroutine_handle<promise_type> self) const noexcept {
          self.promise().waiting->set();
        }
        void await_resume() const noexcept {}
      };
      return waker{};
    }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept {}

    Event* waiting;
  };

  explicit fiber_bridge(std::coroutine_handle<promise_type> h) noexcept : handle_(h) {}
  fiber_bridge(const fiber_bridge&) = delete;
  fiber_bridge& operator=(const fiber_bridge&) = delete;
  ~fiber_bridge() { handle_.destroy(); }
  [[nodiscard]] std::coroutine_handle<> handle() const noexcept { return handle_; }

 private:
  std::coroutine_handle<promise_type> handle_;
};

template <class Event>
fiber_bridge<Event> bridge_to(typename fiber_bridge<Event>::memory&, Event&) {
  co_return;
}

// Event: fiber_event.
template <class Event, class Awaiter>
void fiber_wait(Awaiter& a) {
  typename fiber_bridge<Event>::memory memory;
  Event resumed;
  const fiber_bridge<Event> bridge = bridge_to(memory, resumed);
  using answer = decltype(a.await_suspend(bridge.handle()));
  if constexpr (std::is_void_v<answer>) {
    a.await_suspend(bridge.handle());
  } else if constexpr (std::same_as<answer, bool>) {
    if (!a.await_suspend(bridge.handle())) return;
  } else {
    a.await_suspend(bridge.handle()).resume();
  }
  resumed.wait();
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_FIBER_BRIDGE_HPP
