#include <frys/memory/allocator_ref.hpp>
#include <frys/memory/arena.hpp>
#include <frys/memory/small_vector.hpp>
#include <frys/memory/stable_vector.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using frys::small_vector;
using frys::stable_vector;
namespace policy = frys::policy;

namespace {
// An allocator that counts and refuses on demand.
struct counting {
  std::size_t* held;
  bool* refuses;
  frys::result<void*> allocate(std::size_t size, std::size_t alignment) noexcept {
    if (*refuses) return frys::error{frys::errc::out_of_memory, frys::domain::user, "refused by the test", 0};
    auto memory = frys::system_allocator::allocate(size, alignment);
    if (memory) *held += size;
    return memory;
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    *held -= size;
    frys::system_allocator::deallocate(memory, size, alignment);
  }
};
using with_counting = policy::allocator<counting>;

// Moves only, cannot be assigned, and says when it is used after its end.
struct item {
  inline static int alive = 0;
  std::unique_ptr<int> value;
  item() : item(0) {}
  explicit item(int v) : value(std::make_unique<int>(v)) { ++alive; }
  item(item&& other) noexcept : value(std::move(other.value)) { ++alive; }
  item& operator=(item&&) = delete;
  ~item() { --alive; }
};
int value_of(const item& i) { return *i.value; }
int value_of(const std::string& s) { return std::stoi(s); }
template <class T>
T made(int v) {
  if constexpr (std::is_same_v<T, item>)
    return item(v);
  else
    return std::to_string(v) + " and more than fits inside a string";
}

template <class T, std::size_t N>
void small_twin(std::uint32_t seed) {
  std::size_t held = 0;
  bool refuses = false;
  {
    using vector = small_vector<T, N, with_counting>;
    std::mt19937 random(seed);
    vector v(counting{&held, &refuses});
    std::vector<int> model;
    for (int step = 0; step < 6000; ++step) {
      const std::size_t at = random() % (model.size() + 1);
      const auto place = static_cast<std::ptrdiff_t>(at);
      refuses = random() % 8 == 0;
      const bool grows = v.size() == v.capacity();
      switch (random() % (step / 500 % 2 == 0 ? 8 : 12)) {
        case 0:
        case 1:
        case 2: {
          auto r = v.push_back(made<T>(step));
          REQUIRE(r.has_value() == !(grows && refuses));
          if (r) {
            model.push_back(step);
            REQUIRE(*r == &v.back());
          }
          break;
        }
        case 3:
        case 4: {
          T one = made<T>(step);
          auto r = v.insert(v.begin() + place, std::move(one));
          REQUIRE(r.has_value() == !(grows && refuses));
          if (r) {
            model.insert(model.begin() + place, step);
            REQUIRE(*r == v.begin() + place);
          } else {
            REQUIRE(value_of(one) == step);  // NOLINT: a refused insert leaves it alone
          }
          break;
        }
        case 5: {
          const std::size_t wanted = random() % 40;
          auto r = v.reserve(wanted);
          REQUIRE((r.has_value() || refuses));
          if (r) REQUIRE(v.capacity() >= wanted);
          break;
        }
        case 6: {
          const bool inside = v.is_inside();
          vector other(std::move(v));
          REQUIRE(v.empty());  // NOLINT: a moved-from vector is empty
          REQUIRE(other.is_inside() == inside);
          v = std::move(other);
          break;
        }
        case 7:
          (void)v.shrink_to_fit();
          break;
        case 8:
          if (!model.empty()) v.pop_back(), model.pop_back();
          break;
        case 9:
          if (at < model.size()) {
            auto next = v.erase(v.begin() + place);
            model.erase(model.begin() + place);
            REQUIRE(next == v.begin() + place);
          }
          break;
        case 10: {
          const std::size_t to = at + random() % (model.size() - at + 1);
          v.erase(v.begin() + place, v.begin() + static_cast<std::ptrdiff_t>(to));
          model.erase(model.begin() + place, model.begin() + static_cast<std::ptrdiff_t>(to));
          break;
        }
        default:
          if (random() % 20 == 0) v.clear(), model.clear();
      }
      REQUIRE(v.size() == model.size());
      REQUIRE(std::equal(v.begin(), v.end(), model.begin(), model.end(),
                         [](const T& a, int b) { return value_of(a) == b; }));
      if constexpr (std::is_same_v<T, item>) REQUIRE(item::alive == static_cast<int>(model.size()));
      REQUIRE(held == (v.is_inside() ? 0 : v.capacity() * sizeof(T)));
    }
  }
  CHECK(held == 0);
}
}  // namespace

TEST_CASE("small_vector: does what a std::vector does, inside and outside, and refuses where memory is refused") {
  small_twin<item, 4>(1);
  small_twin<item, 0>(2);
  small_twin<std::string, 8>(3);
  small_twin<std::string, 1>(4);
  CHECK(item::alive == 0);
}

TEST_CASE("small_vector: up to N elements no memory is asked for") {
  std::size_t held = 0;
  bool refuses = true;
  small_vector<int, 16, with_counting> v(counting{&held, &refuses});
  for (int i = 0; i < 16; ++i) REQUIRE(v.push_back(i));
  CHECK(v.is_inside());
  CHECK(v.push_back(16).error() == frys::errc::out_of_memory);
  CHECK(v.resize(17).error() == frys::errc::out_of_memory);
  CHECK(v.append({1, 2, 3}).error() == frys::errc::out_of_memory);
  CHECK(v.size() == 16);
  CHECK(std::accumulate(v.begin(), v.end(), 0) == 120);
  refuses = false;
  REQUIRE(v.push_back(16));
  CHECK_FALSE(v.is_inside());
  v.pop_back();
  REQUIRE(v.shrink_to_fit());
  CHECK(v.is_inside());
  CHECK(held == 0);
  CHECK(std::accumulate(v.rbegin(), v.rend(), 0) == 120);
  static_assert(sizeof(small_vector<std::uint64_t, 4>) <= 16 + 8 + 32);
  static_assert(std::is_nothrow_move_constructible_v<small_vector<int, 4>>);
  static_assert(!std::is_copy_constructible_v<small_vector<int, 4>>);
}

TEST_CASE("small_vector: what is put in may be an element of the same vector") {
  small_vector<std::string, 2> v;
  REQUIRE(v.push_back("an element that is too long to lie inside its string"));
  for (int i = 0; i < 20; ++i) REQUIRE(v.push_back(v[0]));
  for (int i = 0; i < 20; ++i) REQUIRE(v.insert(v.begin() + 3, v.back()));
  REQUIRE(v.append(std::span<const std::string>(v.data() + 1, 30)));
  CHECK(v.size() == 71);
  CHECK(std::all_of(v.begin(), v.end(), [&](const std::string& s) { return s == v.front() && s.size() == 52; }));
  auto copy = v.copy();
  REQUIRE(copy);
  CHECK(*copy == v);
  v.pop_back();
  CHECK(*copy > v);
  using std::swap;
  swap(*copy, v);
  CHECK(v.size() == 71);
  CHECK(v.resize(1));
  CHECK(v.size() == 1);
  CHECK(v.resize(3));
  CHECK(v.back().empty());
}

TEST_CASE("small_vector, stable_vector: memory of an arena, by reference") {
  frys::arena<> scratch;
  using in_arena = policy::allocator<frys::allocator_ref<frys::arena<>>>;
  small_vector<int, 2, in_arena> a(scratch);
  stable_vector<int, in_arena> b(scratch);
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(a.push_back(i));
    REQUIRE(b.push_back(i));
  }
  CHECK(scratch.owns(a.data()));
  CHECK(scratch.owns(&b[999]));
  CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
}

TEST_CASE("stable_vector: elements stay where they are while it grows, shrinks and moves") {
  std::size_t held = 0;
  bool refuses = false;
  {
    using vector = stable_vector<item, with_counting>;
    vector v(counting{&held, &refuses});
    std::vector<const item*> places;
    int refused = 0;
    std::mt19937 random(7);
    for (int step = 0; step < 40'000; ++step) {
      refuses = random() % 4 != 0;
      if (random() % 16 < 13) {
        auto r = v.emplace_back(static_cast<int>(places.size()));
        if (!r) {
          REQUIRE(r.error() == frys::errc::out_of_memory);
          ++refused;
          continue;
        }
        places.push_back(*r);
      } else if (!places.empty()) {
        v.pop_back();
        places.pop_back();
      }
      REQUIRE(v.size() == places.size());
      REQUIRE(item::alive == static_cast<int>(v.size()));
      if (step % 4000 == 0) {
        vector other(std::move(v));
        CHECK(v.empty());  // NOLINT: a moved-from vector is empty
        v = std::move(other);
      }
    }
    CHECK(refused > 3);
    std::size_t i = 0;
    bool same = true;
    for (const item& each : std::as_const(v))
      same = same && &each == places[i] && &each == &v[i] && *each.value == static_cast<int>(i), ++i;
    CHECK(same);
    CHECK(i == v.size());
    i = 0;
    v.for_each([&](item& each) { same = same && &each == places[i++]; });
    CHECK(same);
    CHECK(i == v.size());
    const std::size_t full = held;
    v.truncate(100);
    CHECK(item::alive == 100);
    CHECK(held == full);
    v.shrink_to_fit();
    CHECK(held < full / 8);
    refuses = false;
    REQUIRE(v.reserve(5000));
    refuses = true;
    while (v.size() < 5000) REQUIRE(v.emplace_back(1));
    CHECK(&v[99] == places[99]);
    v.clear();
    CHECK(item::alive == 0);
    REQUIRE(v.emplace_back(3));
    CHECK(&v.front() == places[0]);
  }
  CHECK(held == 0);
  CHECK(item::alive == 0);
}

TEST_CASE("stable_vector: its iterators go anywhere, and algorithms take them") {
  stable_vector<int> v;
  CHECK(v.begin() == v.end());
  for (int i = 0; i < 10'000; ++i) REQUIRE(v.push_back((i * 7919) % 10'000));
  static_assert(std::random_access_iterator<stable_vector<int>::iterator>);
  static_assert(std::random_access_iterator<stable_vector<int>::const_iterator>);
  std::sort(v.begin(), v.end());
  bool same = true;
  for (int i = 0; i < 10'000; ++i)
    same = same && v[static_cast<std::size_t>(i)] == i && v.begin()[i] == i && *(v.end() - (10'000 - i)) == i;
  CHECK(same);
  CHECK(std::lower_bound(v.begin(), v.end(), 777) - v.begin() == 777);
  stable_vector<int>::const_iterator i = v.begin();
  i += 130;
  CHECK(*i-- == 130);
  CHECK(*--i == 128);
  CHECK(v.end() - i == 10'000 - 128);
  struct wide {
    char bytes[3000];
  };
  stable_vector<wide> one_at_first;
  for (int n = 0; n < 20; ++n) REQUIRE(one_at_first.push_back(wide{}));
  CHECK(one_at_first.capacity() == 31);
}

#if FRYS_EXCEPTIONS
TEST_CASE("small_vector, stable_vector: a constructor that throws changes nothing") {
  struct picky {
    int value;
    explicit picky(int i) : value(i) {
      if (i < 0) throw std::runtime_error("negative");
    }
  };
  small_vector<picky, 2> a;
  stable_vector<picky> b;
  for (int i = 0; i < 300; ++i) {
    CHECK_THROWS_AS((void)a.emplace_back(-1), std::runtime_error);
    CHECK_THROWS_AS((void)a.emplace(a.begin(), -1), std::runtime_error);
    CHECK_THROWS_AS((void)b.emplace_back(-1), std::runtime_error);
    REQUIRE(a.emplace_back(i));
    REQUIRE(b.emplace_back(i));
  }
  for (std::size_t i = 0; i < 300; ++i) REQUIRE((a[i].value == static_cast<int>(i) && b[i].value == a[i].value));
}
#endif
