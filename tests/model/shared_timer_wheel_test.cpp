#include <frys/sched/shared_timer_wheel.hpp>

#include "blocks.hpp"

namespace {

using namespace blocks;
using wheel = frys::shared_timer_wheel<with_model, frys::policy::capacity<64>>;

constexpr frys::nanoseconds ms(std::int64_t n) { return frys::nanoseconds(n * 1'000'000); }

// A timer that counts how it ends, in memory that knows races.
struct alarm : frys::basic_shared_timer<A> {
  element asked{0}, prevented{0};
  int fired = 0, let_go = 0;
  alarm() : basic_shared_timer(&rings, &comes_back) {}
  static void rings(basic_shared_timer& t) noexcept {
    auto& self = static_cast<alarm&>(t);
    model::require(self.asked == 7, "what was done before add is visible to fire");
    ++self.fired;
  }
  static void comes_back(basic_shared_timer& t) noexcept {
    auto& self = static_cast<alarm&>(t);
    model::require(self.prevented == 8, "what was done before cancel is visible to released");
    ++self.let_go;
  }
};

// Where the owner sleeps.
struct bell {
  A::atomic<std::uint32_t> rung{0};
  static void ring(void* p) noexcept {
    auto& b = *static_cast<bell*>(p);
    b.rung.exchange(1, std::memory_order_release);
    A::notify_one(b.rung);
  }
  void sleep() {
    while (rung.exchange(0, std::memory_order_acquire) == 0) (void)A::wait(rung, 0, frys::deadline::never());
  }
};

// A sleeping owner is woken for a timer that is due before it means to wake.
void woken_for_an_earlier_one() {
  bell b;
  wheel w(frys::timer_wake{&bell::ring, &b});
  alarm t, own;
  own.asked = 7;
  w.add(own, ms(60));
  model::threads(
      [&] {
        t.asked = 7;
        w.add(t, ms(5));
      },
      [&] {
        for (;;) {
          const frys::deadline until = w.prepare_sleep();
          if (until <= frys::deadline{ms(5)}) break;  // it would wake in time
          model::require(until.is_never() || until.at == ms(60), "there is no other");
          b.sleep();
        }
        w.advance(ms(5));
        if (t.fired == 0) w.advance(ms(5));  // its push was still under way
      });
  w.advance(ms(5));
  model::require(t.fired == 1 && own.fired == 0, "the earlier one fires in time");
  w.cancel_here(own);
}

// Cancelled from elsewhere while its owner fires it: one of the two, and what cancel answers is what happened.
void cancel_against_fire() {
  wheel w;
  alarm t;
  t.asked = 7;
  w.add(t, ms(5));
  (void)w.prepare_sleep();  // takes it in
  bool prevented = false;
  model::threads(
      [&] {
        t.prevented = 8;
        prevented = w.cancel(t);
      },
      [&] { w.advance(ms(5)); });
  w.advance(ms(6));
  model::require(t.fired == (prevented ? 0 : 1), "cancel answers whether it has prevented the firing");
  model::require(t.let_go == (prevented ? 1 : 0), "a cancelled timer is released once");
  model::require(!t.is_held(), "and held no longer");
}

// Set and cancelled by one thread while the owner takes it in.
void cancel_against_taking_in() {
  wheel w;
  alarm t;
  bool prevented = false;
  model::threads(
      [&] {
        t.asked = 7;
        w.add(t, ms(5));
        t.prevented = 8;
        prevented = w.cancel(t);
      },
      [&] { w.advance(ms(5)); });
  w.advance(ms(6));
  model::require(t.fired == (prevented ? 0 : 1), "cancel answers whether it has prevented the firing");
  model::require(t.let_go == (prevented ? 1 : 0), "a cancelled timer is released once");
}

// Two cancel, the owner as well or fires: one wins.
template <bool OwnerCancels>
void one_wins() {
  wheel w;
  alarm t;
  t.asked = 7;
  t.prevented = 8;
  w.add(t, ms(5));
  (void)w.prepare_sleep();
  bool first = false, second = false, here = false;
  model::threads([&] { first = w.cancel(t); }, [&] { second = w.cancel(t); },
                 [&] {
                   if constexpr (OwnerCancels)
                     here = w.cancel_here(t);
                   else
                     w.advance(ms(5));
                 });
  w.advance(ms(6));
  model::require(int{first} + int{second} + int{here} + t.fired == 1, "one of them ends it");
  model::require(t.let_go == int{first} + int{second}, "released once where another thread has cancelled");
}

// The wheel touches a timer no more once it was released: its owner frees it there.
struct one_shot : frys::basic_shared_timer<A> {
  int* ended;
  explicit one_shot(int& n) : basic_shared_timer(&ends, &ends), ended(&n) {}
  static void ends(basic_shared_timer& t) noexcept {
    auto& self = static_cast<one_shot&>(t);
    ++*self.ended;
    self.~one_shot();
    A::free(&self);
  }
};
void freed_where_it_ends() {
  wheel w;
  int ended = 0;
  model::threads(
      [&] {
        w.add(*::new (A::alloc(sizeof(one_shot))) one_shot(ended), ms(5));  // and touches it no more
      },
      [&] {
        for (int i = 0; i < 2; ++i) w.advance(ms(5));
      });
  w.advance(ms(6));
  model::require(ended == 1, "it ends once");
}
void freed_where_it_is_released() {
  wheel w;
  int ended = 0;
  auto& t = *::new (A::alloc(sizeof(one_shot))) one_shot(ended);
  w.add(t, ms(5));
  (void)w.prepare_sleep();
  model::threads([&] { model::require(w.cancel(t), "it is not due yet"); },  // and touches it no more
                 [&] {
                   for (int i = 0; i < 2; ++i) w.advance(ms(4));
                 });
  w.advance(ms(6));
  model::require(ended == 1, "it ends once");
}

// Without `released`: who has cancelled looks whether the wheel holds it still, and sets it again if not. Fire reads
// what it has written then.
void polled() {
  wheel w;
  alarm t;
  t.released = nullptr;
  t.asked = 7;
  w.add(t, ms(5));
  (void)w.prepare_sleep();
  bool prevented = false, again = false;
  model::threads(
      [&] {
        prevented = w.cancel(t);
        if (!prevented || t.is_held()) return;
        again = true;
        t.asked = 7;
        w.add(t, ms(7));
      },
      [&] {
        for (int i = 0; i < 2; ++i) w.advance(ms(5));
      });
  for (int i = 0; i < 2; ++i) w.advance(ms(7));
  model::require(t.fired == (prevented && !again ? 0 : 1), "it fires as often as it was set and not cancelled");
}

// A wheel that ends releases what stands in it and in its inbox.
void end_of_the_wheel() {
  alarm t;
  {
    wheel w;
    model::threads(
        [&] {
          t.asked = 7;
          t.prevented = 8;
          w.add(t, ms(5));
        },
        [&] { w.advance(ms(1)); });
  }
  model::require(t.fired == 0 && t.let_go == 1, "released once");
}

TEST_CASE("shared_timer_wheel under the model: a sleeping owner is woken for an earlier timer") {
  holds_mostly(&woken_for_an_earlier_one, 500);
}
TEST_CASE("shared_timer_wheel under the model: cancel answers whether it has prevented the firing") {
  holds_mostly(&cancel_against_fire, 500);
  holds_mostly(&cancel_against_taking_in, 500);
}
TEST_CASE("shared_timer_wheel under the model: of many that end a timer one wins") {
  holds_at_random(&one_wins<false>, 500);
  holds_at_random(&one_wins<true>, 500);
}
TEST_CASE("shared_timer_wheel under the model: a timer may be freed where it ends, or when it is held no longer") {
  holds_mostly(&freed_where_it_ends, 500);
  holds_mostly(&freed_where_it_is_released, 500);
  holds_at_random(&polled, 500);
}
TEST_CASE("shared_timer_wheel under the model: a wheel that ends releases its timers") {
  holds_mostly(&end_of_the_wheel, 300);
}

}  // namespace
