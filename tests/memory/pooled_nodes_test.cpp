// The standard's node containers over pools of one size, and a heap: their nodes come from there, and all come back.
#include <frys/memory/block_pool.hpp>
#include <frys/memory/process_heap.hpp>
#include <frys/memory/std_allocator.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace {
using nodes = frys::block_pool<64>;
template <class T>
using from_nodes = frys::std_allocator<T, nodes>;
template <class T>
using from_heap = frys::std_allocator<T, frys::process_heap>;
}  // namespace

TEST_CASE("pooled nodes: a list, a set and a map take one block of the pool for each node, and give it back") {
  nodes pool;
  {
    std::list<int, from_nodes<int>> l{from_nodes<int>(pool)};
    std::set<int, std::less<>, from_nodes<int>> s{from_nodes<int>(pool)};
    std::map<int, long, std::less<>, from_nodes<std::pair<const int, long>>> m{
        from_nodes<std::pair<const int, long>>(pool)};
    for (int i = 0; i < 1000; ++i) {
      l.push_back(i);
      s.insert(i * 7 % 1000);
      m[i] = i;
    }
    CHECK(pool.size() == 3000);
    CHECK(pool.owns(&l.front()));
    CHECK(pool.owns(&*s.begin()));
    while (l.size() > 10) l.pop_front();
    for (int i = 0; i < 1000; i += 2) m.erase(i);
    CHECK(pool.size() == 10 + 1000 + 500);
    long sum = 0;
    for (const auto& [k, v] : m) sum += v;
    CHECK(sum == 250'000);
  }
  CHECK(pool.size() == 0);
}

TEST_CASE("pooled nodes: a container over process_heap carries nothing but its elements") {
  std::list<int, from_heap<int>> l;
  static_assert(sizeof l == sizeof(std::list<int>));
  for (int i = 0; i < 100; ++i) l.push_back(i);
  std::basic_string<char, std::char_traits<char>, from_heap<char>> text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>('a' + i % 26);
  CHECK(l.size() == 100);
  CHECK(text.substr(26, 3) == "abc");
}
