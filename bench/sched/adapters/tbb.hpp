// oneTBB: a task_group for each fork, the last child run by who forks; and parallel_invoke. A source says `// link:
// tbb`.
#pragma once
#include <cstddef>
#include <utility>

#if __has_include(<tbb/task_group.h>)
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_invoke.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

namespace {
struct tbb_crew {
  static constexpr const char* name = "tbb";
  tbb::global_control limit;
  tbb::task_arena arena;
  explicit tbb_crew(unsigned threads)
      : limit(tbb::global_control::max_allowed_parallelism, threads), arena(static_cast<int>(threads)) {}
  template <class F>
  void run(F&& f) {
    arena.execute(std::forward<F>(f));
  }
  template <class A, class B>
  [[gnu::always_inline]] static auto both(A&& a, B&& b) {
    decltype(a()) first{};
    decltype(b()) second{};
    tbb::task_group group;
    group.run([&] { first = a(); });
    group.run_and_wait([&] { second = b(); });
    return std::pair(first, second);
  }
  template <class F>
  [[gnu::always_inline]] static void each(std::size_t n, F&& f) {
    if (n == 0) return;
    tbb::task_group group;
    for (std::size_t i = 1; i < n; ++i) group.run([&f, i] { f(i); });
    group.run_and_wait([&f] { f(0); });
  }
};

struct tbb_invoke : tbb_crew {
  static constexpr const char* name = "tbb invoke";
  using tbb_crew::tbb_crew;
  template <class A, class B>
  [[gnu::always_inline]] static auto both(A&& a, B&& b) {
    decltype(a()) first{};
    decltype(b()) second{};
    tbb::parallel_invoke([&] { first = a(); }, [&] { second = b(); });
    return std::pair(first, second);
  }
  template <class F>
  [[gnu::always_inline]] static void each(std::size_t n, F&& f) {
    tbb::parallel_for(std::size_t{0}, n, f, tbb::simple_partitioner{});
  }
};
}  // namespace
#else
namespace {
struct tbb_crew {
  static constexpr const char* package = "libtbb-dev";
};
using tbb_invoke = tbb_crew;
}  // namespace
#endif
