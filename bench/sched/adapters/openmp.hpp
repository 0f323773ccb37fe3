// OpenMP's tasks, by the compiler's own runtime: libgomp for g++, libomp for clang++. A source says `// openmp`.
#pragma once
#include <cstddef>
#include <utility>

#if defined(_OPENMP)
namespace {
struct openmp_crew {
#if defined(__clang__)
  static constexpr const char* name = "libomp";
#else
  static constexpr const char* name = "libgomp";
#endif
  int threads;
  explicit openmp_crew(unsigned n) : threads(static_cast<int>(n)) {}
  template <class F>
  void run(F&& f) {
#pragma omp parallel num_threads(threads)
#pragma omp master
    f();
  }
  template <class A, class B>
  [[gnu::always_inline]] static auto both(A&& a, B&& b) {
    decltype(a()) first{};
#pragma omp task shared(first, a)
    first = a();
    const auto second = b();
#pragma omp taskwait
    return std::pair(first, second);
  }
  template <class F>
  [[gnu::always_inline]] static void each(std::size_t n, F&& f) {
    for (std::size_t i = 1; i < n; ++i) {
#pragma omp task shared(f) firstprivate(i)
      f(i);
    }
    if (n != 0) f(0);
#pragma omp taskwait
  }
};
}  // namespace
#else
namespace {
struct openmp_crew {
  static constexpr const char* package = "g++";
};
}  // namespace
#endif
