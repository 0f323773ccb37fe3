// No fork at all: the same recursion as plain calls. What the forks of the others cost is counted from here.
#pragma once
#include <cstddef>
#include <utility>

namespace {
struct serial_crew {
  static constexpr const char* name = "by hand serial";
  static constexpr bool one_thread = true;
  explicit serial_crew(unsigned) {}
  template <class F>
  void run(F&& f) {
    f();
  }
  template <class A, class B>
  [[gnu::always_inline]] static auto both(A&& a, B&& b) {
    auto first = a();
    return std::pair(first, b());
  }
  template <class F>
  [[gnu::always_inline]] static void each(std::size_t n, F&& f) {
    for (std::size_t i = 0; i < n; ++i) f(i);
  }
};
}  // namespace
