// expect: frys::relaxed_priority_queue: policy::random wants a random source that is made of a seed or of nothing
#include <frys/queue/relaxed_priority_queue.hpp>

struct four {
  std::uint64_t operator()() noexcept { return 4; }
};
#ifdef WRONG
frys::relaxed_priority_queue<int, frys::policy::random<int>> block;
#else
frys::relaxed_priority_queue<int, frys::policy::random<four>> block;
#endif
