// frys' queues and bags as Queues. In an unnamed namespace, here and beside: a contender is compiled as if it alone
// were there, and the compiler sees that its functions are called once.
#pragma once
#include <cstdint>

namespace {

template <class End>
bool pop_from(End& from, std::uint64_t& value) {
  auto got = from.try_pop();
  if (!got) return false;
  value = *got;
  return true;
}

template <class Q>
struct frys_queue {
  Q q;
  bool try_push(std::uint64_t v) { return static_cast<bool>(q.try_push(v)); }
  bool try_pop(std::uint64_t& v) { return pop_from(q, v); }
};

// With a handle for each thread.
template <class Bag>
struct frys_handles {
  Bag b;
  struct producer {
    typename Bag::producer_type p;
    explicit producer(frys_handles& to) : p(*to.b.producer()) {}
    bool try_push(std::uint64_t v) { return static_cast<bool>(p.try_push(v)); }
  };
  struct consumer {
    typename Bag::consumer_type c;
    explicit consumer(frys_handles& from) : c(*from.b.consumer()) {}
    bool try_pop(std::uint64_t& v) { return pop_from(c, v); }
  };
};

}  // namespace
