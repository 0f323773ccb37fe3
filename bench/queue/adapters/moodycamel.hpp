// C. Desrochers' ConcurrentQueue, without a bound: it keeps the order of each producer, but none among them.
#pragma once
#include <cstddef>
#include <cstdint>

#if __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>

namespace {
struct moodycamel_queue {
  moodycamel::ConcurrentQueue<std::uint64_t> q{1024};
  bool try_push(std::uint64_t v) { return q.enqueue(v); }
  bool try_pop(std::uint64_t& v) { return q.try_dequeue(v); }
  std::size_t push_some(const std::uint64_t* values, std::size_t n) { return q.enqueue_bulk(values, n) ? n : 0; }
  std::size_t pop_some(std::uint64_t* out, std::size_t n) { return q.try_dequeue_bulk(out, n); }
};
struct moodycamel_tokens {
  using type = moodycamel::ConcurrentQueue<std::uint64_t>;
  type q;
  struct producer {
    type& q;
    moodycamel::ProducerToken token;
    explicit producer(moodycamel_tokens& to) : q(to.q), token(to.q) {}
    bool try_push(std::uint64_t v) { return q.enqueue(token, v); }
  };
  struct consumer {
    type& q;
    moodycamel::ConsumerToken token;
    explicit consumer(moodycamel_tokens& from) : q(from.q), token(from.q) {}
    bool try_pop(std::uint64_t& v) { return q.try_dequeue(token, v); }
  };
};
}  // namespace
#else
struct moodycamel_queue {
  static constexpr const char* package = "libconcurrentqueue-dev";
};
using moodycamel_tokens = moodycamel_queue;
#endif
