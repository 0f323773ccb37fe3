// What the tests of the reclaiming domains have in common.
#ifndef FRYS_TESTS_MEMORY_DOMAINS_HPP
#define FRYS_TESTS_MEMORY_DOMAINS_HPP

#include <doctest/doctest.h>
#include <frys/memory/reclaim.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

namespace domains {

// Counts the living, and says when it is used after its end.
struct tracked {
  explicit tracked(int v) : value(v) { ++living; }
  ~tracked() {
    value = dead;
    --living;
  }
  tracked(const tracked&) = delete;
  tracked& operator=(const tracked&) = delete;
  static constexpr int dead = -77;
  int value;
  inline static std::atomic<int> living{0};
};

// A type as the argument of a function.
template <class D>
using pointer_in = typename D::atomics_type::template atomic<tracked*>;

template <class D>
void retire_now(typename D::participant& seat, tracked* t) {
  while (!seat.retire(t)) {  // full: somebody reads
    seat.quiesce();
    std::this_thread::yield();
  }
}

// Destroys all that those left who have gone. Who has retired something fetches it; a seat of a qsbr_domain, which is
// online, gets one epoch on by each quiesce, and what it has fetched goes two epochs later.
template <class D>
void settle(typename D::participant& seat) {
  retire_now<D>(seat, new tracked(0));
  for (int i = 0; i < 3; ++i) seat.quiesce();
}

// A cell that is replaced by some threads and read by others; whatever a reader sees is alive. `quiet`: called by a
// thread where it holds nothing.
template <class D, class Quiet>
void replace_against_read(unsigned writers, unsigned readers, int rounds, Quiet quiet) {
  const int before = tracked::living;
  {
    auto domain = std::make_unique<D>();
    pointer_in<D> cell(new tracked(0));
    std::atomic<unsigned> writing{writers};
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (unsigned w = 0; w < writers; ++w)
      threads.emplace_back([&] {
        auto seat = *domain->join();
        for (int i = 1; i <= rounds; ++i) {
          tracked* old = cell.exchange(new tracked(i), std::memory_order_acq_rel);
          retire_now<D>(seat, old);
          quiet(seat);
        }
        --writing;
      });
    for (unsigned r = 0; r < readers; ++r)
      threads.emplace_back([&] {
        auto seat = *domain->join();
        while (writing != 0) {
          {
            auto first = seat.protect(cell);
            auto second = seat.protect(cell);
            if (first->value < 0 || second->value < 0) ++wrong;
            first = std::move(second);  // guards may be handed on, and die in any order
            if (first->value < 0) ++wrong;
          }
          quiet(seat);
        }
      });
    for (std::thread& t : threads) t.join();
    CHECK(wrong == 0);
    auto seat = *domain->join();  // has, or adopts, what the others left
    settle<D>(seat);
    CHECK(domain->garbage() == 0);
    delete cell.load();
  }
  CHECK(tracked::living == before);
}

// A stack whose nodes are popped and retired by several threads.
template <class D>
class treiber {
 public:
  struct node {
    tracked value;
    node* next = nullptr;
    explicit node(int v) : value(v) {}
  };
  ~treiber() {
    while (node* n = top_.load()) {
      top_.store(n->next);
      delete n;
    }
  }
  void push(int v) {
    node* n = new node(v);
    n->next = top_.load(std::memory_order_relaxed);
    while (!top_.compare_exchange_weak(n->next, n, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }
  // -1: empty.
  int pop(typename D::participant& seat) {
    for (;;) {
      auto top = seat.protect(top_);
      node* n = top.get();
      if (n == nullptr) return -1;
      node* next = n->next;
      if (!top_.compare_exchange_strong(n, next, std::memory_order_acq_rel, std::memory_order_relaxed)) continue;
      const int v = top->value.value;
      while (!seat.retire(n)) std::this_thread::yield();
      return v;
    }
  }

 private:
  typename D::atomics_type::template atomic<node*> top_{nullptr};
};

template <class D, class Quiet>
void eight_threads_on_a_stack(Quiet quiet) {
  const int before = tracked::living;
  constexpr int each = 2000;
  {
    auto domain = std::make_unique<D>();
    treiber<D> stack;
    std::atomic<long> sum{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&] {
        auto seat = *domain->join();
        long mine = 0;
        for (int i = 1; i <= each; ++i) {
          stack.push(i);
          const int v = stack.pop(seat);
          mine += v < 0 ? 0 : v;
          quiet(seat);
        }
        sum += mine;
      });
    for (std::thread& t : threads) t.join();
    auto seat = *domain->join();
    for (int v; (v = stack.pop(seat)) >= 0;) sum += v;
    CHECK(sum == 8L * each * (each + 1) / 2);
  }
  CHECK(tracked::living == before);
}

// Seats are taken, used and given back by many short threads; nothing that they retire is lost.
template <class D>
void short_lived_threads() {
  const int before = tracked::living;
  {
    auto domain = std::make_unique<D>();
    for (int round = 0; round < 20; ++round) {
      std::vector<std::thread> threads;
      for (int t = 0; t < 8; ++t)
        threads.emplace_back([&] {
          auto seat = *domain->join();
          for (int i = 0; i < 10; ++i) CHECK(seat.retire(new tracked(i)));
        });
      for (std::thread& t : threads) t.join();
    }
    auto seat = *domain->join();
    settle<D>(seat);
    CHECK(domain->garbage() == 0);
    CHECK(tracked::living == before);
  }
}

// A list whose nodes retire their successor when they are destroyed.
template <class D>
struct chain {
  chain* next = nullptr;
  typename D::participant* seat = nullptr;
  inline static std::atomic<int> living{0};
  chain() { ++living; }
  ~chain() {
    --living;
    if (next != nullptr) CHECK(seat->retire(next));
  }
};
template <class D>
void destructors_that_retire() {
  auto domain = std::make_unique<D>();
  auto seat = *domain->join();
  constexpr int length = 1000;
  for (int lists = 0; lists < 3; ++lists) {
    chain<D>* head = nullptr;
    for (int i = 0; i < length; ++i) {
      auto* n = new chain<D>;
      n->next = head;
      n->seat = &seat;
      head = n;
    }
    CHECK(seat.retire(head));
  }
  CHECK(chain<D>::living == 3 * length);
  for (int i = 0; i < 2 * length; ++i) seat.quiesce();
  CHECK(chain<D>::living == 0);
  CHECK(domain->garbage() == 0);
}

// Seats are numbered, and answers are results.
template <class D>
void seats_run_out() {
  auto domain = std::make_unique<D>();  // of two seats
  auto one = domain->join();
  auto two = domain->join();
  REQUIRE(one);
  REQUIRE(two);
  auto three = domain->join();
  REQUIRE_FALSE(three);
  CHECK(three.error() == frys::errc::full);
  two->leave();
  two->leave();  // again is harmless
  auto again = domain->join();
  CHECK(again);
  *one = *std::move(again);  // gives the old seat back
  CHECK(domain->join());
}

}  // namespace domains

#endif  // FRYS_TESTS_MEMORY_DOMAINS_HPP
