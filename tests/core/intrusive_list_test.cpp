#include <frys/core/intrusive_list.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

namespace {

struct other_tag;
struct item : frys::list_hook<>, frys::list_hook<other_tag> {
  explicit item(int v) : value(v) {}
  int value;
};
using list = frys::intrusive_list<item>;
using other_list = frys::intrusive_list<item, other_tag>;

template <class L>
std::vector<int> values(L& l) {
  std::vector<int> out;
  for (const item& i : l) out.push_back(i.value);
  return out;
}

struct node {
  int value = 0;
  node* next = nullptr;
};

}  // namespace

TEST_CASE("intrusive_list: keeps the order it was given, from both ends") {
  item a(1), b(2), c(3);
  list l;
  CHECK(l.empty());
  CHECK(l.pop_front() == nullptr);
  l.push_back(b);
  l.push_back(c);
  l.push_front(a);
  CHECK(values(l) == std::vector{1, 2, 3});
  CHECK(l.size() == 3);
  CHECK(l.front().value == 1);
  CHECK(l.back().value == 3);
  CHECK(l.pop_front() == &a);
  CHECK_FALSE(a.frys::list_hook<>::is_linked());
  CHECK(values(l) == std::vector{2, 3});
  l.clear();
}

TEST_CASE("intrusive_list: an element leaves from anywhere, more than once does no harm") {
  item a(1), b(2), c(3);
  list l;
  for (item* i : {&a, &b, &c}) l.push_back(*i);
  list::remove(b);
  list::remove(b);
  CHECK(values(l) == std::vector{1, 3});
  list::remove(c);
  list::remove(a);
  CHECK(l.empty());
  l.push_back(b);  // and comes back
  CHECK(l.size() == 1);
  l.clear();
}

TEST_CASE("intrusive_list: erase while walking, insert before a place") {
  item a(1), b(2), c(3), d(4);
  list l;
  for (item* i : {&a, &b, &d}) l.push_back(*i);
  auto at = l.begin();
  ++at;
  at = l.erase(at);
  CHECK(at->value == 4);
  l.insert(at, c);
  CHECK(values(l) == std::vector{1, 3, 4});
  l.insert(l.end(), b);
  CHECK(values(l) == std::vector{1, 3, 4, 2});
  auto last = l.end();
  CHECK((--last)->value == 2);
  CHECK((last--)->value == 2);
  CHECK((last++)->value == 4);
  CHECK(std::count_if(l.begin(), l.end(), [](const item& i) { return i.value > 2; }) == 2);
  l.clear();
}

TEST_CASE("intrusive_list: splice moves all of another list behind ours") {
  item a(1), b(2), c(3);
  list x, y;
  x.splice_back(y);
  CHECK(x.empty());
  x.push_back(a);
  y.push_back(b);
  y.push_back(c);
  x.splice_back(y);
  CHECK(y.empty());
  CHECK(values(x) == std::vector{1, 2, 3});
  y.splice_back(x);
  CHECK(values(y) == std::vector{1, 2, 3});
  list::remove(b);
  CHECK(values(y) == std::vector{1, 3});
  y.clear();
}

TEST_CASE("intrusive_list: one element stands in several lists by several hooks") {
  item a(1), b(2);
  list l;
  other_list o;
  l.push_back(a);
  l.push_back(b);
  o.push_back(b);
  o.push_back(a);
  list::remove(a);
  CHECK(values(l) == std::vector{2});
  CHECK(values(o) == std::vector{2, 1});
  l.clear();
  o.clear();
}

TEST_CASE("intrusive_list: a list that ends leaves its elements unlinked, a copy of an element is in no list") {
  item a(1);
  {
    list l;
    l.push_back(a);
    const item copy = a;
    CHECK_FALSE(copy.frys::list_hook<>::is_linked());
    item assigned(0);
    assigned = a;
    CHECK_FALSE(assigned.frys::list_hook<>::is_linked());
    CHECK(a.frys::list_hook<>::is_linked());
  }
  CHECK_FALSE(a.frys::list_hook<>::is_linked());
}

TEST_CASE("intrusive_queue: first in, first out, and usable again once empty") {
  node a{1}, b{2}, c{3};
  frys::intrusive_queue<node> q;
  CHECK(q.empty());
  CHECK(q.pop() == nullptr);
  for (int round = 0; round < 3; ++round) {
    q.push(a);
    q.push(b);
    CHECK(q.pop() == &a);
    CHECK(a.next == nullptr);
    q.push(c);
    q.push(a);
    CHECK(q.pop() == &b);
    CHECK(q.pop() == &c);
    CHECK(q.pop() == &a);
    CHECK(q.pop() == nullptr);
    CHECK(q.empty());
  }
}
