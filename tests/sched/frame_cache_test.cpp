#include <doctest/doctest.h>

#include <frys/sched/frame_cache.hpp>
#include <frys/sched/task.hpp>

#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

namespace {

using frys::frame_cache;
using frys::task;

// Not inlined: a frame whose end the compiler sees need not be allocated at all.
FRYS_NOINLINE task<int> child(int n) { co_return n + 1; }
task<int> parent() {
  int sum = 0;
  for (int i = 0; i < 100; ++i) sum += co_await child(i);
  co_return sum;
}
task<char> with_large_frame() {
  char big[4 * frame_cache::largest];
  for (char& c : big) c = 1;
  co_await child(1);
  co_return big[frame_cache::largest];
}

TEST_CASE("frame_cache: what a frame leaves is kept, and used by the next") {
  frame_cache cache;
  CHECK(cache.kept() == 0);
  CHECK(frys::sync_wait(parent()) == 5050);
  const std::size_t kept = cache.kept();
  CHECK(kept != 0);
  for (int i = 0; i < 10; ++i) {
    task<int> held = child(1);
    CHECK(cache.kept() < kept);
    held.reset();
    CHECK(cache.kept() == kept);
    CHECK(frys::sync_wait(parent()) == 5050);
  }
  CHECK(cache.kept() == kept);
}

TEST_CASE("frame_cache: the last frame's memory is the next one's") {
  frame_cache cache;
  void* first = frys::frame_memory::allocate(100);
  frys::frame_memory::release(first, 100);
  void* const second = frys::frame_memory::allocate(128);  // of the same class
  CHECK(second == first);
  void* const third = frys::frame_memory::allocate(129);
  CHECK(third != first);
  frys::frame_memory::release(second, 128);
  frys::frame_memory::release(third, 129);
  CHECK(cache.kept() == 128 + 160);
}

TEST_CASE("frame_cache: keeps no more than its limit, and gives all back") {
  frame_cache cache(1000);
  void* blocks[10];
  for (void*& b : blocks) b = frys::frame_memory::allocate(300);
  for (void* b : blocks) frys::frame_memory::release(b, 300);
  CHECK(cache.kept() == 3 * 320);
  cache.clear();
  CHECK(cache.kept() == 0);
  void* const after = frys::frame_memory::allocate(300);
  frys::frame_memory::release(after, 300);
  CHECK(cache.kept() == 320);
}

TEST_CASE("frame_cache: a frame that is too large goes where it came from") {
  frame_cache cache;
  void* const large = frys::frame_memory::allocate(frame_cache::largest + 1);
  frys::frame_memory::release(large, frame_cache::largest + 1);
  CHECK(cache.kept() == 0);
  CHECK(frys::sync_wait(with_large_frame()) == 1);
}

TEST_CASE("frame_cache: a frame may be made before it, and outlive it") {
  task<int> before = child(1);
  task<int> after;
  {
    frame_cache cache;
    before.reset();
    CHECK(cache.kept() != 0);
    after = child(2);
    CHECK(cache.kept() == 0);
  }
  CHECK(frys::sync_wait(std::move(after)) == 3);
}

TEST_CASE("frame_cache: caches of one thread stand on each other") {
  frame_cache below;
  {
    frame_cache above;
    frys::sync_wait(child(1));
    CHECK(above.kept() != 0);
    CHECK(below.kept() == 0);
  }
  frys::sync_wait(child(1));
  CHECK(below.kept() != 0);
}

TEST_CASE("frame_cache: a frame may end on a thread that has another cache, or none") {
  frame_cache here;
  for (const bool cached : {false, true}) {
    task<int> made = child(1);
    std::thread other([&] {
      if (!cached) return made.reset();
      frame_cache there;
      made.reset();
      CHECK(there.kept() != 0);
    });
    other.join();
  }
  CHECK(frys::sync_wait(child(1)) == 2);
}

// As many frames as that begin on one thread and end on the other, so often.
template <class Depot>
std::size_t pass_frames(Depot& depot, int times, int frames) {
  frame_cache cache(depot, 1024);
  std::vector<void*> made(static_cast<std::size_t>(frames));
  for (int i = 0; i < times; ++i) {
    for (void*& m : made) m = frys::frame_memory::allocate(128);
    std::thread other([&] {
      frame_cache there(depot, 1024);
      for (void* m : made) frys::frame_memory::release(m, 128);
      CHECK(there.kept() <= 1024);
    });
    other.join();
  }
  return cache.kept();
}

TEST_CASE("frame_depot: frames that end on another thread come back, and do not pile up") {
  frys::frame_depot depot;
  CHECK(pass_frames(depot, 1, 100) == 0);
  const std::size_t once = depot.kept();
  CHECK(once == 100 * 128);
  (void)pass_frames(depot, 20, 100);
  CHECK(depot.kept() == once);  // always the same hundred: the first thread has taken them back from there
  depot.clear();
  CHECK(depot.kept() == 0);
}

TEST_CASE("frame_depot: keeps no more than its limit") {
  frys::basic_frame_depot<frys::policy::limit<4096>> depot;
  (void)pass_frames(depot, 3, 100);
  CHECK(depot.kept() <= 4096);
  CHECK(depot.kept() > 0);
}

TEST_CASE("frame_depot: a cache that comes and goes at its limit moves a batch once") {
  frys::frame_depot depot;
  frame_cache cache(depot, 1024);
  void* blocks[9];
  for (void*& b : blocks) b = frys::frame_memory::allocate(128);
  for (void* b : blocks) frys::frame_memory::release(b, 128);
  CHECK(depot.kept() == 1024);
  CHECK(cache.kept() == 128);
  for (int i = 0; i < 10; ++i) {
    frys::frame_memory::release(frys::frame_memory::allocate(128), 128);
    CHECK(depot.kept() == 1024);
  }
}

TEST_CASE("frame_depot: many threads at once") {
  frys::frame_depot depot;
  std::vector<std::thread> threads;
  for (int n = 0; n < 3; ++n)
    threads.emplace_back([&] {
      frame_cache cache(depot, 512);
      std::vector<void*> made;
      for (int i = 0; i < 3000; ++i) {
        made.push_back(frys::frame_memory::allocate(static_cast<std::size_t>(64 + 32 * (i % 5))));
        static_cast<unsigned char*>(made.back())[8] = 1;
        if (i % 40 == 39)
          for (std::size_t k = made.size(); k-- != 0;) {
            frys::frame_memory::release(made[k], static_cast<std::size_t>(64 + 32 * (k % 5)));
            made.pop_back();
          }
      }
      for (std::size_t k = 0; k < made.size(); ++k)
        frys::frame_memory::release(made[k], static_cast<std::size_t>(64 + 32 * (k % 5)));
    });
  for (std::thread& t : threads) t.join();
  CHECK(depot.kept() % 32 == 0);
}

}  // namespace
