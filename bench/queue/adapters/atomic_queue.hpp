// M. Egorushkin's atomic_queue; 0 is no value.
#pragma once
#include <cstdint>

#if __has_include(<atomic_queue/atomic_queue.h>)
#include <atomic_queue/atomic_queue.h>

namespace {
template <bool OneByOne>
struct atomic_queue_of {
  atomic_queue::AtomicQueue<std::uint64_t, 1024, std::uint64_t{0}, true, true, false, OneByOne> q;
  bool try_push(std::uint64_t v) { return q.try_push(v); }
  bool try_pop(std::uint64_t& v) { return q.try_pop(v); }
};
using atomic_queue_mpmc = atomic_queue_of<false>;
using atomic_queue_spsc = atomic_queue_of<true>;
}  // namespace
#else
struct atomic_queue_mpmc {
  static constexpr const char* package = "libatomic-queue-dev";
};
using atomic_queue_spsc = atomic_queue_mpmc;
#endif
