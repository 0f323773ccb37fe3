#include "catalogue_sync.hpp"

namespace {

using namespace catalogue;
using A = checked;

constexpr model::exhaustive all{};
constexpr model::random some{.executions = 20000};

template <eventcount_bug B>
void one_waits() {
  awaited_flag<A, B> flag;
  model::threads([&] { flag.await(); }, [&] { flag.set(); });
}

// Each thread adds one to a plain number under the lock.
template <mutex_bug B, int Threads>
void count_under_lock() {
  futex_mutex<A, B> mutex;
  typename A::template var<int> number(0);
  auto add = [&] {
    mutex.lock();
    number.ref() = number.get() + 1;
    mutex.unlock();
  };
  if constexpr (Threads == 2)
    model::threads(add, add);
  else
    model::threads(add, add, add);
  model::require(number.get() == Threads, "each thread counted");
}

template <rw_bug B>
void read_and_write() {
  rw_spin_lock<A, B> lock;
  typename A::template var<int> number(0);
  model::threads(
      [&] {
        lock.lock_shared();
        (void)number.get();
        lock.unlock_shared();
      },
      [&] {
        lock.lock();
        number.ref() = 1;
        lock.unlock();
      });
}

template <rw_bug B>
void upgrade_both() {
  rw_spin_lock<A, B> lock;
  typename A::template var<int> number(0);
  auto add = [&] {
    lock.lock_shared();
    if (!lock.upgrade()) {
      lock.unlock_shared();
      lock.lock();
    }
    number.ref() = number.get() + 1;
    lock.unlock();
  };
  model::threads(add, add);
  model::require(number.get() == 2, "each thread counted");
}

template <seqlock_bug B>
void write_and_read() {
  seqlock_pair<A, B> pair;
  model::threads([&] { pair.write(1); },
                 [&] {
                   int first = 0, second = 0;
                   if (pair.try_read(first, second)) model::require(first == second, "what was read belongs together");
                 });
}

template <once_bug B>
void both_ask() {
  made_once<A, B> once;
  auto ask = [&] { model::require(once.get() == 7, "who asks gets the object whole"); };
  model::threads(ask, ask);
}

TEST_CASE("catalogue: an eventcount loses no wake-up") { sound(model::check(all, &one_waits<eventcount_bug::none>)); }
TEST_CASE("catalogue: an eventcount without a fence loses a wake-up") {
  found(model::check(all, &one_waits<eventcount_bug::wait_without_fence>), {fault::lost_wake_up, fault::deadlock});
  found(model::check(all, &one_waits<eventcount_bug::notify_without_fence>), {fault::lost_wake_up, fault::deadlock});
}
TEST_CASE("catalogue: an eventcount without the second look loses a wake-up") {
  found(model::check(some, &one_waits<eventcount_bug::without_second_look>), {fault::lost_wake_up, fault::deadlock});
}

TEST_CASE("catalogue: Drepper's mutex excludes and loses no wake-up") {
  sound(model::check(all, &count_under_lock<mutex_bug::none, 2>));
  sound(model::check(model::bounded{.preemptions = 2}, &count_under_lock<mutex_bug::none, 3>), false);
}
TEST_CASE("catalogue: a mutex that wakes on the wrong state loses a wake-up") {
  found(model::check(some, &count_under_lock<mutex_bug::wakes_on_wrong_state, 2>), {fault::lost_wake_up});
}
TEST_CASE("catalogue: a mutex whose woken owner forgets the others loses a wake-up, with three threads") {
  sound(model::check(some, &count_under_lock<mutex_bug::woken_forgets_others, 2>), false);
  found(model::check(some, &count_under_lock<mutex_bug::woken_forgets_others, 3>), {fault::lost_wake_up});
}
TEST_CASE("catalogue: a mutex that wakes before it is free loses a wake-up") {
  found(model::check(some, &count_under_lock<mutex_bug::wakes_before_free, 2>), {fault::lost_wake_up});
}
TEST_CASE("catalogue: a mutex with a relaxed end is a race") {
  found(model::check(some, &count_under_lock<mutex_bug::relaxed_lock, 2>), {fault::race});
  found(model::check(some, &count_under_lock<mutex_bug::relaxed_unlock, 2>), {fault::race});
}

TEST_CASE("catalogue: a reader-writer lock excludes and does not deadlock") {
  sound(model::check(all, &read_and_write<rw_bug::none>));
  sound(model::check(all, &upgrade_both<rw_bug::none>));
}
TEST_CASE("catalogue: a reader that keeps its place while it waits for the writer is a deadlock") {
  found(model::check(some, &read_and_write<rw_bug::reader_keeps_its_place>), {fault::deadlock, fault::no_end});
}
TEST_CASE("catalogue: two readers that wait to become the writer are a deadlock") {
  found(model::check(some, &upgrade_both<rw_bug::upgrade_waits>), {fault::deadlock, fault::no_end});
}

TEST_CASE("catalogue: a seqlock gives out what belongs together") {
  sound(model::check(all, &write_and_read<seqlock_bug::none>));
}
TEST_CASE("catalogue: a seqlock with any order too weak gives out a torn pair") {
  found(model::check(all, &write_and_read<seqlock_bug::read_without_fence>), {fault::requirement}, "belongs together");
  found(model::check(all, &write_and_read<seqlock_bug::write_without_fence>), {fault::requirement}, "belongs together");
  found(model::check(all, &write_and_read<seqlock_bug::relaxed_first_look>), {fault::requirement}, "belongs together");
  found(model::check(all, &write_and_read<seqlock_bug::relaxed_second_write>), {fault::requirement},
        "belongs together");
}

TEST_CASE("catalogue: double-checked initialisation is sound") { sound(model::check(all, &both_ask<once_bug::none>)); }
TEST_CASE("catalogue: double-checked initialisation with a relaxed end is a race") {
  found(model::check(all, &both_ask<once_bug::relaxed_publish>), {fault::race});
  found(model::check(all, &both_ask<once_bug::relaxed_look>), {fault::race});
}
TEST_CASE("catalogue: initialisation checked once leaks") {
  found(model::check(some, &both_ask<once_bug::without_second_look>), {fault::leak});
}

}  // namespace
