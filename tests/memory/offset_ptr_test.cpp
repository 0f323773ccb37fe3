#include <frys/memory/offset_ptr.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>
#include <type_traits>

namespace {

struct node {
  frys::offset_ptr<node> next;
  int value = 0;
};
struct pair_of {
  frys::offset_ptr<int> at;
  int here = 5;
};

}  // namespace

TEST_CASE("offset_ptr: null is null, and no T is, not even one that begins where the pointer does") {
  frys::offset_ptr<node> p;
  CHECK_FALSE(p);
  CHECK(p == nullptr);
  CHECK(p.get() == nullptr);
  node n;
  n.next = &n;  // the first member points to its own object: zero bytes away
  CHECK(n.next);
  CHECK(n.next.get() == &n);
  CHECK(n.next->next->next.get() == &n);
  n.next = nullptr;
  CHECK_FALSE(n.next);
  CHECK(frys::offset_ptr<node>(n.next) == nullptr);
}

TEST_CASE("offset_ptr: what points into its own memory is right after that memory has moved") {
  alignas(8) std::byte first[sizeof(pair_of)], second[sizeof(pair_of)];
  auto* a = ::new (static_cast<void*>(first)) pair_of;
  a->at = &a->here;
  std::memcpy(second, first, sizeof(first));  // as a mapping at another address shows it
  auto* b = std::launder(reinterpret_cast<pair_of*>(second));
  CHECK(b->at.get() == &b->here);
  b->here = 6;
  CHECK(*b->at == 6);
  CHECK(*a->at == 5);
}

TEST_CASE("offset_ptr: a copy points to the same T from another place") {
  int numbers[4] = {0, 1, 2, 3};
  frys::offset_ptr<int> a = numbers;
  const frys::offset_ptr<int> b = a;
  CHECK(b.get() == numbers);
  frys::offset_ptr<int> c;
  c = b;
  CHECK(c == a);
  frys::offset_ptr<const int> d = c;
  CHECK(d.get() == numbers);
  static_assert(!std::is_convertible_v<frys::offset_ptr<const int>, frys::offset_ptr<int>>);
}

TEST_CASE("offset_ptr: is an iterator, and a pointer for std::pointer_traits") {
  int numbers[4] = {10, 11, 12, 13};
  frys::offset_ptr<int> p = numbers;
  CHECK(p[3] == 13);
  CHECK(*++p == 11);
  CHECK(*p++ == 11);
  CHECK(*p-- == 12);
  CHECK(*(p + 2) == 13);
  CHECK(*(2 + p) == 13);
  CHECK((p + 2) - p == 2);
  CHECK(p < p + 1);
  p += 2;
  p -= 1;
  CHECK(*--p == 11);
  CHECK(*(p - 1) == 10);
  static_assert(std::random_access_iterator<frys::offset_ptr<int>>);
  using traits = std::pointer_traits<frys::offset_ptr<int>>;
  CHECK(traits::pointer_to(numbers[2]).get() == &numbers[2]);
  static_assert(std::is_same_v<traits::rebind<char>, frys::offset_ptr<char>>);
  const frys::offset_ptr<void> anything = static_cast<void*>(numbers);
  CHECK(anything.get() == numbers);
}
