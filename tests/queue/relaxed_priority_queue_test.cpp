#include <frys/queue/relaxed_priority_queue.hpp>

#include <doctest/doctest.h>
#include <frys/queue/blocking.hpp>
#include <frys/queue/concepts.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using frys::push_result;
using frys::relaxed_priority_queue;
namespace policy = frys::policy;
namespace order = frys::order;

namespace {

struct dice_of {
  std::uint64_t state;
  std::uint64_t operator()() { return state = state * 6364136223846793005u + 1442695040888963407u, state >> 20; }
};

// Counts the values before an index: which of the numbers 0 .. n - 1 are still there.
class still_there {
 public:
  explicit still_there(std::size_t n) : tree_(n + 1) {
    for (std::size_t i = 0; i < n; ++i) add(i, 1);
  }
  void take(std::size_t i) { add(i, -1); }
  [[nodiscard]] std::size_t before(std::size_t i) const {
    long sum = 0;
    for (; i > 0; i &= i - 1) sum += tree_[i];
    return static_cast<std::size_t>(sum);
  }

 private:
  void add(std::size_t i, long by) {
    for (++i; i < tree_.size(); i += i & (0 - i)) tree_[i] += by;
  }
  std::vector<long> tree_;
};

// So many handles, in turn, pop what is in the queue, the numbers 0 .. n - 1: mean and greatest rank error. By one
// thread: one that the system stops inside a heap keeps that heap's values back, and then it is the system that counts.
template <class Queue>
std::pair<double, std::size_t> rank_error(std::size_t n, std::size_t handles) {
  auto queue = std::make_unique<Queue>();
  std::vector<std::uint32_t> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<std::uint32_t>(i);
  dice_of dice{7};
  for (std::size_t i = n; i > 1; --i) std::swap(values[i - 1], values[static_cast<std::size_t>(dice() % i)]);
  std::vector<typename Queue::handle_type> all;
  for (std::size_t i = 0; i < handles; ++i) all.push_back(queue->handle());
  for (std::size_t i = 0; i < n; ++i) REQUIRE(all[i % handles].try_push(values[i]));
  still_there rest(n);
  std::size_t sum = 0, most = 0;
  for (std::size_t i = 0; i < n; ++i) {
    auto v = all[i % handles].try_pop();
    REQUIRE(v);
    const std::size_t error = rest.before(*v);
    sum += error;
    most = (std::max)(most, error);
    rest.take(*v);
  }
  REQUIRE(all[0].try_pop().is_empty());
  return {static_cast<double>(sum) / static_cast<double>(n), most};
}

// Refuses after `left` allocations.
struct few_pages {
  static inline int left = 0;
  static inline int alive = 0;
  static frys::result<frys::byte_span> allocate(std::size_t size) noexcept {
    if (left == 0) return frys::error{frys::errc::out_of_memory, frys::domain::memory, "the test has no more pages", 0};
    --left;
    ++alive;
    return frys::heap_pages::allocate(size);
  }
  static void release(frys::byte_span memory) noexcept {
    --alive;
    frys::heap_pages::release(memory);
  }
};

struct by_pointee {
  static std::uint64_t rank(const std::unique_ptr<int>& v) noexcept { return order::rank_of(*v); }
};

struct job {
  int level = 0;
  std::string name;
};

}  // namespace

TEST_CASE("relaxed_priority_queue: with one or two heaps and one thread the order is exact") {
  const auto check = [](auto& queue) {
    auto handle = queue.handle();
    CHECK(handle.try_pop().is_empty());
    std::multiset<std::uint32_t> twin;
    dice_of dice{1};
    for (int i = 0; i < 50'000; ++i) {
      if (twin.size() < 500 && dice() % 2 == 0) {
        const auto v = static_cast<std::uint32_t>(dice() % 1000);
        REQUIRE(handle.try_push(v));
        twin.insert(v);
      } else if (twin.empty()) {
        REQUIRE(handle.try_pop().is_empty());
      } else {
        REQUIRE(*handle.try_pop() == *twin.begin());
        twin.erase(twin.begin());
      }
      REQUIRE(queue.size_hint() == twin.size());
    }
    while (!twin.empty()) {
      REQUIRE(*handle.try_pop() == *twin.begin());
      twin.erase(twin.begin());
    }
    CHECK(handle.try_pop().is_empty());
  };
  relaxed_priority_queue<std::uint32_t, policy::heaps<1>> one;
  check(one);
  relaxed_priority_queue<std::uint32_t, policy::heaps<2>> two;
  check(two);
  relaxed_priority_queue<std::uint32_t, policy::heaps<2>, policy::capacity<512>> fixed;
  check(fixed);
  relaxed_priority_queue<std::uint32_t, policy::heaps<1>, policy::chunk_size<1>> small;
  check(small);
}

TEST_CASE("relaxed_priority_queue: the mean rank error stays below heaps * stickiness") {
  const auto check = [](auto tag, std::size_t bound) {
    using queue = typename decltype(tag)::type;
    for (const std::size_t handles : {1u, 2u, 4u, 8u}) {
      const auto measured = rank_error<queue>(20'000, handles);
      const double mean = measured.first;
      const std::size_t most = measured.second;
      INFO("handles ", handles, ", mean ", mean, ", greatest ", most);
      CHECK(mean < static_cast<double>(bound));
      CHECK(most < 12 * bound);  // of these dice
    }
  };
  using u32 = std::uint32_t;
  check(std::type_identity<relaxed_priority_queue<u32>>{}, 8 * 16);
  check(std::type_identity<relaxed_priority_queue<u32, policy::stickiness<1>>>{}, 8);
  check(std::type_identity<relaxed_priority_queue<u32, policy::heaps<16>, policy::stickiness<4>>>{}, 64);
  check(std::type_identity<relaxed_priority_queue<u32, policy::heaps<4>, policy::stickiness<64>>>{}, 256);
  const auto [mean, most] = rank_error<relaxed_priority_queue<u32, policy::heaps<2>>>(5000, 1);
  CHECK(mean == 0);
  CHECK(most == 0);
}

TEST_CASE("relaxed_priority_queue: orders: least, greatest, by a member, by one's own rank") {
  const auto sorted = [](auto& queue, auto values, auto expected) {
    auto handle = queue.handle();
    for (auto v : values) REQUIRE(handle.try_push(v));
    for (auto v : expected) REQUIRE(*handle.try_pop() == v);
    CHECK(handle.try_pop().is_empty());
  };
  constexpr int low = std::numeric_limits<int>::min(), high = std::numeric_limits<int>::max();
  relaxed_priority_queue<int, policy::heaps<2>> least;
  sorted(least, std::array{3, -1, high, 0, low, -7}, std::array{low, -7, -1, 0, 3, high});
  relaxed_priority_queue<int, policy::heaps<2>, policy::order<order::greatest_first>> greatest;
  sorted(greatest, std::array{3, -1, high, 0, low, -7}, std::array{high, 3, 0, -1, -7, low});
  constexpr double inf = std::numeric_limits<double>::infinity();
  relaxed_priority_queue<double, policy::heaps<1>> real;
  sorted(real, std::array{0.5, -inf, -0.25, inf, -8.0, 1e300}, std::array{-inf, -8.0, -0.25, 0.5, 1e300, inf});
  // The ends of the ranks, where the words of empty heaps stand.
  constexpr std::uint64_t top = ~std::uint64_t{0};
  relaxed_priority_queue<std::uint64_t, policy::heaps<1>> words;
  sorted(words, std::array{top, std::uint64_t{0}, top - 1, top - 2, top - 3, top},
         std::array{std::uint64_t{0}, top - 3, top - 2, top - 1, top, top});
  relaxed_priority_queue<std::uint64_t> spread;
  auto handle = spread.handle();
  for (int i = 0; i < 100; ++i) REQUIRE(handle.try_push(top));
  for (int i = 0; i < 100; ++i) REQUIRE(*handle.try_pop() == top);
  CHECK(handle.try_pop().is_empty());

  relaxed_priority_queue<job, policy::heaps<2>, policy::order<order::by<&job::level>>> jobs;
  auto work = jobs.handle();
  REQUIRE(work.try_push(job{2, "second"}));
  REQUIRE(work.try_push(job{-1, "first"}));
  REQUIRE(work.try_emplace(job{3, "third"}));
  for (const char* name : {"first", "second", "third"}) CHECK(work.try_pop()->name == name);
  relaxed_priority_queue<job, policy::heaps<2>, policy::order<order::by_greatest<&job::level>>> reversed;
  auto back = reversed.handle();
  REQUIRE(back.try_push(job{2, "second"}));
  REQUIRE(back.try_push(job{7, "first"}));
  CHECK(back.try_pop()->name == "first");
  struct by_length {
    static std::uint64_t rank(const std::string& s) noexcept { return s.size() << 1; }
  };
  relaxed_priority_queue<std::string, policy::heaps<2>, policy::order<by_length>> texts;
  auto text = texts.handle();
  REQUIRE(text.try_push("a long one that lies on the heap"));
  REQUIRE(text.try_push(""));
  REQUIRE(text.try_push("mid"));
  CHECK(*text.try_pop() == "");
  CHECK(*text.try_pop() == "mid");
}

TEST_CASE("relaxed_priority_queue: full when every heap is, and then the value is untouched") {
  struct by_pointee {
    static std::uint64_t rank(const std::unique_ptr<int>& p) noexcept { return order::rank_of(*p); }
  };
  relaxed_priority_queue<std::unique_ptr<int>, policy::heaps<4>, policy::capacity<3>, policy::order<by_pointee>> queue;
  auto handle = queue.handle();
  for (int lap = 0; lap < 20; ++lap) {
    for (int i = 0; i < 12; ++i) REQUIRE(handle.try_push(std::make_unique<int>(i)));
    auto more = std::make_unique<int>(12);
    CHECK(handle.try_push(std::move(more)) == push_result::full);
    REQUIRE(more != nullptr);  // NOLINT: the refused value was not moved from
    CHECK(handle.stats().scans != 0);
    std::array<int, 12> seen{};
    for (int i = 0; i < 12; ++i) ++seen[static_cast<std::size_t>(**handle.try_pop())];
    for (const int n : seen) CHECK(n == 1);
    CHECK(handle.try_pop().is_empty());
  }
}

TEST_CASE("relaxed_priority_queue: a memory source that refuses makes pushes answer full; all of it goes back") {
  {
    relaxed_priority_queue<int, policy::heaps<2>, policy::pages<few_pages>, policy::chunk_size<4096>> queue;
    auto handle = queue.handle();
    few_pages::left = 0;
    CHECK(handle.try_push(1) == push_result::full);
    few_pages::left = 2;
    int pushed = 0;
    while (handle.try_push(pushed)) ++pushed;
    CHECK(pushed > 1900);  // two pages of ints
    few_pages::left = 2;
    for (int i = 0; i < pushed / 2; ++i) REQUIRE(handle.try_push(pushed + i));  // each heap moves once
    for (int i = 0; i < pushed + pushed / 2; ++i) REQUIRE(*handle.try_pop() == i);
  }
  CHECK(few_pages::alive == 0);
}

TEST_CASE("relaxed_priority_queue: close: pushes are refused, what is in it comes out, then closed") {
  relaxed_priority_queue<int> queue;
  auto handle = queue.handle();
  for (int i = 0; i < 100; ++i) REQUIRE(handle.try_push(i));
  queue.close();
  queue.close();
  CHECK(handle.try_push(7) == push_result::closed);
  for (int i = 0; i < 100; ++i) REQUIRE(handle.try_pop());
  CHECK(handle.try_pop().is_closed());
  CHECK(queue.handle().try_pop().is_closed());
  CHECK(handle.try_push(7) == push_result::closed);
}

TEST_CASE("relaxed_priority_queue: values left in it die with it") {
  auto value = std::make_shared<int>(1);
  struct by_count {
    static std::uint64_t rank(const std::shared_ptr<int>& p) noexcept { return p.use_count() > 0 ? 2u : 0u; }
  };
  {
    relaxed_priority_queue<std::shared_ptr<int>, policy::order<by_count>> queue;
    auto handle = queue.handle();
    for (int i = 0; i < 3000; ++i) REQUIRE(handle.try_push(value));
    for (int i = 0; i < 1000; ++i) REQUIRE(handle.try_pop());
    CHECK(value.use_count() == 2001);
  }
  CHECK(value.use_count() == 1);
}

TEST_CASE("relaxed_priority_queue: handles count what they met") {
  relaxed_priority_queue<int> queue;
  auto handle = queue.handle();
  for (int i = 0; i < 40; ++i) REQUIRE(handle.try_push(i));
  for (int i = 0; i < 30; ++i) REQUIRE(handle.try_pop());
  const auto& s = handle.stats();
  CHECK(s.pushes == 40);
  CHECK(s.pops == 30);
  CHECK(s.taken_locks == 0);
  auto moved = std::move(handle);
  CHECK(moved.try_pop());
}

TEST_CASE("relaxed_priority_queue: handles sample how far out of order they are") {
  relaxed_priority_queue<std::uint32_t, policy::stickiness<1>> queue;
  auto handle = queue.handle();
  for (std::uint32_t i = 0; i < 10'000; ++i) REQUIRE(handle.try_push(i));
  for (int i = 0; i < 9'000; ++i) REQUIRE(handle.try_pop());
  const auto& s = handle.stats();
  CHECK(s.samples >= 9'000 / 64);
  CHECK(s.more_urgent >= s.samples / 4);  // of 8 heaps the better one of two leaves 2 before it, on average
  CHECK(s.more_urgent <= 6 * s.samples);
  relaxed_priority_queue<std::uint32_t, policy::heaps<2>, policy::stickiness<1>> exact;
  auto two = exact.handle();
  for (std::uint32_t i = 0; i < 1'000; ++i) REQUIRE(two.try_push(i));
  while (two.try_pop()) {
  }
  CHECK(two.stats().samples >= 1'000 / 64);
  CHECK(two.stats().more_urgent == 0);
}

TEST_CASE("relaxed_priority_queue: without a handle, as blocking and others take a queue") {
  static_assert(frys::closable_queue<relaxed_priority_queue<int>>);
  relaxed_priority_queue<std::unique_ptr<int>, policy::order<by_pointee>, policy::heaps<1>> exact;
  CHECK(exact.try_pop().is_empty());
  for (int v : {3, 1, 2}) REQUIRE(exact.try_push(std::make_unique<int>(v)));
  REQUIRE(exact.try_emplace(new int(0)));
  for (int v = 0; v < 4; ++v) CHECK(**exact.try_pop() == v);
  exact.close();
  auto late = std::make_unique<int>(3);
  CHECK(exact.try_push(std::move(late)).is_closed());
  REQUIRE(late != nullptr);  // NOLINT: the refused value was not moved from
  CHECK(exact.try_pop().is_closed());

  // With several heaps every one is found.
  relaxed_priority_queue<std::uint32_t, policy::capacity<64>> queue;
  std::uint32_t pushed = 0;
  while (queue.try_push(pushed)) ++pushed;
  CHECK(pushed == 8 * 64);
  std::set<std::uint32_t> seen;
  while (auto v = queue.try_pop()) CHECK(seen.insert(*v).second);
  CHECK(seen.size() == pushed);

  frys::blocking<relaxed_priority_queue<std::uint32_t, policy::capacity<4>>> waits;
  std::atomic<std::uint64_t> sum{0}, count{0};
  std::vector<std::thread> all;
  for (int c = 0; c < 2; ++c)
    all.emplace_back([&] {
      while (auto v = waits.pop()) sum += *v, ++count;
    });
  for (std::uint32_t i = 1; i <= 3'000; ++i) REQUIRE(waits.push(std::uint32_t{i}));
  waits.close();
  for (auto& t : all) t.join();
  CHECK(count == 3'000);
  CHECK(sum == std::uint64_t{3'000} * 3'001 / 2);
}

TEST_CASE("relaxed_priority_queue: threads that push and pop lose nothing, and all are told closed") {
  const auto check = [](auto& queue, unsigned threads, std::uint64_t each) {
    std::atomic<std::uint64_t> in{0}, out{0}, count{0};
    std::atomic<unsigned> pushing{threads};
    std::vector<std::thread> all;
    for (unsigned t = 0; t < threads; ++t)
      all.emplace_back([&, t] {
        auto handle = queue.handle();
        dice_of dice{t};
        std::uint64_t pushed = 0, popped = 0, n = 0;
        for (std::uint64_t i = 0; i < each; ++i) {
          const std::uint64_t v = dice() >> 8;
          while (!handle.try_push(v)) std::this_thread::yield();
          pushed += v;
          if (i % 4 != 0) {
            if (auto got = handle.try_pop()) popped += *got, ++n;
          }
        }
        if (pushing.fetch_sub(1) == 1) queue.close();
        for (;;) {
          if (auto got = handle.try_pop())
            popped += *got, ++n;
          else if (got.is_closed())
            break;
          else
            std::this_thread::yield();
        }
        in += pushed, out += popped, count += n;
      });
    for (auto& t : all) t.join();
    CHECK(in.load() == out.load());
    CHECK(count.load() == threads * each);
  };
  relaxed_priority_queue<std::uint64_t> two;
  check(two, 2, 30'000);
  relaxed_priority_queue<std::uint64_t, policy::heaps<2>, policy::capacity<32768>> eight;
  check(eight, 8, 4'000);
}
