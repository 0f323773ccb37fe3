// For reference: a resume of a coroutine has no stack to change.
#include "workload.hpp"

#include <coroutine>
#include <exception>

namespace {
struct counter {
  struct promise_type {
    counter get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};
counter counts(std::size_t& count) {
  for (;;) {
    ++count;
    co_await std::suspend_always{};
  }
}
}  // namespace

BENCH_CONTENDER("coroutine resume") {
  return switches(settings, [](std::size_t n) {
    std::size_t count = 0;
    const counter c = counts(count);
    for (std::size_t i = 0; i < n; ++i) {
      bench::keep(c.handle);
      c.handle.resume();
    }
    c.handle.destroy();
    return count;
  });
}
