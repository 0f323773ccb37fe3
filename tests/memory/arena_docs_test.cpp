// The examples of docs/memory.md that speak of arenas and pages, run.
#include <frys/memory/arena.hpp>
#include <frys/memory/concurrent_arena.hpp>
#include <frys/memory/huge_pages.hpp>
#include <frys/memory/numa.hpp>
#include <frys/memory/pmr.hpp>
#include <frys/memory/std_allocator.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <memory_resource>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

// [region large]
// Addresses by 64 MiB, huge pages where the machine has them, and never more than 1 GiB.
using big_arena = frys::arena<frys::policy::pages<frys::transparent_pages>, frys::policy::chunk_size<64 << 20>,
                              frys::policy::growth<frys::growth::fixed>, frys::policy::alignment<64>,
                              frys::policy::limit<std::size_t{1} << 30>>;

bool index_once(big_arena& memory) {
  {
    const auto everything = memory.scope();  // forgets at its end
    auto vectors = memory.make_array<float>(10'000 * 128);
    if (!vectors) return false;
    (*vectors)[0] = 1.0f;  // a page is committed when it is first touched
  }
  memory.trim();  // the pages go back to the machine, the addresses stay
  return memory.reserved() == 64 << 20;
}
// [endregion large]

// [region std]
using frys::arena;
using frys::arena_allocator;
using words = std::vector<std::string_view, arena_allocator<std::string_view>>;

std::size_t count_words(arena<>& scratch, std::string_view text) {
  const auto request = scratch.scope();
  words found(scratch);  // an arena is an allocator of the standard's containers
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.substr(at).find(' ');
    found.push_back(text.substr(at, end));
    at = end == std::string_view::npos ? text.size() : at + end + 1;
  }
  frys::arena_resource<> resource(scratch);  // and of those that take a std::pmr::memory_resource
  const std::pmr::vector<std::pmr::string> copies(found.begin(), found.end(), &resource);
  return copies.size();
}
// [endregion std]

// [region together]
// Threads parse parts of a text; what they build lives in one arena.
std::size_t parse_together(frys::concurrent_arena<>& built, const std::vector<std::string>& parts) {
  std::vector<std::string_view> heads(parts.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < parts.size(); ++i)
    threads.emplace_back([&, i] {
      auto seat = built.join();  // a thread's own place; errc::full beyond policy::capacity
      if (!seat) return;
      if (auto head = seat->copy(std::string_view(parts[i]).substr(0, 4))) heads[i] = *head;
    });
  for (std::thread& t : threads) t.join();
  std::size_t bytes = 0;
  for (const std::string_view head : heads) bytes += head.size();  // the seats are gone, the pieces are not
  built.reset();                                                   // nobody is at it
  return bytes;
}
// [endregion together]

// [region numa]
// What all nodes read lies on all of them; what one thread uses lies where that thread runs.
using shared_table = frys::arena<frys::policy::pages<frys::interleaved_pages<>>>;
using thread_scratch = frys::arena<frys::policy::pages<frys::bound_pages<frys::numa_here>>>;

std::string machine_in_words() {
  const frys::numa_topology& machine = frys::numa_topology::machine();
  return std::to_string(machine.nodes()) + " nodes, this thread on node " + std::to_string(machine.here());
}
// [endregion numa]

}  // namespace

TEST_CASE("docs: a large arena") {
  big_arena a;
  CHECK(index_once(a));
}
TEST_CASE("docs: containers in an arena") {
  arena<> a;
  CHECK(count_words(a, "some words and more") == 4);
  CHECK(a.used() == 0);
}
TEST_CASE("docs: an arena for several threads") {
  frys::concurrent_arena<> a;
  CHECK(parse_together(a, {"first part", "second", "it"}) == 10);
}
TEST_CASE("docs: the machine's nodes") {
  CHECK(machine_in_words().find("nodes") != std::string::npos);
  shared_table table;
  thread_scratch scratch;
  CHECK(table.allocate(100));
  CHECK(scratch.allocate(100));
}
