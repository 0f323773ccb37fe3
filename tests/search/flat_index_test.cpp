#include <doctest/doctest.h>
#include <frys/search/flat_index.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

struct random_floats {
  std::uint32_t state = 7;
  float operator()() {
    state = state * 1664525u + 1013904223u;
    return static_cast<float>(static_cast<int>(state >> 16) % 2001 - 1000) / 1000.0f;
  }
  std::vector<float> vector(std::size_t dimension) {
    std::vector<float> out(dimension);
    for (float& f : out) f = (*this)();
    return out;
  }
};

// A user's own memory: counts, and refuses beyond a bound.
struct counting_pages {
  static inline std::size_t held = 0, calls = 0, bound = 0;
  static frys::result<frys::byte_span> allocate(std::size_t size) {
    if (held + size > bound) return frys::error{frys::errc::out_of_memory, frys::domain::user, "the test refuses", 0};
    // Page-aligned inside a larger block, whose start stands before it.
    const std::size_t whole = size + 8192;
    auto* raw = static_cast<std::byte*>(std::calloc(1, whole));
    const auto address = reinterpret_cast<std::uintptr_t>(raw) + sizeof(void*);
    std::byte* data = raw + ((address + 4095) / 4096 * 4096 - reinterpret_cast<std::uintptr_t>(raw));
    reinterpret_cast<void**>(data)[-1] = raw;
    held += size;
    ++calls;
    return frys::byte_span(data, size);
  }
  static void release(frys::byte_span memory) noexcept {
    held -= memory.size();
    std::free(reinterpret_cast<void**>(memory.data())[-1]);
  }
};

// A user's own metric: the largest difference of a single element.
struct chebyshev {
  static constexpr bool larger_is_nearer = false;
  static constexpr bool unit_length = false;
  static void scores(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,
                     float* out) noexcept {
    for (std::size_t row = 0; row < count; ++row) {
      float most = 0;
      for (std::size_t i = 0; i < n; ++i) most = (std::max)(most, std::fabs(query[i] - rows[row * stride + i]));
      out[row] = most;
    }
  }
};

template <class Metric>
double exact_score(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0, l2 = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    ab += x * y, aa += x * x, bb += y * y, l2 += (x - y) * (x - y);
  }
  if constexpr (std::is_same_v<Metric, frys::metrics::cosine>) return ab / std::sqrt(aa * bb);
  if constexpr (std::is_same_v<Metric, frys::metrics::l2>) return l2;
  return ab;
}

// Compares with a sort of everything. Neighbours may swap where their scores are equal up to rounding.
template <class Metric>
bool agrees(const frys::flat_index<Metric>& index, const std::map<std::uint64_t, std::vector<float>>& model,
            const std::vector<float>& query, std::size_t k) {
  std::vector<double> all;
  for (const auto& [id, vector] : model) all.push_back(exact_score<Metric>(query, vector));
  std::sort(all.begin(), all.end());
  if (Metric::larger_is_nearer) std::reverse(all.begin(), all.end());
  std::vector<frys::neighbour> out(k);
  const auto found = index.top_k(query, k, out);
  if (!found || *found != (std::min)(k, model.size())) return false;
  for (std::size_t i = 0; i < *found; ++i) {
    const auto at = model.find(out[i].id);
    if (at == model.end()) return false;
    if (std::fabs(exact_score<Metric>(query, at->second) - static_cast<double>(out[i].score)) > 1e-3) return false;
    if (std::fabs(all[i] - static_cast<double>(out[i].score)) > 1e-3) return false;
    for (std::size_t j = 0; j < i; ++j)
      if (out[j].id == out[i].id) return false;
  }
  return true;
}

template <class Metric>
void history(std::size_t dimension) {
  frys::flat_index<Metric> index(dimension);
  std::map<std::uint64_t, std::vector<float>> model;
  random_floats random;
  for (int step = 0; step < 1500; ++step) {
    random();
    const std::uint64_t id = (random.state >> 12) % 700;
    const unsigned what = (random.state >> 8) % 8;
    if (what < 5) {
      const auto vector = random.vector(dimension);
      const auto fresh = index.put(id, vector);
      REQUIRE(fresh);
      REQUIRE(*fresh == !model.contains(id));
      model[id] = vector;
    } else if (what < 7) {
      REQUIRE(index.remove(id) == (model.erase(id) == 1));
    } else if (!model.empty()) {
      REQUIRE(index.size() == model.size());
      REQUIRE(agrees<Metric>(index, model, random.vector(dimension), 1 + id % 20));
    }
  }
  for (std::uint64_t id = 0; id < 700; ++id) REQUIRE(index.contains(id) == model.contains(id));
  CHECK(agrees<Metric>(index, model, random.vector(dimension), 1000));
}

}  // namespace

TEST_CASE("flat_index: the nearest come first, with their scores") {
  frys::flat_index<frys::metrics::l2> index(2);
  REQUIRE(index.add(10, std::array{0.0f, 0.0f}));
  REQUIRE(index.add(20, std::array{3.0f, 4.0f}));
  REQUIRE(index.add(30, std::array{1.0f, 0.0f}));
  std::array<frys::neighbour, 2> out;
  const auto found = index.top_k(std::array{0.0f, 0.0f}, 2, out);
  REQUIRE(found);
  CHECK(*found == 2);
  CHECK(out[0] == frys::neighbour{10, 0.0f});
  CHECK(out[1] == frys::neighbour{30, 1.0f});
}

TEST_CASE("flat_index: cosine stores directions and takes queries of any length") {
  frys::flat_index<frys::metrics::cosine> index(3);
  REQUIRE(index.add(1, std::array{2.0f, 0.0f, 0.0f}));
  REQUIRE(index.add(2, std::array{0.0f, 0.5f, 0.0f}));
  REQUIRE(index.add(3, std::array{-1.0f, 0.0f, 0.0f}));
  CHECK(index.vector(1)[0] == 1.0f);
  std::array<frys::neighbour, 3> out;
  REQUIRE(index.top_k(std::array{100.0f, 1.0f, 0.0f}, 3, out));
  CHECK(out[0].id == 1);
  CHECK(out[0].score == doctest::Approx(0.99995).epsilon(1e-4));
  CHECK(out[1].id == 2);
  CHECK(out[2].id == 3);
  CHECK(out[2].score == doctest::Approx(-0.99995).epsilon(1e-4));
}

TEST_CASE("flat_index: agrees with a full sort through a long history of changes") {
  for (const std::size_t dimension : {3u, 7u, 16u, 33u, 100u}) {
    history<frys::metrics::cosine>(dimension);
    history<frys::metrics::l2>(dimension);
    history<frys::metrics::dot>(dimension);
  }
}

TEST_CASE("flat_index: equal scores are ordered by id, wherever the rows stand") {
  random_floats random;
  const auto same = random.vector(37);
  frys::flat_index<frys::metrics::cosine> index(37);
  for (std::uint64_t id = 900; id-- > 0;) {
    if (id % 3 == 0)
      REQUIRE(index.add(id, same));
    else
      REQUIRE(index.add(id, random.vector(37)));
  }
  std::vector<frys::neighbour> out(300);
  REQUIRE(index.top_k(same, 300, out));
  for (std::size_t i = 0; i < 300; ++i) REQUIRE(out[i].id == 3 * i);
  REQUIRE(index.top_k(same, 5, out));  // the bound of the heap must not prefer the first seen
  for (std::size_t i = 0; i < 5; ++i) CHECK(out[i].id == 3 * i);
}

TEST_CASE("flat_index: wrong vectors are refused and change nothing") {
  frys::flat_index<frys::metrics::cosine> index(3);
  REQUIRE(index.add(1, std::array{1.0f, 2.0f, 3.0f}));
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  std::array<frys::neighbour, 4> out;
  const auto refused = [&](std::span<const float> vector, std::int64_t number) {
    const auto added = index.add(2, vector), updated = index.update(1, vector);
    const auto put = index.put(2, vector);
    const auto asked = index.top_k(vector, 1, out);
    return !added && !updated && !put && !asked && added.error() == frys::errc::invalid_argument &&
           updated.error() == frys::errc::invalid_argument && asked.error() == frys::errc::invalid_argument &&
           added.error().number == number && added.error().where == frys::domain::search;
  };
  CHECK(refused(std::array{1.0f, 2.0f}, 2));
  CHECK(refused(std::array{1.0f, 2.0f, 3.0f, 4.0f}, 4));
  CHECK(refused({}, 0));
  CHECK(refused(std::array{1.0f, nan, 3.0f}, 1));
  CHECK(refused(std::array{1.0f, 2.0f, -inf}, 2));
  CHECK(refused(std::array{0.0f, 0.0f, 0.0f}, 0));
  CHECK(index.size() == 1);
  CHECK(index.vector(1)[2] == doctest::Approx(3 / std::sqrt(14.0)));
  CHECK(index.add(1, std::array{1.0f, 0.0f, 0.0f}).error() == frys::errc::already_exists);
  CHECK(index.update(5, std::array{1.0f, 0.0f, 0.0f}).error() == frys::errc::not_found);
  CHECK(index.update(5, std::array{1.0f, 0.0f, 0.0f}).error().number == 5);
  CHECK(index.top_k(std::array{1.0f, 0.0f, 0.0f}, 5, out).error() == frys::errc::invalid_argument);
  CHECK_FALSE(index.remove(5));
  // A zero vector has a distance, only no direction.
  frys::flat_index<frys::metrics::l2> points(2);
  CHECK(points.add(1, std::array{0.0f, 0.0f}));
}

TEST_CASE("flat_index: an index without vectors answers nothing") {
  frys::flat_index<frys::metrics::dot> index(2);
  std::array<frys::neighbour, 3> out;
  const auto none = index.top_k(std::array{1.0f, 1.0f}, 3, out);
  REQUIRE(none);
  CHECK(*none == 0);
  CHECK(index.bytes() == 0);
  CHECK_FALSE(index.contains(0));
  CHECK_FALSE(index.remove(0));
  CHECK(index.vector(0).empty());
  REQUIRE(index.add(0, std::array{1.0f, 1.0f}));
  CHECK(*index.top_k(std::array{1.0f, 1.0f}, 0, out) == 0);
  CHECK(*index.top_k(std::array{1.0f, 1.0f}, 3, out) == 1);
  index.clear();
  CHECK(index.empty());
  CHECK_FALSE(index.contains(0));
  CHECK(index.add(0, std::array{1.0f, 1.0f}));
}

TEST_CASE("flat_index: create checks the dimension") {
  CHECK(frys::flat_index<frys::metrics::l2>::create(0).error() == frys::errc::invalid_argument);
  CHECK(frys::flat_index<frys::metrics::l2>::create(65537).error().number == 65537);
  auto index = frys::flat_index<frys::metrics::l2>::create(65536);
  REQUIRE(index);
  CHECK(index->dimension() == 65536);
}

TEST_CASE("flat_index: huge elements neither crash nor disturb the order of the others") {
  const float huge = std::numeric_limits<float>::max();
  frys::flat_index<frys::metrics::dot> index(2);
  REQUIRE(index.add(1, std::array{huge, -huge}));  // infinity minus infinity against the query below
  REQUIRE(index.add(2, std::array{1.0f, 0.0f}));
  REQUIRE(index.add(3, std::array{0.0f, 1.0f}));
  std::array<frys::neighbour, 3> out;
  REQUIRE(*index.top_k(std::array{huge, huge}, 3, out) == 3);
  for (const auto& each : out) CHECK_FALSE(std::isnan(each.score));
}

TEST_CASE("flat_index: after reserve nothing is allocated, and all memory comes from the policy") {
  counting_pages::bound = std::size_t{1} << 30;
  counting_pages::calls = 0;
  {
    frys::flat_index<frys::metrics::l2, frys::policy::pages<counting_pages>> index(20);
    random_floats random;
    REQUIRE(index.reserve(500));
    CHECK(index.bytes() == counting_pages::held);
    for (std::uint64_t id = 0; id < 500; ++id) REQUIRE(index.add(id, random.vector(20)));
    std::array<frys::neighbour, 10> out;
    REQUIRE(index.top_k(random.vector(20), 10, out));
    CHECK(counting_pages::calls == 1);
    REQUIRE(index.add(500, random.vector(20)));
    CHECK(counting_pages::calls == 2);
    auto moved = std::move(index);
    CHECK(moved.size() == 501);
    index = std::move(moved);
    CHECK(index.contains(500));
    frys::flat_index<frys::metrics::l2, frys::policy::pages<counting_pages>> other(3);
    REQUIRE(other.add(1, std::array{1.0f, 2.0f, 3.0f}));
    index = std::move(other);
    CHECK(index.dimension() == 3);
  }
  CHECK(counting_pages::held == 0);
}

TEST_CASE("flat_index: refused memory is an error, and what was there stays") {
  counting_pages::bound = 20000;
  {
    frys::flat_index<frys::metrics::l2, frys::policy::pages<counting_pages>> index(16);
    random_floats random;
    std::uint64_t id = 0;
    frys::result<void> added;
    while ((added = index.add(id, random.vector(16)))) ++id;
    CHECK(added.error() == frys::errc::out_of_memory);
    CHECK(index.size() == id);
    CHECK(id >= 64);
    CHECK_FALSE(index.contains(id));
    for (std::uint64_t old = 0; old < id; ++old) CHECK(index.contains(old));
  }
  CHECK(counting_pages::held == 0);
}

TEST_CASE("flat_index: policy::limit bounds the bytes and lets the index fill up to it") {
  frys::flat_index<frys::metrics::l2, frys::policy::limit<100'000>, frys::policy::pages<frys::heap_pages>> index(16);
  random_floats random;
  std::uint64_t id = 0;
  frys::result<void> added;
  while ((added = index.add(id, random.vector(16)))) ++id;
  CHECK(added.error() == frys::errc::limit_exceeded);
  CHECK(added.error().number == 100'000);
  CHECK(index.bytes() <= 102'400);  // heap_pages rounds up to pages
  CHECK(id >= 1000);                // 16 floats, an id and up to 16 bytes of hash table each
  CHECK(index.reserve(100'000).error() == frys::errc::limit_exceeded);
  CHECK(index.remove(3));
  CHECK(index.add(id, random.vector(16)));
}

TEST_CASE("flat_index: a user's own metric ranks") {
  frys::flat_index<chebyshev> index(2);
  REQUIRE(index.add(1, std::array{3.0f, 3.0f}));
  REQUIRE(index.add(2, std::array{0.0f, 4.0f}));
  std::array<frys::neighbour, 2> out;
  REQUIRE(index.top_k(std::array{0.0f, 0.0f}, 2, out));
  CHECK(out[0] == frys::neighbour{1, 3.0f});
  CHECK(out[1] == frys::neighbour{2, 4.0f});
}
