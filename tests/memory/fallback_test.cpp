#include <frys/memory/fallback.hpp>

#include <doctest/doctest.h>
#include <frys/memory/arena.hpp>
#include <frys/memory/block_pool.hpp>
#include <frys/memory/limited.hpp>
#include <frys/memory/synchronized.hpp>
#include <frys/memory/system_allocator.hpp>

#include <cstddef>
#include <thread>
#include <vector>

#include "allocator_promises.hpp"
#include "counting_pages.hpp"

namespace policy = frys::policy;
using frys::fallback;
using frys::system_allocator;

TEST_CASE("fallback: the first that has memory gives it, and what comes back goes to its owner") {
  using pool = frys::block_pool<64, policy::chunk_size<4096>, policy::limit<4096>>;
  using scratch = frys::arena<policy::limit<8192>, policy::chunk_size<4096>>;
  fallback<pool, scratch, system_allocator> chain;
  static_assert(frys::raw_allocator<decltype(chain)>);
  static_assert(!frys::owning_allocator<decltype(chain)>);  // the system's malloc cannot tell
  std::vector<void*> taken;
  std::size_t from[3] = {};
  for (int i = 0; i < 400; ++i) {
    auto p = chain.allocate(64);
    REQUIRE(p);
    taken.push_back(*p);
    ++from[chain.owner_of(*p)];
  }
  CHECK(from[0] > 30);
  CHECK(from[1] > 30);
  CHECK(from[2] > 30);
  CHECK(chain.inner<0>().size() == from[0]);
  for (void* p : taken) chain.deallocate(p, 64, 16);
  CHECK(chain.inner<0>().size() == 0);
  auto p = chain.allocate(64);  // the pool has room again
  REQUIRE(p);
  CHECK(chain.owner_of(*p) == 0);
  chain.deallocate(*p, 64, 16);
  auto large = chain.allocate(100'000);
  REQUIRE(large);
  CHECK(chain.owner_of(*large) == 2);
  chain.deallocate(*large, 100'000, 16);
  promises::keeps_what_is_written(chain);
}

namespace {

// Owns the bytes that it handed out and not one more: a piece of no bytes would not be its own.
struct exact {
  std::byte memory[64];
  std::size_t used = 0;
  int back = 0;
  frys::result<void*> allocate(std::size_t size, std::size_t) noexcept {
    void* p = memory + used;
    used += size;
    return p;
  }
  void deallocate(void*, std::size_t, std::size_t) noexcept { ++back; }
  bool owns(const void* p) const noexcept { return p >= memory && p < memory + used; }
};

}  // namespace

TEST_CASE("fallback: a piece of no bytes goes back to its owner too") {
  fallback<exact, system_allocator> chain;
  auto p = chain.allocate(0, 1);
  REQUIRE(p);
  CHECK(chain.owner_of(*p) == 0);
  chain.deallocate(*p, 0, 1);  // to the system it would be the end
  CHECK(chain.inner<0>().back == 1);
}

TEST_CASE("fallback: owns what any of them owns, where all can tell, and answers the last one's error") {
  frys::arena<policy::limit<4096>> a;
  frys::limited<frys::arena<>, 10'000> b;
  fallback<frys::allocator_ref<decltype(a)>, frys::allocator_ref<decltype(b)>> chain(a, b);
  static_assert(frys::owning_allocator<decltype(chain)>);
  auto first = chain.allocate(1000), second = chain.allocate(5000);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(a.owns(*first));
  CHECK(b.owns(*second));
  CHECK(chain.owns(*first));
  CHECK(chain.owns(*second));
  CHECK_FALSE(chain.owns(&a));
  CHECK(chain.owner_of(&a) == 2);
  auto third = chain.allocate(6000);
  REQUIRE_FALSE(third);
  CHECK(third.error().number == 10'000);
}

TEST_CASE("synchronized: threads share a chain that is for one thread at a time") {
  frys::synchronized<fallback<frys::block_pool<64>, system_allocator>> shared;
  const auto work = [&shared](unsigned char mark) {
    bool well = true;
    std::vector<unsigned char*> mine;
    for (int i = 0; i < 3000; ++i) {
      if (i % 3 == 2) {
        unsigned char* p = mine.back();
        well = well && p[0] == mark && p[63] == mark;
        shared.deallocate(p, 64, 16);
        mine.pop_back();
      } else {
        auto p = shared.allocate(64);
        if (!p) return false;
        mine.push_back(static_cast<unsigned char*>(*p));
        std::memset(mine.back(), mark, 64);
      }
    }
    for (unsigned char* p : mine) shared.deallocate(p, 64, 16);
    return well;
  };
  bool first = false;
  std::thread other([&] { first = work(1); });
  const bool second = work(2);
  other.join();
  CHECK(first);
  CHECK(second);
  CHECK(shared.with([](auto& chain) { return chain.template inner<0>().size(); }) == 0);
  frys::synchronized<frys::arena<>> owning;
  CHECK(owning.owns(*owning.allocate(1)));
}
