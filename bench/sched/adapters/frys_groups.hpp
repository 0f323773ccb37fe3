// frys' pool, with a task_group for each fork; the last child is run by who forks, as with TBB's.
#pragma once
#include <frys/sched/task_group.hpp>

#include "sched/adapters/frys.hpp"

namespace {
struct frys_groups : frys_crew {
  static constexpr const char* name = "frys task_group";
  using frys_crew::frys_crew;
  template <class A, class B>
  [[gnu::always_inline]] static auto both(A&& a, B&& b) {
    decltype(a()) first{};
    frys::task_group group;
    if (group.run([&] { first = a(); }) != frys::push_result::ok) first = a();
    auto second = b();
    group.wait();
    return std::pair(first, second);
  }
  template <class F>
  [[gnu::always_inline]] static void each(std::size_t n, F&& f) {
    if (n == 0) return;
    frys::task_group group;
    for (std::size_t i = 1; i < n; ++i)
      if (group.run([&f, i] { f(i); }) != frys::push_result::ok) f(i);
    f(0);
    group.wait();
  }
};
}  // namespace
