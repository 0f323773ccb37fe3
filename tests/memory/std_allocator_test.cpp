#include <frys/memory/pmr.hpp>
#include <frys/memory/std_allocator.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "counting_pages.hpp"

using frys::allocator_resource;
using frys::arena;
using frys::arena_allocator;
using frys::std_allocator;
namespace policy = frys::policy;

namespace {

// Counts what is out, piece by piece, and refuses on demand.
struct counted {
  std::map<void*, std::pair<std::size_t, std::size_t>> out;
  std::size_t refuse_after = (std::numeric_limits<std::size_t>::max)();
  bool wrong = false;

  frys::result<void*> allocate(std::size_t size, std::size_t alignment) {
    if (refuse_after == 0) return frys::error{frys::errc::out_of_memory, frys::domain::user, "refused by the test", 0};
    --refuse_after;
    void* p = ::operator new (size, std::align_val_t{alignment});
    out[p] = {size, alignment};
    return p;
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    const auto at = out.find(memory);
    wrong = wrong || at == out.end() || at->second != std::pair(size, alignment);
    if (at != out.end()) out.erase(at);
    ::operator delete (memory, std::align_val_t{alignment});
  }
};

// The same without objects.
struct stateless {
  inline static std::size_t out = 0;
  static frys::result<void*> allocate(std::size_t size, std::size_t alignment) {
    ++out;
    return ::operator new (size, std::align_val_t{alignment});
  }
  static void deallocate(void* memory, std::size_t, std::size_t alignment) noexcept {
    --out;
    ::operator delete (memory, std::align_val_t{alignment});
  }
};
static_assert(frys::raw_allocator<counted> && !frys::stateless_allocator<counted>);
static_assert(frys::stateless_allocator<stateless>);
static_assert(frys::raw_allocator<arena<>> && !frys::stateless_allocator<arena<>>);

struct alignas(64) wide {
  std::uint64_t value = 0;
  bool operator<(const wide& other) const { return value < other.value; }
};

// One of each of the standard's containers lives, grows, is copied, moved and swapped.
template <template <class> class Allocator, class Source>
void live_in(Source& source) {
  std::vector<int, Allocator<int>> v(source);
  for (int i = 0; i < 1000; ++i) v.push_back(i);
  auto copy = v;
  CHECK(copy == v);
  CHECK(copy.get_allocator() == v.get_allocator());
  const int* const elements = v.data();
  auto moved = std::move(v);
  CHECK(moved.data() == elements);
  v = std::move(moved);  // takes the memory, moves no element
  CHECK(v.data() == elements);
  swap(v, copy);
  CHECK(copy.data() == elements);
  v.shrink_to_fit();
  v.assign(10, 7);
  CHECK(v.back() == 7);

  std::vector<wide, Allocator<wide>> aligned(3, wide{5}, source);
  CHECK(reinterpret_cast<std::uintptr_t>(aligned.data()) % 64 == 0);
  std::vector<bool, Allocator<bool>> bits(100, true, source);
  CHECK(bits[99]);

  std::list<std::string, Allocator<std::string>> l(source);
  for (int i = 0; i < 100; ++i) l.emplace_front("a text that does not fit into the string itself");
  std::list<std::string, Allocator<std::string>> other(source);
  other.splice(other.begin(), l);
  CHECK(other.size() == 100);
  other.sort();

  using pair = std::pair<const int, int>;
  std::map<int, int, std::less<int>, Allocator<pair>> m{Allocator<pair>(source)};
  std::unordered_map<int, int, std::hash<int>, std::equal_to<int>, Allocator<pair>> u{Allocator<pair>(source)};
  for (int i = 0; i < 500; ++i) m[i * 7 % 500] = u[i * 7 % 500] = i;
  auto m2 = m;
  auto u2 = u;
  CHECK(m2 == m);
  CHECK(u2 == u);
  m.erase(m.begin(), m.find(100));
  u.rehash(4000);
  u.erase(3);
  CHECK(m.size() == 400);
  CHECK(u.size() == 499);
  auto node = m2.extract(7);
  m.insert(std::move(node));
  CHECK(m.count(7) == 1);

  std::set<wide, std::less<wide>, Allocator<wide>> s{Allocator<wide>(source)};
  for (std::uint64_t i = 0; i < 50; ++i) s.insert(wide{i});
  CHECK(reinterpret_cast<std::uintptr_t>(&*s.begin()) % 64 == 0);
  std::deque<long, Allocator<long>> d(source);
  for (long i = 0; i < 2000; ++i) d.push_front(i), d.push_back(i);
  CHECK(d.front() == 1999);
  std::basic_string<char, std::char_traits<char>, Allocator<char>> text(source);
  for (int i = 0; i < 100; ++i) text += "0123456789";
  CHECK(text.size() == 1000);

  std::shared_ptr<wide> one = std::allocate_shared<wide>(Allocator<wide>(source), wide{3});
  const std::weak_ptr<wide> later = one;
  CHECK(one->value == 3);
  one.reset();
  CHECK(later.expired());
  const std::shared_ptr<int> by_pointer(new int(5), std::default_delete<int>(), Allocator<int>(source));
  CHECK(*by_pointer == 5);
}

template <class T>
using over_counted = std_allocator<T, counted>;
template <class T>
using over_stateless = std_allocator<T, stateless>;
template <class T>
using over_arena = arena_allocator<T>;

}  // namespace

TEST_CASE("std_allocator: the standard's containers live in a raw_allocator and give back exactly what they took") {
  counted c;
  live_in<over_counted>(c);
  CHECK(c.out.empty());
  CHECK_FALSE(c.wrong);
}
TEST_CASE("std_allocator: and in one without objects, at no byte per container") {
  stateless none;
  live_in<over_stateless>(none);
  CHECK(stateless::out == 0);
  CHECK(std::is_empty_v<over_stateless<int>>);
  CHECK(sizeof(std::vector<int, over_stateless<int>>) == sizeof(std::vector<int>));
  CHECK(over_stateless<int>() == over_stateless<long>());
  CHECK(std::allocator_traits<over_stateless<int>>::is_always_equal::value);
  const std::vector<int, over_stateless<int>> made_without_a_word(3);
  CHECK(made_without_a_word.size() == 3);
}
TEST_CASE("arena_allocator: the standard's containers live in an arena") {
  arena<> a;
  live_in<over_arena>(a);
  CHECK(a.used() > 0);
  a.reset();
  CHECK(a.used() == 0);
}

TEST_CASE("std_allocator: allocators are equal where they speak of one source, also across types") {
  counted one, two;
  const over_counted<int> a(one), b(two);
  const over_counted<wide> c(a);
  CHECK(a == c);
  CHECK(a != b);
  CHECK(&c.underlying() == &one);
  CHECK_FALSE(std::allocator_traits<over_counted<int>>::is_always_equal::value);
  CHECK(std::is_same_v<std::allocator_traits<over_counted<int>>::rebind_alloc<wide>, over_counted<wide>>);
}

TEST_CASE("std_allocator: a container that is assigned to keeps its allocator; one that is moved to takes it along") {
  counted one, two;
  std::vector<int, over_counted<int>> a({1, 2, 3}, one), b({4}, two);
  b = a;
  CHECK(&b.get_allocator().underlying() == &two);
  CHECK(b == a);
  const int* const elements = a.data();
  b = std::move(a);
  CHECK(&b.get_allocator().underlying() == &one);
  CHECK(b.data() == elements);
  std::vector<int, over_counted<int>> c({5}, two);
  swap(b, c);
  CHECK(&b.get_allocator().underlying() == &two);
  CHECK(c.data() == elements);
}

TEST_CASE("allocator_resource: pmr containers live in a raw_allocator and give back exactly what they took") {
  counted c;
  {
    allocator_resource<counted> r(c);
    std::pmr::vector<std::pmr::string> texts(&r);
    for (int i = 0; i < 200; ++i) texts.emplace_back("a text that does not fit into the string itself");
    std::pmr::map<int, std::pmr::list<int>> m(&r);
    for (int i = 0; i < 200; ++i) m[i % 20].push_back(i);
    std::pmr::vector<wide> aligned(3, &r);
    CHECK(reinterpret_cast<std::uintptr_t>(aligned.data()) % 64 == 0);
    allocator_resource<counted> same(c);
    CHECK(r == r);
    CHECK(r != same);  // as the header says
    CHECK(&r.underlying() == &c);
    CHECK_FALSE(c.out.empty());
  }
  CHECK(c.out.empty());
  CHECK_FALSE(c.wrong);
  CHECK(std::is_final_v<allocator_resource<counted>>);
}
TEST_CASE("arena_resource: pmr containers live in an arena; a stateless allocator needs no object") {
  arena<> a;
  frys::arena_resource<> r(a);
  std::pmr::vector<int> v(100, &r);
  CHECK(a.owns(v.data()));
  allocator_resource<stateless> s;
  {
    std::pmr::list<int> l(100, &s);
    CHECK(stateless::out == 100);
  }
  CHECK(stateless::out == 0);
}

#if FRYS_EXCEPTIONS
TEST_CASE("std_allocator: what is refused is bad_alloc or bad_array_new_length, and the container stays whole") {
  for (std::size_t n = 0;; ++n) {  // refused at every allocation
    counted c;
    c.refuse_after = n;
    bool done = false;
    {
      std::vector<int, over_counted<int>> v(c);
      std::map<int, int, std::less<int>, over_counted<std::pair<const int, int>>> m{c};
      try {
        for (int i = 0; i < 20; ++i) {
          v.push_back(i);
          m[i] = i;
        }
        done = true;
      } catch (const std::bad_alloc&) {
      }
      for (std::size_t i = 0; i < v.size(); ++i) CHECK(v[i] == static_cast<int>(i));
      CHECK(v.size() - m.size() <= 1);
    }
    CHECK(c.out.empty());
    CHECK_FALSE(c.wrong);
    if (done) break;
  }
  counted c;
  over_counted<wide> a(c);
  CHECK_THROWS_AS((void)a.allocate((std::numeric_limits<std::size_t>::max)() / 64 + 2), std::bad_array_new_length);
  using pages = counting_pages<39>;
  arena<policy::pages<pages>> refusing;
  pages::refuses = true;
  allocator_resource<arena<policy::pages<pages>>> r(refusing);
  CHECK_THROWS_AS((void)r.allocate(8), std::bad_alloc);
  CHECK_THROWS_AS((void)(arena_allocator<int, policy::pages<pages>>(refusing).allocate(8)), std::bad_alloc);
  pages::refuses = false;
}
#endif
