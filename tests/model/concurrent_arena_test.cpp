#include <frys/memory/concurrent_arena.hpp>

#include <new>

#include "blocks.hpp"

namespace {

using namespace blocks;
// A chunk is the least there is, and a piece of it is nearly all of it: each allocation goes to what is shared.
using arena = frys::concurrent_arena<with_model, frys::policy::pages<model::pages>, frys::policy::chunk_size<1024>,
                                     frys::policy::capacity<2>>;

// Uses the bytes of a piece as an element, for as long as the threads run.
element* use(arena::seat& seat, int v, std::size_t size = sizeof(element)) {
  auto memory = seat.allocate(size, alignof(element));
  model::require(static_cast<bool>(memory), "there is memory");
  return ::new (*memory) element(v);
}

// Two threads take chunks of one region, which one of them makes first.
void take_against_take() {
  arena a;
  element* made[2];
  const auto work = [&](int i) {
    auto seat = a.join();
    model::require(static_cast<bool>(seat), "there is a seat");
    made[i] = use(*seat, i);
    model::require(made[i]->get() == i, "the piece is its owner's alone");
  };
  model::threads([&] { work(0); }, [&] { work(1); });
  for (int i = 0; i < 2; ++i) {
    model::require(made[i]->get() == i, "a piece holds on after its seat");
    made[i]->~element();
  }
}

// A region is there; two threads use up its rest and make the next one, at once.
void use_up_against_use_up() {
  arena a;
  auto first = a.join();
  for (int i = 0; i < 15; ++i) model::require(static_cast<bool>(first->allocate(700)), "there is memory");
  first->leave();
  element* made[2];
  const auto work = [&](int i) {
    auto seat = a.join();
    made[i] = use(*seat, i, 700);
    model::require(made[i]->get() == i, "the piece is its owner's alone");
  };
  model::threads([&] { work(0); }, [&] { work(1); });
  for (element* e : made) e->~element();
}

// One seat, two threads: who takes it after the other goes on in the other's chunk.
void seat_is_handed_over() {
  frys::concurrent_arena<with_model, frys::policy::pages<model::pages>, frys::policy::chunk_size<1024>,
                         frys::policy::capacity<1>>
      a;
  element* made[2];
  const auto work = [&](int i) {
    for (;;) {
      auto seat = a.join();
      if (!seat) {
        A::pause();
        continue;
      }
      auto memory = seat->allocate(sizeof(element), alignof(element));
      model::require(static_cast<bool>(memory), "there is memory");
      made[i] = ::new (*memory) element(i);
      return;
    }
  };
  model::threads([&] { work(0); }, [&] { work(1); });
  model::require(made[0]->get() == 0 && made[1]->get() == 1, "each has a piece of its own");
  for (element* e : made) e->~element();
}

// Threads that were joined, a reset, and the next round in the same memory.
void reset_between_rounds() {
  arena a;
  for (int round = 0; round < 2; ++round) {
    element* made[2];
    const auto work = [&](int i) {
      auto seat = a.join();
      made[i] = use(*seat, i, 700);
    };
    model::threads([&] { work(0); }, [&] { work(1); });
    for (element* e : made) e->~element();
    a.reset();
  }
}

TEST_CASE("concurrent_arena under the model: two threads take from one region, whoever makes it") {
  holds(&take_against_take);
}
TEST_CASE("concurrent_arena under the model: two threads use a region up and make the next") {
  holds(&use_up_against_use_up);
}
TEST_CASE("concurrent_arena under the model: a seat is handed over with its chunk") { holds(&seat_is_handed_over); }
TEST_CASE("concurrent_arena under the model: after a reset the same memory is taken again") {
  holds_mostly(&reset_between_rounds);
}

}  // namespace
