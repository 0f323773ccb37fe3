// frys' pool: the caller takes a seat in it, so n threads are n - 1 workers and the caller. One thread is one worker:
// the caller sleeps.
#pragma once
#include <frys/core/parker.hpp>
#include <frys/sched/fork_join.hpp>
#include <frys/sched/scheduler.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace {
struct frys_crew {
  static constexpr const char* name = "frys";
  std::unique_ptr<frys::scheduler<>> pool;
  bool alone;
  explicit frys_crew(unsigned threads)
      : pool(frys::scheduler<>::create({.workers = threads > 1 ? threads - 1 : 1}).value()), alone(threads == 1) {}
  template <class F>
  void run(F&& f) {
    if (!alone) return static_cast<void>(pool->run(std::forward<F>(f)));
    frys::parker<> done;
    (void)pool->submit([&] {
      f();
      done.unpark();
    });
    done.park();
  }
  template <class A, class B>
  [[gnu::always_inline]] static auto both(A&& a, B&& b) {
    return frys::join(std::forward<A>(a), std::forward<B>(b));
  }
  template <class F>
  [[gnu::always_inline]] static void each(std::size_t n, F&& f) {
    frys::parallel_for(std::size_t{0}, n, std::size_t{1}, std::forward<F>(f));
  }
};
}  // namespace
