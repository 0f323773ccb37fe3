#include <frys/queue/sharded_map.hpp>

#include "blocks.hpp"

#include <cstdint>

namespace {

using namespace blocks;
namespace policy = frys::policy;

// What is retired goes never, and nothing in the domain orders anything: what the map's own orders must do shows.
struct keeps_all {
  using atomics_type = A;
  static constexpr bool has_pin = true;
  struct pinned {
    ~pinned() {}  // NOLINT: held for what it says
  };
  template <class T>
  struct guard {
    T* object;
    T* get() const noexcept { return object; }
  };
  struct rest {
    void* object = nullptr;
    frys::destroy_function destroy = nullptr;
  };
  struct participant {
    keeps_all* own = nullptr;
    std::size_t first = 0, count = 0;
    pinned pin() noexcept { return {}; }
    template <class T>
    guard<T> protect(const A::atomic<T*>& source) noexcept {
      return {source.load(std::memory_order_acquire)};
    }
    bool retire(void* object, frys::destroy_function destroy) noexcept {
      model::require(count < 8, "the test keeps eight");
      own->kept[first + count++] = {object, destroy};
      return true;
    }
    template <class T>
    bool retire(T* object) noexcept {
      return retire(const_cast<void*>(static_cast<const void*>(object)),
                    [](void* o) noexcept { delete static_cast<T*>(o); });
    }
    std::size_t room() const noexcept { return 8 - count; }
    void quiesce() noexcept {}
  };
  ~keeps_all() {
    for (const rest& r : kept)
      if (r.object != nullptr) r.destroy(r.object);
  }
  frys::result<participant> join() noexcept { return participant{this, 8 * joined++, 0}; }
  std::size_t garbage() const noexcept { return 0; }
  rest kept[32];
  std::size_t joined = 0;
};
using epochs = frys::epoch_domain<policy::capacity<3>, policy::batch<1>, policy::garbage<8>,
                                  policy::fence<frys::fences::symmetric>, policy::pages<model::pages>, with_model>;

// All keys but the tenth have one tag and one home.
struct meets {
  std::uint64_t operator()(int key) const noexcept { return static_cast<std::uint64_t>(key % 10 == 0 ? 1 : 0) << 40; }
};
struct number {
  explicit number(int v) : is(v) {}
  number(const number& other) : is(other.is.get()) {}
  number& operator=(const number&) = default;
  element is;
};
// The model's pages are as small as what is asked for: a table of one group (of seven nodes, or three words), then one
// of three.
template <class Value, class D>
using map_with = frys::sharded_map<int, Value, policy::reclaimer<D>, policy::shards<1>, policy::hash<meets>,
                                   policy::pages<model::pages>>;
template <class D>
struct nodes : map_with<number, D> {
  using domain_type = D;
  static_assert(!nodes::entries_are_words);
};
template <class D>
struct words : map_with<int, D> {
  using domain_type = D;
  static_assert(words::entries_are_words);
};

int plain(const number& n) { return n.is.get(); }
int plain(int n) { return n; }
template <class Map, class Seat>
int value_of(const Map& map, Seat& seat, int key) {
  const auto found = map.find(seat, key);
  return found ? plain(*found) : 0;
}

// A reader against one that puts in, replaces and takes out.
template <class Map>
void read_against_writes() {
  typename Map::domain_type domain;
  Map map;
  auto reader = *domain.join();
  auto writer = *domain.join();
  int seen[2] = {};
  model::threads(
      [&] {
        for (int& s : seen) s = value_of(map, reader, 1);
      },
      [&] {
        (void)map.insert(writer, 1, 1);
        (void)map.insert_or_assign(writer, 1, 2);
        (void)map.erase(writer, 1);
      });
  model::require(seen[0] == 0 || seen[0] == 1 || seen[0] == 2, "what is read was written");
  model::require(seen[1] == 0 || seen[1] >= seen[0], "and never gets older");
  model::require(value_of(map, reader, 1) == 0, "it is erased");
}
// What came before a write is there for who reads it.
template <class Map>
void publishes() {
  typename Map::domain_type domain;
  Map map;
  A::var<int> before{0}, between{0}, then{0};
  auto reader = *domain.join();
  auto writer = *domain.join();
  model::threads(
      [&] {
        const int v = value_of(map, reader, 1);
        if (v >= 1) model::require(before.get() == 7, "what came before the insert is there");
        if (v >= 2) model::require(between.get() == 8, "what came before the update is there");
        if (v == 3) model::require(then.get() == 9, "what came before the assignment is there");
      },
      [&] {
        before.ref() = 7;
        (void)map.insert(writer, 1, 1);
        between.ref() = 8;
        (void)map.update(writer, 1, [](auto& n) { n = typename Map::mapped_type(2); });
        then.ref() = 9;
        (void)map.insert_or_assign(writer, 1, 3);
      });
}
// A key that stays is found while its group fills, others come and go beside it, and the shard grows.
template <class Map, int Before, bool Erase>
void stays_while_others_come() {
  typename Map::domain_type domain;
  Map map;
  auto reader = *domain.join();
  auto writer = *domain.join();
  for (int k = 1; k <= Before; ++k) (void)map.insert(writer, k, k);
  model::threads([&] { model::require(value_of(map, reader, 1) == 1, "it is there all the time"); },
                 [&] {
                   if constexpr (Erase) (void)map.erase(writer, 2);
                   (void)map.insert(writer, 10, 10);
                 });
  model::require(value_of(map, reader, 10) == 10, "the other one has come");
  model::require(map.size_hint() == static_cast<std::size_t>(Before + (Erase ? 0 : 1)), "and is counted");
}
// Of several threads that insert one key, one does; changes are not lost.
template <class Map>
void writers_meet() {
  typename Map::domain_type domain;
  Map map;
  auto a = *domain.join();
  auto b = *domain.join();
  int first = 0;
  const auto work = [&](auto& seat, int v, int& mine) {
    mine = *map.insert(seat, 1, v) ? 1 : 0;
    model::require(*map.update(seat, 1, [](auto& n) { n = typename Map::mapped_type(plain(n) + 10); }), "it is there");
  };
  int one = 0, two = 0;
  model::threads([&] { work(a, 1, one); }, [&] { work(b, 2, two); });
  first = one == 1 ? 1 : 2;
  model::require(one + two == 1, "one of them inserts");
  model::require(value_of(map, a, 1) == first + 20, "both changes are in");
}
// A walk against writes: what stays is seen once.
template <class Map, int Before>
void walk() {
  typename Map::domain_type domain;
  Map map;
  auto reader = *domain.join();
  auto writer = *domain.join();
  for (int k = 1; k <= Before; ++k) (void)map.insert(writer, k, k);
  int steady = 0;
  model::threads(
      [&] {
        map.for_each(reader, [&](int k, const auto& n) {
          model::require(plain(n) == k, "each is whole");
          steady += k == 1 || k == 3;
        });
      },
      [&] {
        (void)map.erase(writer, 2);
        (void)map.insert(writer, 6, 6);
        (void)map.insert(writer, 7, 7);
      });
  model::require(steady == (Before < 3 ? 1 : 2), "what stays is seen once");
}

// Words: a place goes from one key to another, and back. A value that is found is its key's, and comes after what its
// writer did.
void place_goes_round() {
  keeps_all domain;
  words<keeps_all> map;
  A::var<int> before{0};
  auto reader = *domain.join();
  auto writer = *domain.join();
  (void)map.insert(writer, 1, 10);
  model::threads(
      [&] {
        const int one = value_of(map, reader, 1);
        model::require(one == 0 || one == 10 || one == 11, "its own value");
        if (one == 11) model::require(before.get() == 7, "what came before it is there");
      },
      [&] {
        (void)map.erase(writer, 1);
        (void)map.insert(writer, 2, 20);
        (void)map.erase(writer, 2);
        before.ref() = 7;
        (void)map.insert(writer, 1, 11);
      });
}
void place_of_another() {
  keeps_all domain;
  words<keeps_all> map;
  auto reader = *domain.join();
  auto writer = *domain.join();
  (void)map.insert(writer, 1, 10);
  model::threads(
      [&] {
        const int two = value_of(map, reader, 2);
        model::require(two == 0 || two == 20, "its own value");
        map.for_each(reader, [](int k, int v) { model::require(v == 10 * k, "its own value, in a walk too"); });
      },
      [&] {
        (void)map.erase(writer, 1);
        (void)map.insert(writer, 2, 20);
      });
}

// Words: who sees that a place is taken, by whatever the head was written for since, sees its key.
void taken_then_another_goes() {
  keeps_all domain;
  words<keeps_all> map;
  auto reader = *domain.join();
  auto writer = *domain.join();
  (void)map.insert(writer, 2, 20);
  model::threads([&] { model::require(!map.contains(reader, 0), "nobody has put it in"); },
                 [&] {
                   (void)map.insert(writer, 1, 10);
                   (void)map.erase(writer, 2);
                 });
}
void taken_then_another_passes() {
  keeps_all domain;
  words<keeps_all> map;
  auto reader = *domain.join();
  auto writer = *domain.join();
  for (int k = 1; k <= 3; ++k) (void)map.insert(writer, k, 10 * k);  // three groups now; the first is full
  (void)map.erase(writer, 3);
  model::threads([&] { model::require(!map.contains(reader, 3), "it is erased"); },
                 [&] {
                   (void)map.insert(writer, 4, 40);
                   (void)map.insert(writer, 5, 50);
                   (void)map.erase(writer, 5);
                 });
  model::require(value_of(map, reader, 4) == 40 && !map.contains(reader, 5), "the last two writes");
}

TEST_CASE("sharded_map under the model: a reader finds whole entries that live") {
  holds(&read_against_writes<nodes<keeps_all>>);
  holds_mostly(&read_against_writes<nodes<epochs>>);
  holds(&read_against_writes<words<keeps_all>>);
}
TEST_CASE("sharded_map under the model: writes publish") {
  holds(&publishes<nodes<keeps_all>>);
  holds(&publishes<words<keeps_all>>);
}
TEST_CASE("sharded_map under the model: a word that is found is its key's") {
  holds(&place_goes_round);
  holds(&place_of_another);
  holds(&taken_then_another_goes);
  holds(&taken_then_another_passes);
}
TEST_CASE("sharded_map under the model: what stays is found, also while the shard grows") {
  holds(&stays_while_others_come<nodes<keeps_all>, 3, true>);
  holds(&stays_while_others_come<nodes<keeps_all>, 5, false>);
  holds(&stays_while_others_come<nodes<epochs>, 5, false>);
  holds(&walk<nodes<keeps_all>, 5>);
  holds(&stays_while_others_come<words<keeps_all>, 2, true>);
  holds(&stays_while_others_come<words<keeps_all>, 2, false>);
  holds(&stays_while_others_come<words<epochs>, 2, false>);
  holds(&walk<words<keeps_all>, 2>);
}
TEST_CASE("sharded_map under the model: a reader comes to its end wherever a writer is stopped") {
  const auto free = [](void (*body)()) {
    const model::report r = model::check(model::lock_freedom{.executions = 2000}, body);
    INFO(r.text());
    CHECK(r.passed());
  };
  free(&read_against_writes<nodes<keeps_all>>);
  free(&stays_while_others_come<nodes<keeps_all>, 5, false>);
  free(&walk<nodes<keeps_all>, 5>);
  free(&read_against_writes<words<keeps_all>>);
  free(&stays_while_others_come<words<keeps_all>, 2, false>);
  free(&walk<words<keeps_all>, 2>);
  free(&place_goes_round);
}
// A find comes to its end in so many steps, whatever a writer does: one group, its tags and up to two pointers.
void find_against_replace() {
  keeps_all domain;
  nodes<keeps_all> map;
  auto reader = *domain.join();
  auto writer = *domain.join();
  (void)map.insert(writer, 1, 1);
  model::threads([&] { (void)value_of(map, reader, 1); }, [&] { (void)map.insert_or_assign(writer, 1, 2); });
}
TEST_CASE("sharded_map under the model: a find is wait-free where entries are not words") {
  const model::report r = model::check(model::exhaustive{.most_thread_steps = 20}, &find_against_replace);
  INFO(r.text());
  CHECK(r.passed());
  CHECK(r.complete);
}
TEST_CASE("sharded_map under the model: writers do not lose each other's work") {
  holds(&writers_meet<nodes<keeps_all>>);
  holds(&writers_meet<words<keeps_all>>);
}

}  // namespace
