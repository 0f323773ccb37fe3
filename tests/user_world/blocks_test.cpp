// Every block of frys in three worlds: its defaults, a user's own models in every slot, and, where it has them, the
// simulated ones. The same few lines use the block each time; a count of the user's models proves that none was
// ignored.
#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <utility>

#include <frys/core/counter.hpp>
#include <frys/core/eventcount.hpp>
#include <frys/core/parker.hpp>
#include <frys/memory/arena.hpp>
#include <frys/memory/block_pool.hpp>
#include <frys/memory/buffer.hpp>
#include <frys/memory/buffer_pool.hpp>
#include <frys/memory/compacting_pool.hpp>
#include <frys/memory/hardened.hpp>
#include <frys/memory/intrusive_ptr.hpp>
#include <frys/memory/leak_checked.hpp>
#include <frys/memory/limited.hpp>
#include <frys/memory/object_pool.hpp>
#include <frys/memory/pool_registry.hpp>
#include <frys/memory/shared_object_pool.hpp>
#include <frys/memory/shared_region.hpp>
#include <frys/memory/slot_map.hpp>
#include <frys/memory/synchronized.hpp>
#include <frys/memory/system_allocator.hpp>
#include <frys/memory/tracked.hpp>
#include <frys/queue/bag.hpp>
#include <frys/queue/broadcast_ring.hpp>
#include <frys/queue/intrusive_mpsc_queue.hpp>
#include <frys/queue/lookup_cache.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/mpsc_queue.hpp>
#include <frys/queue/rcu_cell.hpp>
#include <frys/queue/relaxed_priority_queue.hpp>
#include <frys/queue/segment_queue.hpp>
#include <frys/queue/seqlock.hpp>
#include <frys/queue/sharded_map.hpp>
#include <frys/queue/spsc_ring.hpp>
#include <frys/search/flat_index.hpp>
#include <frys/sim/world.hpp>
#include <frys/storage/memtable.hpp>

#include "models.hpp"

namespace {

using users = frys::policy::world<user::world>;
using simulated = frys::policy::world<frys::sim::world>;

// How often `count` grew while `use` ran.
template <class F>
long grown(const std::atomic<long>& count, F use) {
  const long before = count.load();
  use();
  return count.load() - before;
}

template <class... P>
void use_parker() {
  frys::parker<P...> p;
  CHECK_FALSE(p.park_until(frys::deadline::now()));
  p.unpark();
  p.park();
  p.unpark();
  CHECK(p.park_until(frys::deadline::never()));
}

template <class... P>
void use_eventcount() {
  frys::eventcount<P...> ec;
  ec.cancel_wait();
  frys::eventcount<P...> waited;
  auto key = waited.prepare_wait();
  waited.notify_all();
  waited.commit_wait(key);
  auto again = waited.prepare_wait();
  CHECK_FALSE(waited.commit_wait_until(again, frys::deadline::now()));
  int looks = 0;
  waited.await([&] { return ++looks == 2; });
  CHECK(looks == 2);
}

template <class... P>
void use_counters() {
  frys::basic_counter<P...> c;
  c.add(2);
  c.add();
  CHECK(c.value() == 3);
  frys::basic_histogram<P...> h;
  h.record(5);
  CHECK(h.snapshot().count == 1);
}

template <class... P>
void use_arena() {
  frys::arena<P...> a;
  auto some = a.template make_array<int>(10);
  REQUIRE(some);
  CHECK((*some)[9] == 0);
  CHECK(a.used() >= 40);
}

template <class... P>
void use_object_pool() {
  frys::object_pool<std::pair<int, int>, P...> pool;
  auto one = pool.create(1, 2);
  REQUIRE(one);
  CHECK((*one)->second == 2);
  pool.destroy(**one);
}

template <class... P>
void use_slot_map() {
  frys::slot_map<std::pair<int, int>, P...> map;
  auto one = map.emplace(1, 2);
  REQUIRE(one);
  CHECK(map.get(*one)->second == 2);
  CHECK(map.erase(*one));
  CHECK(map.get(*one) == nullptr);
}

template <class... P>
void use_compacting_pool() {
  frys::compacting_pool<std::pair<int, int>, P...> pool;
  auto one = pool.emplace(1, 2), two = pool.emplace(3, 4);
  REQUIRE(one);
  REQUIRE(two);
  CHECK(pool.erase(*one));
  auto step = pool.compact();
  REQUIRE(step);
  CHECK(step->finished);
  CHECK(pool.get(*two)->second == 4);
}

template <class... P>
void use_shared_object_pool() {
  frys::shared_object_pool<std::pair<int, int>, P...> pool;
  auto seat = pool.join();
  REQUIRE(seat);
  auto one = seat->create(1, 2), two = seat->create(3, 4);
  REQUIRE(one);
  REQUIRE(two);
  CHECK((*one)->second == 2);
  seat->destroy(**one);
  pool.destroy(**two);
}

template <class A>
void use_allocator(A& a) {
  auto block = a.allocate(64, 16);
  REQUIRE(block);
  CHECK(reinterpret_cast<std::uintptr_t>(*block) % 16 == 0);
  a.deallocate(*block, 64, 16);
}
template <class... P>
void use_block_pool() {
  frys::block_pool<64, P...> a;
  use_allocator(a);
}
template <class... P>
void use_wrappers() {
  frys::limited<frys::system_allocator, 1000, P...> bounded;
  use_allocator(bounded);
  frys::synchronized<frys::system_allocator, P...> locked;
  use_allocator(locked);
}
template <class... P>
void use_tracked() {
  frys::tracked<frys::system_allocator, frys::policy::sample_every<1>, frys::policy::tags<2>, P...> a;
  use_allocator(a);
  CHECK(a.counts().total_count == 1);
}
template <class... P>
void use_checked() {
  frys::leak_checked<frys::system_allocator, P...> a;
  use_allocator(a);
  frys::hardened<frys::system_allocator, P...> b;
  use_allocator(b);
}
template <class... P>
void use_pool_registry() {
  frys::basic_pool_registry<P...> pools;
  int pool = 0;
  auto entered = pools.add("pool", pool);
  REQUIRE(entered);
  CHECK(pools.template find<int>() == &pool);
}

template <class... P>
struct counted : frys::ref_counted<counted<P...>, P...> {};

template <class... P>
void use_intrusive_ptr() {
  auto p = frys::make_intrusive<counted<P...>>();
  REQUIRE(p);
  auto shared = *p;
  CHECK(shared->use_count() == 2);
  p->reset();
  CHECK(shared->is_unique());
}

template <class... P>
void use_shared_region() {
  alignas(4096) static std::byte memory[8192];
  std::memset(memory, 0, sizeof(memory));
  auto region = frys::shared_region<P...>::create(frys::byte_span(memory));
  REQUIRE(region);
  REQUIRE(region->template make<int>("answer", 42));
  CHECK(**region->template find<int>("answer") == 42);
  auto block = region->allocate(100);
  REQUIRE(block);
  region->deallocate(*block, 100);
  CHECK(*region->join() >= 100);
}

template <class... P>
void use_buffer() {
  auto b = frys::basic_buffer<P...>::copy_of(frys::as_bytes("hello"));
  REQUIRE(b);
  auto shared = *b;
  CHECK_FALSE(shared.is_unique());
  CHECK(shared.slice(1, 3).text() == "ell");
}

template <class... P>
void use_buffer_pool() {
  frys::buffer_pool<P...> pool(512, 4);
  auto b = pool.acquire();
  REQUIRE(b);
  CHECK(b->capacity() == 512);
  CHECK(pool.stats().leased == 1);
}

template <class... P>
void use_rings() {
  frys::spsc_ring<int, frys::policy::capacity<2>, P...> spsc;
  CHECK(spsc.try_push(1));
  CHECK(spsc.try_push(2));
  CHECK_FALSE(spsc.try_push(3));
  auto first = spsc.try_pop();
  REQUIRE(first);
  CHECK(*first == 1);
  frys::mpmc_ring<int, frys::policy::capacity<2>, P...> mpmc;
  CHECK(mpmc.try_push(1));
  auto only = mpmc.try_pop();
  REQUIRE(only);
  CHECK(*only == 1);
  CHECK_FALSE(mpmc.try_pop());
}

template <class... P>
void use_broadcast() {
  frys::broadcast_ring<int, frys::policy::capacity<2>, frys::policy::independent_readers<2>, P...> ring;
  CHECK(ring.try_push(1));
  CHECK(*ring.template reader<frys::nth_reader<0>>().try_pop() == 1);
  CHECK(*ring.template reader<frys::nth_reader<1>>().try_pop() == 1);
  frys::broadcast_ring<int, frys::policy::capacity<2>, frys::policy::overflow<frys::overflow::overwrite>, P...> lossy;
  auto reader = lossy.subscribe();
  for (int i = 0; i < 4; ++i) CHECK(lossy.try_push(i));
  CHECK(*reader.try_pop() == 2);
  CHECK(reader.missed() == 2);
}

template <class... P>
void use_seqlock() {
  frys::seqlock<int, P...> lock(1);
  lock.store(2);
  lock.update_locked([](int& v) { ++v; });
  CHECK(lock.load() == 3);
}

template <class... P>
void use_priorities() {
  frys::relaxed_priority_queue<int, P...> queue;
  auto handle = queue.handle();
  for (int i = 0; i < 100; ++i) CHECK(handle.try_push(i));
  for (int i = 0; i < 100; ++i) CHECK(handle.try_pop());
  queue.close();
  CHECK(handle.try_pop().is_closed());
}

template <class... P>
void use_map() {
  using map_type = frys::sharded_map<int, int, P...>;
  typename map_type::reclaimer_type domain;
  map_type map;
  auto seat = domain.join();
  REQUIRE(seat);
  for (int i = 0; i < 100; ++i) CHECK(*map.insert(*seat, i, i));
  CHECK(*map.update(*seat, 7, [](int& v) { v = 70; }));
  CHECK(*map.erase(*seat, 8));
  CHECK(*map.get(*seat, 7) == 70);
  CHECK(map.size_hint() == 99);
}

template <class... P>
void use_cache() {
  frys::lookup_cache<int, int, frys::policy::capacity<16>, P...> cache;
  auto handle = cache.handle();
  CHECK(handle.get_or(1, [](int) { return 2; }) == 2);
  CHECK(handle.get(1));
  cache.clear();
  CHECK_FALSE(handle.get(1));
  CHECK(cache.stats().hits == 1);
}

template <class... P>
void use_rcu_cell() {
  using cell_type = frys::rcu_cell<int, P...>;
  typename cell_type::reclaimer_type domain;
  cell_type cell(std::make_unique<int>(1));
  auto seat = domain.join();
  REQUIRE(seat);
  CHECK(cell.emplace(*seat, 2));
  CHECK(cell.update(*seat, [](int& v) { ++v; }));
  CHECK(*cell.read(*seat) == 3);
  seat->quiesce();
}

// A user's own way to know when memory may go: a lock that readers share.
struct locked_domain {
  using atomics_type = user::atomics;
  static constexpr bool has_pin = false;
  template <class T>
  struct guard {
    std::shared_lock<std::shared_mutex> lock;
    T* object;
    T* get() const noexcept { return object; }
  };
  struct participant {
    locked_domain* domain;
    template <class T>
    guard<T> protect(const user::atomic<T*>& source) noexcept {
      std::shared_lock lock(domain->mutex);
      T* object = source.load(std::memory_order_acquire);  // acquire: what it points to is whole
      return {std::move(lock), object};
    }
    bool retire(void* object, frys::destroy_function destroy) noexcept {
      const std::lock_guard nobody_reads(domain->mutex);
      destroy(object);
      ++domain->retired;
      return true;
    }
    template <class T>
    bool retire(T* object) noexcept {
      return retire(object, [](void* o) noexcept { delete static_cast<T*>(o); });
    }
    std::size_t room() const noexcept { return 1; }
    void quiesce() noexcept {}
  };
  frys::result<participant> join() noexcept { return participant{this}; }
  std::size_t garbage() const noexcept { return 0; }
  std::shared_mutex mutex;
  int retired = 0;
};

// A user's own pair of fences, which a sandbox may refuse.
struct own_fence {
  template <class A>
  static void prepare() noexcept {
    ++prepared;
  }
  template <class A>
  static void light() noexcept {
    ++lights;
    A::fence(std::memory_order_seq_cst);
  }
  template <class A>
  static bool heavy() noexcept {
    ++heavies;
    A::fence(std::memory_order_seq_cst);
    return !refuses;
  }
  inline static int prepared = 0, lights = 0, heavies = 0;
  inline static bool refuses = false;
};

template <class... P>
void use_mpsc() {
  frys::mpsc_queue<int, P...> queue;
  CHECK(queue.try_push(7));
  auto out = queue.try_pop();
  REQUIRE(out);
  CHECK(*out == 7);
}

template <class... P>
void use_segment_queue() {
  frys::segment_queue<int, P...> queue;
  CHECK(queue.try_push(7));
  auto out = queue.try_pop();
  REQUIRE(out);
  CHECK(*out == 7);
}

template <class... P>
void use_bag() {
  frys::bag<int, frys::policy::capacity<2>, P...> bag;
  auto in = bag.producer();
  auto out = bag.consumer();
  REQUIRE(in);
  REQUIRE(out);
  for (int i = 0; i < 5; ++i) CHECK(in->try_push(i));
  bag.close();
  for (int i = 0; i < 5; ++i) CHECK(*out->try_pop() == i);
  CHECK(out->try_pop().is_closed());
}

struct linked {
  int number = 0;
  linked* next = nullptr;
};

template <class... P>
void use_intrusive() {
  frys::intrusive_mpsc_queue<linked, P...> queue;
  linked node;
  node.number = 3;
  queue.push(node);
  linked* out = queue.pop();
  REQUIRE(out != nullptr);
  CHECK(out->number == 3);
}

template <class... P>
void use_memtable() {
  frys::memtable<int, P...> table;
  REQUIRE(table.insert_or_assign("key", 1));
  REQUIRE(table.find("key") != nullptr);
  CHECK(*table.find("key") == 1);
  CHECK(table.erase("key"));
}

template <class... P>
void use_flat_index() {
  frys::flat_index<frys::metrics::l2, P...> index(2);
  const std::array<float, 2> near{1, 1}, far{9, 9};
  REQUIRE(index.add(1, near));
  REQUIRE(index.add(2, far));
  std::array<frys::neighbour, 1> best;
  auto n = index.top_k(near, 1, best);
  REQUIRE(n);
  CHECK(best[0].id == 1);
}

// Runs `use` with the defaults, the user's world and the simulated one; `counts` are the user's slots it must have
// asked.
#define IN_EVERY_WORLD(use, ...)                                                                            \
  do {                                                                                                      \
    use<>();                                                                                                \
    use<simulated>();                                                                                       \
    for (const std::atomic<long>* count : {__VA_ARGS__})                                                    \
      CHECK_MESSAGE(grown(*count, [] { use<users>(); }) > 0, "ignored a policy of policy::world in " #use); \
  } while (false)

}  // namespace

TEST_CASE("user_world: parker and eventcount take a user's atomics, wait and clock") {
  IN_EVERY_WORLD(use_parker, &user::uses::atomics, &user::uses::wait, &user::uses::clock);
  IN_EVERY_WORLD(use_eventcount, &user::uses::atomics, &user::uses::wait, &user::uses::clock);
}

TEST_CASE("user_world: allocators that wrap others take a user's atomics") {
  IN_EVERY_WORLD(use_wrappers, &user::uses::atomics);
}

TEST_CASE("user_world: counters take a user's atomics") { IN_EVERY_WORLD(use_counters, &user::uses::atomics); }

TEST_CASE("user_world: what allocates takes a user's pages and gives all of them back") {
  const long before = user::pages::held.load();
  IN_EVERY_WORLD(use_arena, &user::uses::pages);
  IN_EVERY_WORLD(use_object_pool, &user::uses::pages);
  IN_EVERY_WORLD(use_slot_map, &user::uses::pages);
  IN_EVERY_WORLD(use_compacting_pool, &user::uses::pages);
  IN_EVERY_WORLD(use_shared_object_pool, &user::uses::pages, &user::uses::atomics);
  IN_EVERY_WORLD(use_block_pool, &user::uses::pages);
  IN_EVERY_WORLD(use_tracked, &user::uses::pages, &user::uses::atomics, &user::uses::random);
  IN_EVERY_WORLD(use_checked, &user::uses::pages, &user::uses::atomics);
  IN_EVERY_WORLD(use_pool_registry, &user::uses::pages, &user::uses::atomics);
  IN_EVERY_WORLD(use_buffer_pool, &user::uses::pages, &user::uses::atomics);
  IN_EVERY_WORLD(use_shared_region, &user::uses::pages, &user::uses::atomics);
  IN_EVERY_WORLD(use_memtable, &user::uses::pages);
  IN_EVERY_WORLD(use_flat_index, &user::uses::pages);
  IN_EVERY_WORLD(use_mpsc, &user::uses::pages, &user::uses::atomics);
  IN_EVERY_WORLD(use_segment_queue, &user::uses::pages, &user::uses::atomics);
  IN_EVERY_WORLD(use_bag, &user::uses::pages, &user::uses::atomics);
  CHECK(user::pages::held.load() == before);
}

TEST_CASE("user_world: buffers and queues take a user's atomics") {
  IN_EVERY_WORLD(use_buffer, &user::uses::atomics);
  IN_EVERY_WORLD(use_intrusive_ptr, &user::uses::atomics);
  IN_EVERY_WORLD(use_rings, &user::uses::atomics);
  IN_EVERY_WORLD(use_intrusive, &user::uses::atomics);
  IN_EVERY_WORLD(use_broadcast, &user::uses::atomics);
  IN_EVERY_WORLD(use_seqlock, &user::uses::atomics);
  IN_EVERY_WORLD(use_rcu_cell, &user::uses::atomics, &user::uses::pages);
  IN_EVERY_WORLD(use_priorities, &user::uses::atomics, &user::uses::pages, &user::uses::random);
  IN_EVERY_WORLD(use_map, &user::uses::atomics, &user::uses::pages);
  IN_EVERY_WORLD(use_cache, &user::uses::atomics);
}

TEST_CASE("user_world: rcu_cell takes a user's reclaimer") {
  locked_domain domain;
  frys::rcu_cell<int, frys::policy::reclaimer<locked_domain>> cell;
  auto seat = *domain.join();
  CHECK(cell.emplace(seat, 1));
  CHECK(cell.update(seat, [](int& v) { ++v; }));
  CHECK(*cell.read(seat) == 2);
  CHECK(domain.retired == 1);
}

TEST_CASE("user_world: bag takes a user's fence, and tells closed only when the fence has ordered all") {
  own_fence::refuses = true;
  frys::bag<int, frys::policy::fence<own_fence>> bag;
  CHECK(own_fence::prepared == 1);
  auto in = bag.producer();
  auto out = bag.consumer();
  REQUIRE(in);
  REQUIRE(out);
  CHECK(in->try_push(1));
  CHECK(own_fence::lights == 1);
  bag.close();
  CHECK(own_fence::heavies == 1);
  CHECK(*out->try_pop() == 1);
  CHECK(out->try_pop().is_empty());  // who knows what is under way
  own_fence::refuses = false;
  CHECK(out->try_pop().is_closed());
  CHECK(out->try_pop().is_closed());
  CHECK(own_fence::heavies == 3);
}

TEST_CASE("user_world: an explicit slot wins over the world, the world over the default") {
  using plain = frys::parker<>;
  using all = frys::parker<users>;
  using mixed = frys::parker<frys::policy::clock<frys::clocks::steady>, users>;
  using simulated_clock = frys::parker<simulated>;
  static_assert(std::is_same_v<plain::clock_type, frys::clocks::steady>);
  static_assert(std::is_same_v<all::clock_type, user::clock> && std::is_same_v<all::atomics_type, user::atomics>);
  static_assert(std::is_same_v<mixed::clock_type, frys::clocks::steady> &&
                std::is_same_v<mixed::wait_type, user::own_wait>);
  static_assert(std::is_same_v<simulated_clock::clock_type, frys::sim::clock> &&
                std::is_same_v<simulated_clock::wait_type, frys::wait::spin_then_park>);
  CHECK(grown(user::uses::clock, [] { use_parker<frys::policy::clock<frys::clocks::steady>, users>(); }) == 0);
}
