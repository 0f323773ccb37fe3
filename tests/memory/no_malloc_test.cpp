// The hot paths of memory, under an operator new that counts: after warm-up they do not call it, nor the page source.
#include "count_new.hpp"

#include <frys/memory/arena.hpp>
#include <frys/memory/buffer.hpp>
#include <frys/memory/buffer_pool.hpp>
#include <frys/memory/object_pool.hpp>
#include <frys/memory/slot_map.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <utility>

#include "counting_pages.hpp"

namespace {
using pages = counting_pages<40>;
using page_policy = frys::policy::pages<pages>;

// Calls of operator new and of the page source during f(), after f() was called twice to warm up.
template <class F>
std::size_t calls_of(F&& f) {
  f();
  f();
  const std::size_t before = new_calls + pages::allocations;
  for (int i = 0; i < 100; ++i) f();
  return new_calls + pages::allocations - before;
}
}  // namespace

TEST_CASE("no malloc: the counter itself counts") {
  CHECK(calls_of([] { ::operator delete(::operator new(1)); }) >= 100);
  CHECK(calls_of([] { (void)frys::buffer::allocate(10); }) >= 100);
}

TEST_CASE("no malloc: an arena that is reset") {
  frys::arena<page_policy> a;
  CHECK(calls_of([&] {
          for (int i = 0; i < 5000; ++i) (void)a.allocate(50);
          a.reset();
        }) == 0);
}

TEST_CASE("no malloc: an object pool with a crowd that comes and goes") {
  frys::object_pool<int, page_policy> pool;
  int* crowd[1000];
  CHECK(calls_of([&] {
          for (int*& p : crowd) p = *pool.create(1);
          for (int* p : crowd) pool.destroy(*p);
        }) == 0);
}

TEST_CASE("no malloc: a slot map with a crowd that comes and goes") {
  frys::slot_map<int, page_policy> map;
  frys::slot_handle<int> crowd[1000];
  CHECK(calls_of([&] {
          for (auto& h : crowd) h = *map.emplace(1);
          for (const auto h : crowd) map.erase(h);
        }) == 0);
}

TEST_CASE("no malloc: leasing, slicing, sharing and releasing pool buffers") {
  frys::buffer_pool<page_policy> pool(1024);
  CHECK(calls_of([&] {
          for (int i = 0; i < 100; ++i) {
            auto b = pool.acquire();
            (void)b->extend(100);
            const frys::buffer part = b->slice(10, 20);
            frys::buffer other = part;
            other.remove_prefix(3);
          }
        }) == 0);
}

TEST_CASE("no malloc: replies that gather in a chain with leased tails, are taken and consumed") {
  frys::buffer_pool<page_policy> pool(1024);
  frys::buffer_chain chain;
  chain.lease_from(pool);
  CHECK(calls_of([&] {
          for (int i = 0; i < 200; ++i) (void)chain.append_copy("+OK\r\n");
          (void)chain.append(*pool.acquire());
          frys::buffer_chain out = chain.take();
          out.consume(500);
        }) == 0);
}
