// The examples of docs/allocators.md, run.
#include <frys/memory/allocated_ptr.hpp>
#include <frys/memory/allocator_pages.hpp>
#include <frys/memory/arena.hpp>
#include <frys/memory/block_pool.hpp>
#include <frys/memory/fallback.hpp>
#include <frys/memory/hardened.hpp>
#include <frys/memory/leak_checked.hpp>
#include <frys/memory/limited.hpp>
#include <frys/memory/object_pool.hpp>
#include <frys/memory/pool_registry.hpp>
#include <frys/memory/system_allocator.hpp>
#include <frys/memory/tracked.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>

namespace {

namespace policy = frys::policy;

// [region compose]
// What a plugin may use: a mebibyte, counted by tag, and looked after in debug builds.
using bounded = frys::tracked<frys::limited<frys::system_allocator, 1 << 20>, policy::tags<16>>;
#if FRYS_HARDENED
using plugin_memory = frys::hardened<bounded>;
#else
using plugin_memory = bounded;
#endif

frys::result<void*> read_file(plugin_memory& memory, std::size_t size) {
  return memory.allocate(size, 16, "files");  // the tag goes through all wrappers to the one that counts by it
}
// [endregion compose]

// [region chain]
// Nodes of 64 bytes from a pool, a burst of them from an arena, whatever is left from malloc.
using node_memory = frys::fallback<frys::block_pool<64, policy::limit<(1 << 20)>>,
                                   frys::arena<policy::limit<(4 << 20)>>, frys::system_allocator>;

int make_and_drop(node_memory& nodes) {
  auto node = nodes.allocate(64);
  if (!node) return -1;
  const auto owner = static_cast<int>(nodes.owner_of(*node));
  nodes.deallocate(*node, 64, 16);  // to whoever it came from
  return owner;
}
// [endregion chain]

// [region upstream]
// An arena and a pool whose pages are malloc's; jemalloc_allocator and mimalloc_allocator do as well.
using malloc_pages = frys::allocator_pages<frys::system_allocator>;
using scratch_arena = frys::arena<policy::pages<malloc_pages>>;
template <class T>
using pool_of = frys::object_pool<T, policy::pages<malloc_pages>>;
// [endregion upstream]

// [region profile]
// One sample in 512 KiB on average, with its call stack; the text is for flame graphs or pprof.
using profiled =
    frys::tracked<frys::system_allocator, policy::sample_every<512 * 1024>, policy::stacks<frys::stacks::unwind<>>>;

std::string heap_profile(profiled& memory) {
  std::string text;
  memory.write_pprof([&text](std::string_view piece) { text += piece; });
  return text;
}
// [endregion profile]

// [region leaks]
// A pool that says at its end, or now, what was not given back, and which line took it.
std::string forgotten() {
  frys::leak_checked<frys::block_pool<64>> sessions;
  sessions.set_name("sessions");
  auto kept = sessions.allocate(64, 16, "login");
  std::string text;
  sessions.report([&text](std::string_view piece) { text += piece; });
  if (kept) sessions.deallocate(*kept, 64, 16);
  return text;
}
// [endregion leaks]

// [region handler]
// Instead of the end of the program: a counter, and a line in the log.
struct count_mistakes {
  static inline int mistakes = 0;
  static void found(const frys::memory_violation& v) noexcept {
    ++mistakes;
    frys::detail::write_violation(v, [](std::string_view) { /* to the log */ });
  }
};

int free_twice() {
  frys::hardened<frys::system_allocator, policy::on_violation<count_mistakes>> memory;
  auto block = memory.allocate(100);
  if (!block) return 0;
  memory.deallocate(*block, 100, 16);
  memory.deallocate(*block, 100, 16);
  return count_mistakes::mistakes;
}
// [endregion handler]

// [region registry]
struct message {
  int number = 0;
};

std::size_t close_all() {
  frys::pool_registry pools;
  frys::arena<> names;
  frys::object_pool<message> messages;
  auto first = pools.add("names", names);
  auto second = pools.add("messages", messages);
  if (!first || !second || !pools.depends(*second, *first)) return 0;

  // A plugin that knows the type of what it wants, and no pool.
  if (auto* found = static_cast<frys::object_pool<message>*>(pools.find_for(frys::type_id<message>()).object)) {
    auto made = found->acquire();
    if (made) (*made)->number = 7;
  }
  const std::size_t held = pools.bytes();
  return pools.teardown() == 2 ? held : 0;  // messages, then names
}
// [endregion registry]

// [region factory]
struct codec {
  virtual int id() const = 0;

 protected:
  ~codec() = default;  // not virtual: the pointer knows what it ends
};
struct json final : codec {
  int id() const override { return 4; }
};

template <class A>
frys::result<frys::allocated_ptr<codec, A>> make_codec(A& memory) {
  auto made = frys::allocate_unique<json>(memory);
  if (!made) return made.error();
  return frys::allocated_ptr<codec, A>(std::move(*made));
}
// [endregion factory]

}  // namespace

TEST_CASE("allocators: the examples of their page do what they say") {
  plugin_memory memory;
  auto file = read_file(memory, 1000);
  REQUIRE(file);
  CHECK(read_file(memory, 2 << 20).error() == frys::errc::limit_exceeded);
  memory.deallocate(*file, 1000, 16);
  node_memory nodes;
  CHECK(make_and_drop(nodes) == 0);
  scratch_arena scratch;
  CHECK(scratch.allocate(100));
  pool_of<int> numbers;
  CHECK(numbers.acquire(1));
  profiled watched;
  CHECK(heap_profile(watched).find("heap profile: ") == 0);
  CHECK(forgotten().find("frys: sessions: 1 blocks of 64 bytes were not given back\n") == 0);
  CHECK(free_twice() == 1);
  CHECK(close_all() > 0);
  frys::limited<frys::system_allocator, 1000> bounded_memory;
  {
    auto made = make_codec(bounded_memory);
    REQUIRE(made);
    CHECK((*made)->id() == 4);
    CHECK(bounded_memory.used() == sizeof(json));
  }
  CHECK(bounded_memory.used() == 0);
}
