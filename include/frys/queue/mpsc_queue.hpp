// mpsc_queue: an unbounded FIFO of values from many producer threads to one consumer.
//
// Use when  many threads send to one and the backlog has no natural bound, or one in bytes (policy::limit).
// Not when  the elements are nodes already (intrusive_mpsc_queue, included here too), or the bound is a number of
//           elements and "full" is an answer you want (mpmc_ring, spsc_ring).
// Roles     try_push, close, is_closed: any thread. try_pop: the one consumer.
// Progress  try_push is lock-free. try_pop never waits, but a producer stopped in the middle of a push hides what was
//           pushed behind it until it goes on.
// Cost      O(1). Nodes come from slabs that double and are used again: after warm-up nothing is allocated; the memory
//           of the longest backlog stays until the queue dies. The consumer gives nodes back 32 at a time.
// Ordering  what a thread did before the try_push of a value happens-before what the consumer does after the try_pop of
//           it. Values of one producer keep their order. What a thread did before close() happens-before what another
//           does after it has learnt of it (is_closed, a try_pop that answers closed).
// Close     after close() every try_push that has not begun answers closed; try_pop hands out what was accepted, to the
//           last value, and answers closed only then.
// Lifetime  destroy it when no other thread can call it; values left in it are destroyed.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model                     default atomics::standard
//   policy::pages<P>    where slabs come from                 default heap_pages
//   policy::limit<N>    the most bytes of nodes; beyond: full default none but 2^31 nodes
// Source    D. Vyukov, "Non-intrusive MPSC node-based queue", 2010; the tagged free list is Treiber's stack (IBM,
// 1986).
#ifndef FRYS_QUEUE_MPSC_QUEUE_HPP
#define FRYS_QUEUE_MPSC_QUEUE_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/cache_line.hpp"
#include "../core/concepts.hpp"
#include "../memory/pages.hpp"
#include "../policy.hpp"
#include "intrusive_mpsc_queue.hpp"
#include "result.hpp"

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class mpsc_queue {
  using accepted = policy::keys<policy::atomics_key, policy::pages_key, policy::limit_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::mpsc_queue: unknown policy; it takes policy::atomics, policy::pages, policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::mpsc_queue: a policy is given twice; name each at most once");
  static_assert(queue_element<T>, "frys::mpsc_queue<T>: T must be an object type that moves and dies without throwing");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<heap_pages>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::mpsc_queue: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(page_source<pages_type>, "frys::mpsc_queue: policy::pages wants a page source, see core/concepts.hpp");

  mpsc_queue() = default;
  mpsc_queue(const mpsc_queue&) = delete;
  mpsc_queue& operator=(const mpsc_queue&) = delete;
  ~mpsc_queue() {
    while (try_pop()) {
    }
    for (auto& s : slabs_) {
      // relaxed: nobody else is here any more
      if (node* nodes = s.load(std::memory_order_relaxed)) pages_type::release(slab_memory(nodes));
    }
  }

  // Any thread. On full (the limit is reached or the memory source refused) and closed the value is untouched.
  push_result try_push(T&& value) noexcept { return emplace(std::move(value)); }
  push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return emplace(value);
  }

  // Any thread. Builds T(args...) in the queue, which must not throw.
  template <class... Args>
  requires std::is_nothrow_constructible_v<T, Args...> push_result emplace(Args&&... args)
  noexcept {
    node* n = nullptr;
    const push_result got = take_node(n);
    if (!got) return got;
    std::construct_at(&n->value, std::forward<Args>(args)...);
    n->next.store(nullptr, std::memory_order_relaxed);  // relaxed: sync(mpsc_queue.last) publishes it
    // sync(mpsc_queue.last): acq_rel; release: whoever appends behind us sees our empty link before it overwrites it;
    // acquire: the other end of that. With relaxed our null could land on top of its link and cut the queue in two.
    node* before = last_.exchange(n, std::memory_order_acq_rel);
    // sync(mpsc_queue.link): release; the value is whole before the consumer can reach it.
    before->next.store(n, std::memory_order_release);
    return push_result::ok;
  }

  // Consumer only. Empty also while the next value's push is under way.
  pop_result<T> try_pop() noexcept {
    // sync(mpsc_queue.link): acquire; with relaxed the value could be read as it was before its constructor.
    node* n = first_->next.load(std::memory_order_acquire);
    if (n == nullptr) [[unlikely]] {
      give_back();
      return is_drained() ? pop_status::closed : pop_status::empty;
    }
    pop_result<T> out(std::in_place, std::move(n->value));
    std::destroy_at(&n->value);
    node* spent = first_;
    first_ = n;  // the value's node stays as the one that producers append to
    ++popped_;
    if (spent != &origin_) {
      spent->free_next.store(returns_, std::memory_order_relaxed);  // relaxed: published by give_back
      if (returned_count_ == 0) returns_end_ = spent;
      returns_ = spent->index;
      if (++returned_count_ == batch) give_back();
    }
    return out;
  }

  // Any thread; again is harmless.
  void close() noexcept {
    // Freezes both ways to get a node. A push that has a node already was accepted, and the counters that stop here
    // tell the consumer how many of those it will see. relaxed: the second one publishes.
    free_.fetch_or(closed_bit, std::memory_order_relaxed);
    // sync(mpsc_queue.close): release; who learns that the queue is closed sees what its closer did before.
    fresh_.fetch_or(closed_bit, std::memory_order_release);
  }
  // Any thread. Values may still come out.
  [[nodiscard]] bool is_closed() const noexcept {
    return (fresh_.load(std::memory_order_acquire) & closed_bit) != 0;  // sync(mpsc_queue.close): acquire
  }

  // Any thread. Nodes that slabs were cut into so far: the longest backlog, about.
  [[nodiscard]] std::size_t nodes() const noexcept {
    return static_cast<std::size_t>(fresh_.load(std::memory_order_relaxed) & ~closed_bit);  // relaxed: a number only
  }

 private:
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;

  struct node {
    node() noexcept {}
    ~node() {}
    atomic<node*> next{nullptr};
    atomic<std::uint32_t> free_next{0};  // the index behind this one in the free list
    std::uint32_t index = 0;
    union {
      T value;
    };
  };

  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t tag_one = std::uint64_t{1} << 32;  // free_: index below, a count of takes, closed_bit
  static constexpr std::uint64_t tag_mask = closed_bit - tag_one;
  static constexpr std::uint32_t none = 0xffff'ffff;
  static constexpr unsigned batch = 32;

  // Slab k holds first_slab << k nodes; a prefix of the first one is skipped so that a slab's memory starts with its
  // span.
  static constexpr std::size_t align = (std::max)(alignof(node), alignof(byte_span));
  static constexpr std::size_t header = (sizeof(byte_span) + align - 1) / align * align;
  static constexpr std::size_t first_slab =
      std::bit_floor((std::max)(std::size_t{2}, (page_size - (std::min)(header, page_size / 2)) / sizeof(node)));
  static_assert(align <= page_size, "frys::mpsc_queue<T>: T must not be aligned beyond a page (4096 bytes)");
  using limit = typename policy::pick<policy::limit<(std::numeric_limits<std::size_t>::max)()>, Policies...>;
  static constexpr std::size_t most_nodes =
      (std::min)(limit::value / sizeof(node), static_cast<std::size_t>(std::uint32_t{1} << 31));
  static_assert(most_nodes > 0, "frys::mpsc_queue: policy::limit leaves no room for one node; name a larger one");
  static constexpr unsigned slab_count = 32;

  static constexpr unsigned slab_of(std::size_t index) noexcept {
    return static_cast<unsigned>(std::bit_width(index / first_slab + 1)) - 1;
  }
  static constexpr std::size_t slab_begin(unsigned slab) noexcept {
    return first_slab * ((std::size_t{1} << slab) - 1);
  }

  static byte_span slab_memory(node* nodes) noexcept {
    return *std::launder(reinterpret_cast<byte_span*>(reinterpret_cast<std::byte*>(nodes) - header));
  }
  node* at(std::size_t index) noexcept {
    const unsigned slab = slab_of(index);
    // relaxed: who has the index knows the slab, by ensure_slab or by the free list's acquire.
    return slabs_[slab].load(std::memory_order_relaxed) + (index - slab_begin(slab));
  }

  // A node from the free list, else one that was never used.
  push_result take_node(node*& out) noexcept {
    // sync(mpsc_queue.free): acquire; the consumer has moved the old value out of the node before we build over it, and
    // we see where the node leads. With relaxed an old link could bring back a node that is in use.
    std::uint64_t head = free_.load(std::memory_order_acquire);
    for (;;) {
      if ((head & closed_bit) != 0) return push_result::closed;
      const std::uint32_t index = static_cast<std::uint32_t>(head);
      if (index == none) return take_fresh(out);
      node* n = at(index);
      // relaxed: if the node was taken in between, then the tag differs and this value is thrown away.
      const std::uint64_t next = n->free_next.load(std::memory_order_relaxed);
      const std::uint64_t wanted = ((head + tag_one) & tag_mask) | next;
      // sync(mpsc_queue.free): acquire, needed on failure only: what the exchange finds was acquired before. But g++ 12
      // wants the order of success to be no weaker.
      if (free_.compare_exchange_weak(head, wanted, std::memory_order_acquire, std::memory_order_acquire)) {
        out = n;
        return push_result::ok;
      }
    }
  }

  FRYS_NOINLINE push_result take_fresh(node*& out) noexcept {
    std::uint64_t next = fresh_.load(std::memory_order_relaxed);  // relaxed: the slab's own acquire orders what matters
    for (;;) {
      if ((next & closed_bit) != 0) return push_result::closed;
      if (next >= most_nodes) return push_result::full;
      const std::size_t index = static_cast<std::size_t>(next);
      if (!ensure_slab(slab_of(index))) return push_result::full;
      // After this the push counts as accepted. relaxed, both: the index carries no data.
      if (fresh_.compare_exchange_weak(next, next + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
        out = at(index);
        out->index = static_cast<std::uint32_t>(index);
        return push_result::ok;
      }
    }
  }

  bool ensure_slab(unsigned slab) noexcept {
    if (slab >= slab_count) return false;
    // sync(mpsc_queue.slab): acquire; the slab's nodes are built before one is used.
    if (slabs_[slab].load(std::memory_order_acquire) != nullptr) return true;
    const std::size_t begin = slab_begin(slab);
    const std::size_t count = (std::min)(first_slab << slab, most_nodes - begin);
    result<byte_span> memory = pages_type::allocate(header + count * sizeof(node));
    if (!memory) return slabs_[slab].load(std::memory_order_acquire) != nullptr;  // sync(mpsc_queue.slab), as above
    std::construct_at(reinterpret_cast<byte_span*>(memory->data()), *memory);
    node* nodes = reinterpret_cast<node*>(memory->data() + header);
    for (std::size_t i = 0; i < count; ++i) std::construct_at(nodes + i);
    node* other = nullptr;
    // sync(mpsc_queue.slab): release; acquire where another producer was faster.
    if (!slabs_[slab].compare_exchange_strong(other, nodes, std::memory_order_release, std::memory_order_acquire))
      pages_type::release(slab_memory(nodes));
    return true;
  }

  // Consumer: hands the collected nodes to the producers, in one exchange.
  void give_back() noexcept {
    if (returned_count_ == 0) return;
    std::uint64_t head = free_.load(std::memory_order_relaxed);  // relaxed: only linked behind, not followed
    std::uint64_t wanted = 0;
    do {
      // relaxed: published by the exchange
      returns_end_->free_next.store(static_cast<std::uint32_t>(head), std::memory_order_relaxed);
      wanted = (head & ~std::uint64_t{none}) | returns_;
      // sync(mpsc_queue.free): release; our moves out of these nodes are done before a producer can have one.
    } while (!free_.compare_exchange_weak(head, wanted, std::memory_order_release, std::memory_order_relaxed));
    returned_count_ = 0;
  }

  // Consumer: closed, and all that was accepted has come out. Counts modulo 2^31, which is the most nodes there can be.
  bool is_drained() const noexcept {
    // sync(mpsc_queue.close): acquire; see close(). relaxed: the counters are final when both bits are set.
    const std::uint64_t fresh = fresh_.load(std::memory_order_acquire);
    const std::uint64_t head = free_.load(std::memory_order_relaxed);
    if ((fresh & head & closed_bit) == 0) return false;
    const std::uint64_t taken = (fresh & ~closed_bit) + ((head & tag_mask) >> 32);
    return ((taken - popped_) & (tag_mask >> 32)) == 0;
  }

  // Written by producers.
  alignas(cache_line) atomic<node*> last_{&origin_};
  // Written by producers, and by the consumer once per batch.
  alignas(cache_line) atomic<std::uint64_t> free_{none};
  // Written while the queue grows, then only read.
  alignas(cache_line) atomic<std::uint64_t> fresh_{0};
  atomic<node*> slabs_[slab_count] = {};
  // The consumer's own.
  alignas(cache_line) node* first_ = &origin_;
  std::uint64_t popped_ = 0;
  node* returns_end_ = nullptr;
  std::uint32_t returns_ = none;
  unsigned returned_count_ = 0;
  node origin_;  // the first node that producers append to; has no value, never goes to the free list
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_MPSC_QUEUE_HPP
