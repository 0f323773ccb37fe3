// What the tests of the reclaiming domains under the model have in common: each reads, replaces and reclaims, and the
// model sees uses after free, leaks, and reads that race with the end of what they read.
#ifndef FRYS_TESTS_MODEL_DOMAINS_HPP
#define FRYS_TESTS_MODEL_DOMAINS_HPP

#include <frys/memory/reclaim.hpp>

#include <new>

#include "blocks.hpp"

namespace domains {

using namespace blocks;
using with_pages = frys::policy::pages<model::pages>;
using frys::policy::batch;
using frys::policy::capacity;
using frys::policy::counter;
using frys::policy::garbage;
using symmetric = frys::policy::fence<frys::fences::symmetric>;

struct box {
  explicit box(int v) : value(v) {}
  element value;
};
inline box* make(int v) { return ::new (A::alloc(sizeof(box))) box(v); }
inline void drop(void* p) noexcept {
  static_cast<box*>(p)->~box();
  A::free(p);
}
using cell = A::atomic<box*>;

template <class D>
int read(typename D::participant& seat, const cell& from) {
  const auto held = seat.protect(from);
  return held.get() == nullptr ? -1 : held->value.get();
}
template <class D>
void replace(typename D::participant& seat, cell& in, int v) {
  box* old = in.exchange(v < 0 ? nullptr : make(v), std::memory_order_acq_rel);
  if (old != nullptr) model::require(seat.retire(old, &drop), "there is room");
}
inline void drop_last(cell& in) {
  if (box* last = in.load(std::memory_order_relaxed)) drop(last);
}

// One reads, `Times` times; one replaces and reclaims.
template <class D, std::size_t Times>
void read_against_replace() {
  D domain;
  cell shared(make(0));
  {
    auto reader = *domain.join();
    auto writer = *domain.join();
    int seen[Times] = {};
    model::threads(
        [&] {
          for (int& s : seen) s = read<D>(reader, shared);
        },
        [&] {
          replace<D>(writer, shared, 1);
          writer.quiesce();
        });
    int before = 0;
    for (const int s : seen) {
      model::require(s >= before && s <= 1, "what is read was written, and never gets older");
      before = s;
    }
  }
  model::require(domain.garbage() == 0, "nobody reads: all is gone");
  drop_last(shared);
}

// Two replace and reclaim, one reads.
template <class D>
void two_reclaim() {
  D domain;
  cell shared(make(0));
  {
    auto reader = *domain.join();
    auto first = *domain.join();
    auto second = *domain.join();
    int seen = 0;
    const auto work = [&](typename D::participant& seat, int v) {
      replace<D>(seat, shared, v);
      seat.quiesce();
    };
    model::threads([&] { seen = read<D>(reader, shared); }, [&] { work(first, 1); }, [&] { work(second, 2); });
    model::require(seen >= 0 && seen <= 2, "what is read was written");
  }
  model::require(domain.garbage() == 0, "nobody reads: all is gone");
  drop_last(shared);
}

// A seat is left with garbage while another one reads it; somebody else reclaims that.
template <class D>
void left_behind() {
  D domain;
  cell shared(make(0));
  {
    auto reader = *domain.join();
    auto other = *domain.join();
    auto leaving = *domain.join();
    int seen = 0;
    model::threads([&] { seen = read<D>(reader, shared); },
                   [&] {
                     replace<D>(leaving, shared, -1);
                     leaving.leave();
                   },
                   [&] { other.quiesce(); });
    model::require(seen == 0 || seen == -1, "what is read was written");
    other.quiesce();
  }
  model::require(domain.garbage() == 0, "nothing is left behind");
  drop_last(shared);
}

// A thread takes a seat, reads and leaves, twice, while another one reclaims.
template <class D>
void read_and_leave() {
  D domain;
  cell shared(make(0));
  {
    auto writer = *domain.join();
    model::threads(
        [&] {
          for (int i = 0; i < 2; ++i) {
            auto seat = *domain.join();
            (void)read<D>(seat, shared);
          }
        },
        [&] {
          replace<D>(writer, shared, -1);
          writer.quiesce();
        });
    writer.quiesce();
  }
  model::require(domain.garbage() == 0, "nobody reads: all is gone");
  drop_last(shared);
}

// A seat is taken, used and left by one thread, and then by another.
template <class D>
void seat_again() {
  D domain;
  cell shared(make(0));
  const auto come_and_go = [&](int v) {
    if (auto seat = domain.join()) {
      const int seen = read<D>(*seat, shared);
      model::require(seen >= 0, "what is read was written");
      replace<D>(*seat, shared, v);
    }
  };
  model::threads([&] { come_and_go(1); }, [&] { come_and_go(2); });
  if (auto seat = domain.join()) seat->quiesce();
  drop_last(shared);
}

// Treiber's stack: who pops retires the node.
template <class D>
class treiber {
 public:
  struct node {
    explicit node(int v) : value(v) {}
    element value;
    A::atomic<node*> next{nullptr};
  };
  static void drop(void* p) noexcept {
    static_cast<node*>(p)->~node();
    A::free(p);
  }
  ~treiber() {
    while (node* n = top_.load(std::memory_order_relaxed)) {
      top_.store(n->next.load(std::memory_order_relaxed), std::memory_order_relaxed);
      drop(n);
    }
  }
  void push(int v) {
    node* n = ::new (A::alloc(sizeof(node))) node(v);
    node* top = top_.load(std::memory_order_relaxed);
    do n->next.store(top, std::memory_order_relaxed);
    while (!top_.compare_exchange_strong(top, n, std::memory_order_release, std::memory_order_relaxed));
  }
  int pop(typename D::participant& seat) {
    for (;;) {
      const auto top = seat.protect(top_);
      node* n = top.get();
      if (n == nullptr) return -1;
      node* next = n->next.load(std::memory_order_relaxed);
      if (!top_.compare_exchange_strong(n, next, std::memory_order_relaxed, std::memory_order_relaxed)) continue;
      const int v = n->value.get();
      model::require(seat.retire(n, &drop), "there is room");
      return v;
    }
  }

 private:
  A::atomic<node*> top_{nullptr};
};

// Two pop at once; `again`: one of them pushes a node in between, whose memory may be that of one just popped.
template <class D, bool Again>
void stack() {
  D domain;
  {
    auto first = *domain.join();
    auto second = *domain.join();
    treiber<D> s;
    s.push(1);
    s.push(2);
    output<3> out[2];
    const auto pop = [&](typename D::participant& seat, output<3>& to) {
      if (const int v = s.pop(seat); v >= 0) to.add(v);
    };
    model::threads([&] { pop(first, out[0]); },
                   [&] {
                     pop(second, out[1]);
                     if constexpr (Again) {
                       second.quiesce();
                       s.push(3);
                     }
                   });
    for (int i = 0; i < 3; ++i) pop(first, out[0]);
    for (int v = 1; v <= (Again ? 3 : 2); ++v)
      model::require(out[0].times(v) + out[1].times(v) == 1, "each value comes out once");
    if constexpr (requires { first.offline(); }) second.quiesce(), first.quiesce();
  }
  model::require(domain.garbage() == 0, "nobody reads: all is gone");
}

// The pin, or the announcement, stays in the store buffer: what a model of policy::fence could do wrong.
struct no_light_fence : frys::fences::symmetric {
  template <class>
  static void light() noexcept {}
};
struct no_heavy_fence : frys::fences::symmetric {
  template <class>
  static bool heavy() noexcept {
    return true;
  }
};

// A light half that is free, as far as a block can tell, and one that is not; both are fences to the model.
template <bool Free>
struct deciding_fence : frys::fences::symmetric {
  template <class>
  static bool is_free() noexcept {
    return Free;
  }
  template <class M>
  static void free_light() noexcept {
    model::require(Free, "the fence is needed");
    M::fence(std::memory_order_seq_cst);
  }
};
using granted = frys::policy::fence<deciding_fence<true>>;
using refused = frys::policy::fence<deciding_fence<false>>;

inline void fails(void (*body)()) {
  const model::report r = model::check(all, body);
  INFO(r.text());
  CHECK_FALSE(r.passed());
  CHECK((r.what == model::fault::use_after_free || r.what == model::fault::race));
}

}  // namespace domains

#endif  // FRYS_TESTS_MODEL_DOMAINS_HPP
