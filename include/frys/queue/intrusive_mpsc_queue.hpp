// intrusive_mpsc_queue: an unbounded FIFO from many producer threads to one consumer; the links live in the elements.
//
// Use when  elements exist already and must be handed to their owner thread without allocation (posted work, messages).
// Not when  you want to push values (mpsc_queue), or several threads pop (mpmc_ring).
// Roles     push: any thread. pop, empty: the one consumer.
// Progress  push is wait-free: one exchange, one store. pop never waits, but a producer stopped in the middle of a push
//           hides what was pushed behind it until it goes on; empty() tells that case apart.
// Cost      O(1), no allocation, no write to the consumer's line by producers.
// Ordering  what a thread did before push(n) happens-before what the consumer does after the pop that answers n. The
//           pushes of one thread keep their order; all pushes stand in the order of their exchange.
// Lifetime  the queue owns nothing. A node stands in one queue at a time and lives until it was popped.
// Close     none: what may be posted, and when to stop, is the owner's protocol; mpsc_queue has close().
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model (with atomic_ref)   default atomics::standard
// Source    D. Vyukov, "Intrusive MPSC node-based queue", 2010.
#ifndef FRYS_QUEUE_INTRUSIVE_MPSC_QUEUE_HPP
#define FRYS_QUEUE_INTRUSIVE_MPSC_QUEUE_HPP

#include <atomic>
#include <concepts>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/cache_line.hpp"
#include "../policy.hpp"

namespace frys::inline FRYS_ABI {

// A node: default-constructible (the queue keeps one of its own), with a member `Node* next` that is the queue's while
// the node stands in it. core/work.hpp's work is one.
template <class Node>
concept queue_node = std::default_initializable<Node> && requires(Node& n) {
  { n.next } -> std::same_as<Node*&>;
};

template <class Node, class... Policies>
class intrusive_mpsc_queue {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::intrusive_mpsc_queue: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::intrusive_mpsc_queue: a policy is given twice; name each at most once");
  static_assert(queue_node<Node>,
                "frys::intrusive_mpsc_queue<Node>: Node must be default-constructible and have a member `Node* next`");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::intrusive_mpsc_queue: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(
      requires { typename atomics_type::template atomic_ref<Node*>; },
      "frys::intrusive_mpsc_queue: policy::atomics wants a model that has atomic_ref<T>, "
      "for the node's link");

  intrusive_mpsc_queue() = default;
  intrusive_mpsc_queue(const intrusive_mpsc_queue&) = delete;
  intrusive_mpsc_queue& operator=(const intrusive_mpsc_queue&) = delete;

  // Any thread. True if the queue may have been empty before: then, and only then, the consumer may need a wake-up. The
  // consumer must have seen empty() before it sleeps, or a push that answered false would wake nobody.
  bool push(Node& node) noexcept {
    link(node).store(nullptr, std::memory_order_relaxed);  // relaxed: sync(intrusive_mpsc_queue.last) publishes
    return append(node) == &stub_;
  }

  // Consumer only. nullptr if nothing can be taken now: the queue is empty, or a push is under way.
  [[nodiscard]] Node* pop() noexcept {
    Node* first = first_;
    // sync(intrusive_mpsc_queue.link): acquire; what the producer wrote into its node is visible. With relaxed the
    // consumer could read the node as it was before.
    Node* second = link(*first).load(std::memory_order_acquire);
    if (first == &stub_) {
      if (second == nullptr) return nullptr;
      first_ = first = second;
      second = link(*first).load(std::memory_order_acquire);  // sync(intrusive_mpsc_queue.link), as above
    }
    if (second == nullptr) {
      // The last one: it may leave only when another node stands behind it, so that producers have an end to append to.
      // relaxed: only compared; if it is `first`, then our own acquire of the link has seen all that matters.
      if (last_.load(std::memory_order_relaxed) != first) return nullptr;  // a push is under way
      link(stub_).store(nullptr, std::memory_order_relaxed);               // relaxed: published by append
      (void)append(stub_);
      // sync(intrusive_mpsc_queue.link): acquire; the producer that linked it is done with `first`. What stands there
      // is whole already, by the stub's append; but with relaxed the caller could free `first` ahead of that write to
      // it.
      second = link(*first).load(std::memory_order_acquire);
      if (second == nullptr) return nullptr;  // a push came between and is not linked yet
    }
    first_ = second;
    return first;
  }

  // Consumer only. True if nothing stands in the queue and no push was under way. To sleep: announce it, fence
  // (seq_cst), look at empty() again; producers push, fence, look at the announcement. eventcount does both halves.
  [[nodiscard]] bool empty() const noexcept {
    // relaxed: only compared; the element itself is read through pop's acquire.
    return first_ == &stub_ && last_.load(std::memory_order_relaxed) == &stub_;
  }

 private:
  using reference = typename atomics_type::template atomic_ref<Node*>;

  static reference link(Node& node) noexcept { return reference(node.next); }

  // Answers the node that was last before.
  Node* append(Node& node) noexcept {
    // sync(intrusive_mpsc_queue.last): acq_rel; release: whoever appends behind us sees our empty link before it
    // overwrites it; acquire: the other end of that. With relaxed our null could land on top of its link and cut the
    // queue in two.
    Node* before = last_.exchange(&node, std::memory_order_acq_rel);
    // sync(intrusive_mpsc_queue.link): release; the node is whole before the consumer can reach it.
    link(*before).store(&node, std::memory_order_release);
    return before;
  }

  // Producers write last_ only; the consumer's line is its own.
  alignas(cache_line) typename atomics_type::template atomic<Node*> last_{&stub_};
  alignas(cache_line) Node* first_ = &stub_;
  Node stub_{};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_INTRUSIVE_MPSC_QUEUE_HPP
