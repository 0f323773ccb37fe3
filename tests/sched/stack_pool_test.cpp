#include <frys/sched/stack_pool.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#if FRYS_HAS_CONTEXT
#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace policy = frys::policy;
using guarded = frys::stack_pool<>;
using in_slabs = frys::stack_pool<policy::guard_pages<false>>;

// Pages that count what is out, and refuse above a number of bytes.
struct scarce_pages {
  static inline std::size_t out = 0, most = SIZE_MAX;
  static frys::result<frys::byte_span> allocate(std::size_t size) noexcept {
    if (size > most - out) return frys::error{frys::errc::out_of_memory, frys::domain::user, "no more", 0};
    auto memory = frys::os_pages::allocate(size);
    if (memory) out += memory->size();
    return memory;
  }
  static void release(frys::byte_span memory) noexcept {
    out -= memory.size();
    frys::os_pages::release(memory);
  }
};
using counted = frys::stack_pool<policy::guard_pages<false>, policy::pages<scarce_pages>>;

template <class Pool>
typename Pool::stack* take(Pool& pool, std::size_t bytes = Pool::smallest) {
  auto s = pool.acquire(bytes);
  REQUIRE(s);
  return *s;
}

TEST_CASE_TEMPLATE("stack_pool: a stack has nearly what was asked for, is writable, and is nobody else's", Pool,
                   guarded, in_slabs) {
  Pool pool;
  std::vector<typename Pool::stack*> all;
  for (const std::size_t bytes : {1u, 16384u, 16385u, 65536u, 100'000u, 1u << 20}) {
    for (int i = 0; i < 20; ++i) {
      auto* s = take(pool, bytes);
      CHECK(s->span().size() + 2048 >= bytes);
      std::memset(s->span().data(), static_cast<int>(all.size()), s->span().size());
      all.push_back(s);
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto span = all[i]->span();
    CHECK(std::to_integer<std::size_t>(span.front()) == i % 256);
    CHECK(std::to_integer<std::size_t>(span.back()) == i % 256);
    CHECK(reinterpret_cast<std::uintptr_t>(span.data() + span.size()) % 64 == 0);
  }
  for (auto* s : all) pool.release(*s);
  CHECK(pool.cached() >= all.size());
}

TEST_CASE_TEMPLATE("stack_pool: what was given back comes again, the last one first", Pool, guarded, in_slabs) {
  Pool pool;
  auto* a = take(pool);
  auto* b = take(pool);
  CHECK(a != b);
  const std::size_t bytes = pool.bytes();
  pool.release(*a);
  pool.release(*b);
  CHECK(take(pool) == b);
  CHECK(take(pool) == a);
  CHECK(pool.bytes() == bytes);
  pool.release(*a);
  pool.release(*b);
  auto* large = take(pool, 64 * 1024);  // another class
  CHECK(large != a);
  CHECK(large != b);
  pool.release(*large);
}

TEST_CASE_TEMPLATE("stack_pool: a limit and a size are kept", Pool, guarded, in_slabs) {
  Pool pool({.limit_bytes = 3 * Pool::smallest});
  auto *a = take(pool), *b = take(pool), *c = take(pool);
  auto none = pool.acquire();
  REQUIRE_FALSE(none);
  CHECK(none.error() == frys::errc::limit_exceeded);
  CHECK(none.error().where == frys::domain::sched);
  pool.release(*a);
  a = take(pool);
  for (auto* s : {a, b, c}) pool.release(*s);
  CHECK(pool.acquire(Pool::largest + 1).error() == frys::errc::limit_exceeded);
  CHECK(pool.acquire(SIZE_MAX).error() == frys::errc::limit_exceeded);
  CHECK(pool.acquire(4 * Pool::smallest).error() == frys::errc::limit_exceeded);
  pool.trim();
  CHECK(pool.bytes() == 0);
  a = take(pool, 2 * Pool::smallest);  // there is room again
  pool.release(*a);
}

TEST_CASE_TEMPLATE("stack_pool: trim gives back what is free, but for what shall stay", Pool, guarded, in_slabs) {
  Pool pool;
  std::vector<typename Pool::stack*> all;
  for (int i = 0; i < 40; ++i) all.push_back(take(pool));
  auto* in_use = all[7];
  std::memset(in_use->span().data(), 42, in_use->span().size());
  for (auto* s : all)
    if (s != in_use) pool.release(*s);
  const std::size_t before = pool.bytes();
  const std::size_t gone = pool.trim(300 * 1024);
  CHECK(gone > 0);
  CHECK(pool.bytes() == before - gone);
  CHECK(pool.bytes() >= 300 * 1024);
  CHECK(pool.trim(300 * 1024) == 0);
  const std::size_t rest = pool.bytes();
  CHECK(pool.trim() > 0);
  CHECK(pool.bytes() < rest);
  CHECK(pool.bytes() > 0);  // of the one in use
  CHECK(std::to_integer<int>(in_use->span().front()) == 42);
  auto* again = take(pool);
  std::memset(again->span().data(), 1, again->span().size());
  CHECK(std::to_integer<int>(in_use->span().back()) == 42);
  pool.release(*again);
  pool.release(*in_use);
  pool.trim();
  CHECK(pool.bytes() == 0);
  CHECK(pool.cached() == 0);
}

TEST_CASE("stack_pool: without guard pages many stacks cost one call of the pages, and all go back at the end") {
  {
    counted pool;
    std::vector<counted::stack*> all;
    for (int i = 0; i < 16; ++i) all.push_back(take(pool));
    CHECK(scarce_pages::out <= 300 * 1024);  // one slab
    CHECK(pool.bytes() == 16 * counted::smallest);
    for (auto* s : all) pool.release(*s);
  }
  CHECK(scarce_pages::out == 0);
}

TEST_CASE("stack_pool: pages that are refused are an error, and what there was stays good") {
  counted pool;
  auto* a = take(pool);
  scarce_pages::most = scarce_pages::out;
  const auto none = pool.acquire(1 << 20);
  REQUIRE_FALSE(none);
  CHECK(none.error() == frys::errc::out_of_memory);
  scarce_pages::most = SIZE_MAX;
  auto* b = take(pool, 1 << 20);
  pool.release(*a);
  pool.release(*b);
}

TEST_CASE_TEMPLATE("stack_pool: a stack may come back from any thread", Pool, guarded, in_slabs) {
  Pool pool({.limit_bytes = 16 * Pool::smallest});
  std::vector<typename Pool::stack*> all;
  for (int i = 0; i < 16; ++i) all.push_back(take(pool));
  const auto hand_back = [&](std::size_t from) {
    for (std::size_t i = from; i < 16; i += 2) {
      std::memset(all[i]->span().data(), 7, all[i]->span().size());
      pool.hand_back(*all[i]);
    }
  };
  std::thread even(hand_back, 0), odd(hand_back, 1);
  std::set<typename Pool::stack*> seen;
  while (seen.size() != 16) {
    auto s = pool.acquire();  // refused until somebody has handed one back
    if (!s) continue;
    std::memset((*s)->span().data(), 8, (*s)->span().size());
    CHECK(seen.insert(*s).second);
  }
  even.join();
  odd.join();
  for (auto* s : seen) pool.release(*s);
}

#if !FRYS_ASAN && !FRYS_TSAN && FRYS_OS_LINUX
TEST_CASE("stack_pool: below a guarded stack a write is a fault") {
  const ::pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    guarded pool;
    auto s = pool.acquire();
    if (!s) ::_exit(0);
    volatile std::byte* low = (*s)->span().data();
    *low = std::byte{1};  // its own
    *(low - 1) = std::byte{1};
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
}
#endif

}  // namespace
#endif  // FRYS_HAS_CONTEXT
