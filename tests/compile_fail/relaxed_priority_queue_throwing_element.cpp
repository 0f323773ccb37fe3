// expect: frys::relaxed_priority_queue<T>: T must be an object type that moves and dies without throwing
#include <frys/queue/relaxed_priority_queue.hpp>

struct thrower {
  thrower(thrower&&) noexcept(false) {}
};
struct fine {};
struct none {
  template <class T>
  static std::uint64_t rank(const T&) noexcept {
    return 0;
  }
};
#ifdef WRONG
frys::relaxed_priority_queue<thrower, frys::policy::order<none>> block;
#else
frys::relaxed_priority_queue<fine, frys::policy::order<none>> block;
#endif
