#include <frys/memory/shared_object_pool.hpp>

#include <utility>

#include "blocks.hpp"

namespace {

using namespace blocks;
namespace policy = frys::policy;
// Slots of one batch each time that memory is asked for, so that batches travel.
template <std::size_t Batch, std::size_t Seats, std::size_t Limit = ~std::size_t{0}>
using pool_of = frys::shared_object_pool<element, with_model, policy::pages<model::pages>, policy::batch<Batch>,
                                         policy::capacity<Seats>, policy::chunk_size<1>, policy::limit<Limit>>;

template <class Seat>
element* make(Seat& seat, int v) {
  auto made = seat.create(v);
  model::require(static_cast<bool>(made), "there is memory");
  return *made;
}
void use(element* e, int v) { model::require(e->get() == v, "the object is its owner's alone"); }

// Two seats that make and end objects of their own: full and empty batches go through the stacks both ways.
void two_seats() {
  pool_of<1, 2> pool;
  auto a = *pool.join();
  auto b = *pool.join();
  const auto work = [](auto& seat, int v) {
    element* const one = make(seat, v);
    use(one, v);
    seat.destroy(*one);
  };
  model::threads([&] { work(a, 1); }, [&] { work(b, 2); });
  element* const one = make(a, 1);
  element* const two = make(a, 2);
  model::require(one != two, "each slot is one object's");
  a.destroy(*one);
  a.destroy(*two);
}

// One seat gives batches away while the other takes them, again and again: a stack whose top changes and changes back.
void give_and_take() {
  pool_of<1, 2> pool;
  auto a = *pool.join();
  auto b = *pool.join();
  element* const held[] = {make(a, 1), make(a, 2), make(a, 3)};
  model::threads(
      [&] {
        for (element* each : held) a.destroy(*each);
        a.destroy(*make(a, 5));
      },
      [&] {
        element* const one = make(b, 6);
        element* const two = make(b, 7);
        model::require(one != two, "each slot is one object's");
        use(one, 6), use(two, 7);
        b.destroy(*one);
        b.destroy(*two);
      });
}

// Objects end on a thread without a seat, while the seat makes others.
void without_a_seat() {
  pool_of<1, 1> pool;
  auto a = *pool.join();
  element* const first = make(a, 1);
  element* const second = make(a, 2);
  model::threads(
      [&] {
        use(first, 1);
        pool.destroy(*first);
        use(second, 2);
        pool.destroy(*second);
      },
      [&] {
        element* const one = make(a, 3);
        element* const two = make(a, 4);
        model::require(one != two, "each slot is one object's");
        use(one, 3), use(two, 4);
        a.destroy(*one);
        a.destroy(*two);
      });
}

// The first two threads to come.
void first_to_join() {
  pool_of<1, 2> pool;
  const auto visit = [&](int v) {
    auto seat = *pool.join();
    element* const one = make(seat, v);
    use(one, v);
    seat.destroy(*one);
  };
  model::threads([&] { visit(1); }, [&] { visit(2); });
}

// A seat is left and taken, with what it holds.
void seats_change_hands() {
  pool_of<2, 1> pool;
  const auto visit = [&](int v) {
    for (;;) {
      auto seat = pool.join();
      if (!seat) {
        A::pause();
        continue;
      }
      element* const one = make(*seat, v);
      use(one, v);
      seat->destroy(*one);
      return;
    }
  };
  model::threads([&] { visit(1); }, [&] { visit(2); });
}

TEST_CASE("shared_object_pool under the model: two seats make and end objects of their own") {
  holds_mostly(&two_seats);
}
TEST_CASE("shared_object_pool under the model: batches are given and taken") { holds_mostly(&give_and_take); }
TEST_CASE("shared_object_pool under the model: objects end without a seat") { holds(&without_a_seat); }
TEST_CASE("shared_object_pool under the model: two threads are the first to join") { holds_mostly(&first_to_join); }
TEST_CASE("shared_object_pool under the model: a seat changes hands") { holds(&seats_change_hands); }

}  // namespace
