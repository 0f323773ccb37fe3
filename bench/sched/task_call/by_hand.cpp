// The least that a lazy coroutine can be: no result but a number, no exceptions, frames from malloc.
#include "workload.hpp"

#include <coroutine>
#include <cstdlib>
#include <exception>
#include <utility>

namespace {
class bare {
 public:
  struct promise_type {
    static void* operator new(std::size_t size) { return std::malloc(size); }
    static void operator delete(void* memory) { std::free(memory); }
    bare get_return_object() { return bare(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct end {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
          return h.promise().next;
        }
        void await_resume() noexcept {}
      };
      return end{};
    }
    void return_value(std::uint64_t v) { value = v; }
    void unhandled_exception() { std::terminate(); }
    std::coroutine_handle<> next = std::noop_coroutine();
    std::uint64_t value = 0;
  };
  explicit bare(std::coroutine_handle<promise_type> h) : body(h) {}
  bare(bare&& other) noexcept : body(std::exchange(other.body, nullptr)) {}
  ~bare() {
    if (body) body.destroy();
  }
  bool await_ready() noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
    body.promise().next = h;
    return body;
  }
  std::uint64_t await_resume() noexcept { return body.promise().value; }
  std::uint64_t wait() {
    body.resume();
    return body.promise().value;
  }

 private:
  std::coroutine_handle<promise_type> body;
};
bare leaf(std::uint64_t i) { co_return i; }
bare run(std::size_t n) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += co_await leaf(i);
  co_return sum;
}
bare fib(unsigned n) {
  if (n < 2) co_return n;
  const std::uint64_t a = co_await fib(n - 1);
  co_return a + co_await fib(n - 2);
}
}  // namespace

BENCH_CONTENDER("by hand, malloc") {
  return calls(
      settings, [](std::size_t n) { return run(n).wait(); }, [](unsigned n) { return fib(n).wait(); });
}
