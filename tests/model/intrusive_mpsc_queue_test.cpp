#include <frys/queue/intrusive_mpsc_queue.hpp>

#include "blocks.hpp"

namespace {

using namespace blocks;

struct node {
  node() = default;
  explicit node(int v) : payload(v) {}
  node* next = nullptr;
  element payload{0};
};
using queue = frys::intrusive_mpsc_queue<node, with_model>;

// One node from each of two producers, two pops meanwhile.
void two_producers() {
  queue q;
  node nodes[2];
  output<2> out;
  model::threads(
      [&] {
        nodes[0].payload = 1;
        q.push(nodes[0]);
      },
      [&] {
        nodes[1].payload = 2;
        q.push(nodes[1]);
      },
      [&] {
        for (int i = 0; i < 2; ++i)
          if (node* n = q.pop()) out.add(n->payload);
      });
  while (node* n = q.pop()) out.add(n->payload);
  model::require(out.times(1) == 1 && out.times(2) == 1, "each node comes out once");
  model::require(q.empty(), "a queue that gave all is empty");
}

// Two nodes of one producer against two pops.
void in_order() {
  queue q;
  node nodes[2];
  output<2> out;
  model::threads(
      [&] {
        for (int i = 0; i < 2; ++i) {
          nodes[i].payload = i + 1;
          q.push(nodes[i]);
        }
      },
      [&] {
        for (int i = 0; i < 2; ++i)
          if (node* n = q.pop()) out.add(n->payload);
      });
  while (node* n = q.pop()) out.add(n->payload);
  model::require(out.count == 2 && out.rising(1, 2), "nodes come out once each, in order");
}

// A popped node is pushed again by its consumer, and may be freed.
void node_again() {
  queue q;
  node own(1);
  node* other = ::new (A::alloc(sizeof(node))) node(2);
  bool freed = false;
  q.push(own);
  model::threads([&] { q.push(*other); },
                 [&] {
                   for (int i = 0; i < 2; ++i)
                     if (node* n = q.pop()) {
                       if (n == &own) {
                         q.push(own);
                       } else {
                         n->~node();
                         A::free(n);
                         freed = true;
                       }
                     }
                 });
  while (node* n = q.pop())
    if (n == other) {
      n->~node();
      A::free(n);
      freed = true;
    }
  model::require(freed, "no node is lost");
}

// The consumer frees each node where it pops it, its own first: the producer behind that has linked to it.
void freed_where_popped() {
  queue q;
  int freed = 0;
  const auto pop = [&] {
    if (node* n = q.pop()) {
      n->~node();
      A::free(n);
      ++freed;
    }
  };
  model::threads([&] { q.push(*::new (A::alloc(sizeof(node))) node(2)); },
                 [&] {
                   q.push(*::new (A::alloc(sizeof(node))) node(1));
                   pop();
                   pop();
                 });
  pop(), pop();
  model::require(freed == 2, "no node is lost");
}

// Where a node led in its former life is forgotten when it is pushed again.
void former_link() {
  queue q;
  node nodes[3];
  output<2> out;
  q.push(nodes[0]);
  q.push(nodes[1]);  // nodes[0] leads to nodes[1]
  while (q.pop() != nullptr) {
  }
  model::threads(
      [&] {
        nodes[2].payload = 1;
        q.push(nodes[2]);
        nodes[0].payload = 2;
        q.push(nodes[0]);
      },
      [&] {
        for (int i = 0; i < 2; ++i)
          if (node* n = q.pop()) out.add(n->payload);
      });
  while (node* n = q.pop()) out.add(n->payload);
  model::require(out.count == 2 && out.rising(1, 2), "nodes come out once each, in order");
}

// A push that answers true is told to a consumer that sleeps only after it has
// seen empty().
void wake_when_first() {
  queue q;
  node n(1);
  typename A::atomic<std::uint32_t> asleep{0};
  typename A::atomic<std::uint32_t> bell{0};
  output<1> out;
  model::threads(
      [&] {
        q.push(n);
        A::fence(std::memory_order_seq_cst);
        if (asleep.load(std::memory_order_relaxed) == 0) return;
        bell.store(1, std::memory_order_release);
        A::notify_one(bell);
      },
      [&] {
        asleep.store(1, std::memory_order_relaxed);
        A::fence(std::memory_order_seq_cst);
        if (q.empty())
          while (bell.load(std::memory_order_acquire) == 0) (void)A::wait(bell, 0, frys::deadline::never());
        node* got = q.pop();
        while (got == nullptr) {
          A::pause();
          got = q.pop();
        }
        out.add(got->payload);
      });
  model::require(out.count == 1, "the node comes out");
}

TEST_CASE(
    "intrusive_mpsc_queue under the model: two producers lose and double "
    "nothing") {
  holds(&two_producers);
}
TEST_CASE(
    "intrusive_mpsc_queue under the model: nodes of one producer keep "
    "their order") {
  holds(&in_order);
}
TEST_CASE(
    "intrusive_mpsc_queue under the model: a popped node may be pushed "
    "again or freed") {
  holds(&node_again);
  holds(&freed_where_popped);
}
TEST_CASE("intrusive_mpsc_queue under the model: a node's former link is forgotten") { holds(&former_link); }
TEST_CASE(
    "intrusive_mpsc_queue under the model: a consumer that saw empty "
    "before it sleeps is woken") {
  holds(&wake_when_first);
}

}  // namespace
