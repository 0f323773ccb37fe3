// Pools with threads of their own: post(f) hands f over and does not wait; run(f) waits.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "harness.hpp"

// Waits for a flag without sleeping; gives the core away after a while, for machines with one.
inline void await_flag(const std::atomic<bool>& flag) {
  for (unsigned spins = 0; !flag.load(std::memory_order_acquire); ++spins)
    if (spins > 100'000) std::this_thread::yield();
}

template <class Pool>
struct pool_base {
  template <class F>
  void run(F&& f) {
    std::atomic<bool> done{false};
    static_cast<Pool*>(this)->post([&] {
      f();
      done.store(true, std::memory_order_release);
    });
    await_flag(done);
  }
};

namespace {

// What everybody writes first.
struct mutex_pool : pool_base<mutex_pool> {
  std::mutex m;
  std::condition_variable work;
  std::deque<std::function<void()>> tasks;
  bool ends = false;
  std::vector<std::thread> threads;
  explicit mutex_pool(unsigned n) {
    for (unsigned i = 0; i < n; ++i) threads.emplace_back([this] { loop(); });
  }
  ~mutex_pool() {
    {
      const std::lock_guard lock(m);
      ends = true;
    }
    work.notify_all();
    for (auto& t : threads) t.join();
  }
  void loop() {
    for (std::unique_lock lock(m);;) {
      work.wait(lock, [this] { return ends || !tasks.empty(); });
      if (tasks.empty()) return;
      auto f = std::move(tasks.front());
      tasks.pop_front();
      lock.unlock();
      f();
      f = nullptr;
      lock.lock();
    }
  }
  template <class F>
  void post(F f) {
    {
      const std::lock_guard lock(m);
      tasks.emplace_back(std::move(f));
    }
    work.notify_one();
  }
};

}  // namespace
