// expect: frys::generator: the allocator must answer plain pointers || rebind
#include <frys/sched/generator.hpp>

#include <cstddef>
#include <new>

template <class T>
struct fancy {
#ifdef WRONG
  struct pointer {
    T* at;
  };
#else
  using pointer = T*;
#endif
  using value_type = T;
  fancy() = default;
  template <class U>
  fancy(const fancy<U>&) noexcept {}
  pointer allocate(std::size_t n) { return pointer{static_cast<T*>(::operator new(n * sizeof(T)))}; }
  void deallocate(pointer, std::size_t) noexcept {}
};
frys::generator<int> f(std::allocator_arg_t, fancy<char>) { co_yield 1; }
