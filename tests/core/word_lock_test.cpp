#include <frys/core/word_lock.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace {

template <class Lock>
int count_under(Lock& lock) {
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 2000; ++k) {
        const frys::held_lock hold(lock);
        ++count;
      }
    });
  for (auto& t : threads) t.join();
  return count;
}

}  // namespace

TEST_CASE("word_lock: one thread at a time is inside, however they wait") {
  frys::word_lock<> adaptive;
  CHECK(count_under(adaptive) == 8000);
  frys::word_lock<frys::atomics::standard, frys::wait::park> sleeping;
  CHECK(count_under(sleeping) == 8000);
  frys::word_lock<frys::atomics::standard, frys::wait::yield> yielding;
  CHECK(count_under(yielding) == 8000);
}

TEST_CASE("word_lock: who sleeps for it is woken by the unlock") {
  frys::word_lock<frys::atomics::standard, frys::wait::park> lock;
  std::atomic<bool> inside{false};
  lock.lock();
  std::thread other([&] {
    const frys::held_lock hold(lock);
    inside = true;
  });
  CHECK_FALSE(inside);
  lock.unlock();
  other.join();
  CHECK(inside);
}
