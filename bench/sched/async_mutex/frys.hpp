#pragma once
#include "workload.hpp"

#include <frys/core/intrusive_list.hpp>
#include <frys/core/work.hpp>
#include <frys/sched/async_mutex.hpp>
#include <frys/sched/task.hpp>

namespace {

// The loop of one thread.
struct ready_line {
  frys::intrusive_queue<frys::work> queue;
  struct later : frys::work {
    ready_line& of;
    std::coroutine_handle<> waiting;
    explicit later(ready_line& line) noexcept
        : work([](frys::work& w) noexcept { static_cast<later&>(w).waiting.resume(); }), of(line) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
      waiting = h;
      of.queue.push(*this);
    }
    void await_resume() const noexcept {}
  };
  later yield() noexcept { return later(*this); }
  void run() noexcept {
    while (frys::work* const w = queue.pop()) w->run(*w);
  }
};

template <class Mutex>
frys::task<> count_alone(Mutex& mutex, std::size_t n, std::size_t& sum) {
  for (std::size_t i = 0; i < n; ++i) {
    auto held = co_await mutex.lock();
    ++sum;
  }
}
template <class Mutex>
frys::task<> count_over_a_yield(Mutex& mutex, ready_line& line, std::size_t n, std::size_t& sum) {
  for (std::size_t i = 0; i < n; ++i) {
    auto held = co_await mutex.lock();
    ++sum;
    co_await line.yield();
  }
}
template <class Mutex>
std::size_t one_thread(std::size_t n) {
  Mutex mutex;
  std::size_t sum = 0;
  frys::sync_wait(count_alone(mutex, n, sum));
  return sum;
}
template <class Mutex>
std::size_t in_a_crowd(std::size_t crowd, std::size_t n) {
  Mutex mutex;
  ready_line line;
  std::size_t sum = 0;
  frys::task_scope scope;
  for (std::size_t i = 0; i < crowd; ++i) scope.spawn(count_over_a_yield(mutex, line, n, sum));
  line.run();
  return sum;
}

}  // namespace
