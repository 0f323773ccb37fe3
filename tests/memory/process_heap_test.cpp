#include <frys/memory/process_heap.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#if FRYS_OS_POSIX && !FRYS_TSAN
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {

using frys::process_heap;

// Allocates before main, before anything of the heap could have been constructed.
struct early {
  void* block = process_heap::try_allocate(100);
} from_a_static;

// What outlives a thread's cache: its destructor runs after that of everything that was made later.
struct late {
  void* block = nullptr;
  std::atomic<bool>* freed = nullptr;
  ~late() {
    if (block == nullptr) return;
    process_heap::deallocate(block);
    void* const another = process_heap::try_allocate(1000);
    *freed = another != nullptr;
    process_heap::deallocate(another);
  }
};
late& late_of_this_thread() {
  static thread_local late l;
  return l;
}

}  // namespace

TEST_CASE("process_heap: serves static objects before main") {
  REQUIRE(from_a_static.block != nullptr);
  std::memset(from_a_static.block, 1, 100);
}

TEST_CASE("process_heap: allocates, aligns, grows and takes back, of all sizes") {
  for (const std::size_t n : {0u, 1u, 100u, 5000u, 100'000u, 1'000'000u, 5'000'000u})
    for (const std::size_t alignment : {1u, 16u, 64u, 4096u, 65536u}) {
      frys::result<void*> p = process_heap::allocate(n, alignment);
      REQUIRE(p);
      CHECK(reinterpret_cast<std::uintptr_t>(*p) % alignment == 0);
      CHECK(process_heap::usable_size(*p) >= n);
      std::memset(*p, 7, n);
      frys::result<void*> q = process_heap::reallocate(*p, n * 2 + 1);
      REQUIRE(q);
      for (std::size_t i = 0; i < n; i += 97) REQUIRE(static_cast<unsigned char*>(*q)[i] == 7);
      process_heap::deallocate(*q, n * 2 + 1);
    }
  const auto none = process_heap::allocate(1, process_heap::instance().most_alignment * 2);
  REQUIRE(!none);
  CHECK(none.error().code == frys::errc::invalid_argument);
}

TEST_CASE("process_heap: a thread's memory is taken over when it has ended") {
  std::vector<void*> all(1000);
  std::thread([&] {
    for (void*& p : all) p = process_heap::try_allocate(300);
  }).join();
  const std::size_t caches = process_heap::stats().caches;
  for (int i = 0; i < 5; ++i)
    std::thread([&] {
      process_heap::deallocate(all[static_cast<std::size_t>(i)]);
      process_heap::deallocate(process_heap::try_allocate(10));
    }).join();
  CHECK(process_heap::stats().caches == caches);
  for (std::size_t i = 5; i < all.size(); ++i) process_heap::deallocate(all[i]);
  process_heap::collect();
  CHECK(process_heap::stats().parked >= 1);
}

TEST_CASE("process_heap: destructors of a thread's own objects may free, and allocate, after its cache has left") {
  std::atomic<bool> freed{false};
  std::thread([&] {
    late& l = late_of_this_thread();  // before the thread joins, so that it is destroyed after
    l.freed = &freed;
    l.block = process_heap::try_allocate(200);
  }).join();
  CHECK(freed);
}

TEST_CASE("process_heap: a stateless raw_allocator, all of whose objects are one") {
  static_assert(frys::raw_allocator<process_heap>);
  process_heap a, b;
  CHECK(a == b);
  frys::result<void*> p = a.allocate(10, 16);
  REQUIRE(p);
  b.deallocate(*p, 10, 16);
}

#if FRYS_OS_POSIX && !FRYS_TSAN
TEST_CASE("process_heap: a child after fork goes on, whatever other threads were doing") {
  std::atomic<bool> stop{false}, begun{false};
  std::thread busy([&] {
    while (!stop) {
      void* const p = process_heap::try_allocate(5000);
      process_heap::deallocate(p);
      begun = true;
    }
  });
  while (!begun) std::this_thread::yield();
  void* const before = process_heap::try_allocate(64);
  for (int round = 0; round < 5; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      process_heap::deallocate(before);
      bool good = true;
      void* all[200];
      for (std::size_t i = 0; i < 200; ++i) good = (all[i] = process_heap::try_allocate(i * 100)) != nullptr && good;
      for (void* p : all) process_heap::deallocate(p);
      process_heap::collect();
      ::_exit(good ? 0 : 1);
    }
    int status = 1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  stop = true;
  busy.join();
  process_heap::deallocate(before);
}
#endif
