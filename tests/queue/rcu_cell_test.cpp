#include <frys/queue/rcu_cell.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <frys/memory/epoch_domain.hpp>
#include <frys/memory/hazard_domain.hpp>
#include <frys/memory/leak_domain.hpp>
#include <frys/memory/qsbr_domain.hpp>

using frys::rcu_cell;
namespace policy = frys::policy;

namespace {
// Counts those that live.
struct counted {
  static inline std::atomic<int> alive{0};
  explicit counted(int n) : a(n), b(n) { ++alive; }
  counted(const counted& other) : a(other.a), b(other.b) { ++alive; }
  ~counted() {
    a = b = -1;
    --alive;
  }
  int a, b;
};
template <class D>
using cell_of = rcu_cell<counted, policy::reclaimer<D>>;

template <class D>
void use() {
  {
    D domain;
    cell_of<D> cell(std::make_unique<counted>(1));
    auto seat = *domain.join();
    CHECK(cell.read(seat)->a == 1);
    CHECK((*cell.read(seat)).b == 1);
    {
      const auto before = cell.read(seat);
      auto next = std::make_unique<counted>(2);
      CHECK(cell.replace(seat, std::move(next)));
      CHECK(before->a == 1);  // a snapshot stays
      CHECK(cell.read(seat)->a == 2);
    }
    CHECK(cell.emplace(seat, 3));
    CHECK(cell.update(seat, [](counted& c) { c.a = c.b = c.a + 1; }));
    CHECK(cell.read(seat)->a == 4);
    CHECK(cell.replace(seat, nullptr));
    CHECK_FALSE(cell.read(seat));
    CHECK(cell.read(seat).get() == nullptr);
    const auto updated = cell.update(seat, [](counted&) {});
    CHECK(updated.error().code == frys::errc::not_found);
    CHECK(cell.emplace(seat, 5));
    seat.quiesce();
  }
}
}  // namespace

TEST_CASE("rcu_cell: reads, replaces and updates with every domain; each value is destroyed once") {
  use<frys::epoch_domain<>>();
  CHECK(counted::alive.load() == 0);
  use<frys::hazard_domain<>>();
  CHECK(counted::alive.load() == 0);
  use<frys::qsbr_domain<>>();
  CHECK(counted::alive.load() == 0);
}

TEST_CASE("rcu_cell: by default its domain is an epoch_domain; values of any kind") {
  frys::epoch_domain<> domain;
  rcu_cell<std::string> cell;
  CHECK(std::is_same_v<decltype(cell)::reclaimer_type, frys::epoch_domain<>>);
  auto seat = *domain.join();
  CHECK_FALSE(cell.read(seat));
  CHECK(cell.emplace(seat, "a string that does not fit inside"));
  CHECK(*cell.read(seat) == "a string that does not fit inside");
  CHECK(cell.update(seat, [](std::string& s) { s += "!"; }));
  CHECK(cell.read(seat)->back() == '!');
#if FRYS_EXCEPTIONS
  CHECK_THROWS_AS((void)cell.update(seat, [](std::string&) { throw std::runtime_error("no"); }), std::runtime_error);
#endif
  CHECK(cell.read(seat)->back() == '!');
}

TEST_CASE("rcu_cell: a reader that stays makes replace answer full, and the value is the caller's still") {
  using domain_type = frys::epoch_domain<policy::garbage<4>, policy::batch<1>>;
  {
    domain_type domain;
    cell_of<domain_type> cell(std::make_unique<counted>(0));
    auto reader = *domain.join();
    auto writer = *domain.join();
    {
      const auto stays = cell.read(reader);
      int replaced = 0;
      std::unique_ptr<counted> next;
      for (;;) {
        next = std::make_unique<counted>(replaced + 1);
        if (!cell.replace(writer, std::move(next))) break;
        ++replaced;
        REQUIRE(replaced < 100);
      }
      REQUIRE(next != nullptr);  // NOLINT: the refused value was not moved from
      CHECK(next->a == replaced + 1);
      CHECK(cell.emplace(writer, 7).error().code == frys::errc::full);
      CHECK(cell.update(writer, [](counted&) {}).error().code == frys::errc::full);
      CHECK(stays->a == 0);
      CHECK(cell.read(writer)->a == replaced);
    }
    CHECK(cell.emplace(writer, 8));
    CHECK(cell.read(reader)->a == 8);
  }
  CHECK(counted::alive.load() == 0);
}

namespace {
struct no_memory {
  explicit no_memory(int n) : value(n) {}
  int value;
  static inline bool refuse = false;
  static void* operator new(std::size_t bytes) { return ::operator new(bytes); }
  static void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return refuse ? nullptr : ::operator new(bytes, std::nothrow);
  }
  static void operator delete(void* p) { ::operator delete(p); }
};
}  // namespace

TEST_CASE("rcu_cell: out of memory is an error, and nothing has changed") {
  frys::epoch_domain<> domain;
  rcu_cell<no_memory> cell(std::make_unique<no_memory>(1));
  auto seat = *domain.join();
  no_memory::refuse = true;
  CHECK(cell.emplace(seat, 2).error().code == frys::errc::out_of_memory);
  CHECK(cell.update(seat, [](no_memory& v) { v.value = 3; }).error().code == frys::errc::out_of_memory);
  no_memory::refuse = false;
  CHECK(cell.read(seat)->value == 1);
}

namespace {
// Readers look while writers replace and update: whole values; nothing lost, nothing left.
template <class D>
void threads(int readers, int writers, int updates) {
  {
    D domain;
    cell_of<D> cell(std::make_unique<counted>(0));
    std::atomic<int> left{writers};
    std::atomic<bool> fine{true};
    std::vector<std::thread> list;
    for (int r = 0; r < readers; ++r)
      list.emplace_back([&] {
        auto seat = *domain.join();
        int last = 0;
        while (left.load() != 0) {
          {
            const auto now = cell.read(seat);
            if (!now || now->a != now->b || now->a < last) fine = false;
            last = now->a;
          }
          seat.quiesce();
        }
      });
    for (int w = 0; w < writers; ++w)
      list.emplace_back([&] {
        auto seat = *domain.join();
        for (int i = 0; i < updates;) {
          const auto done = cell.update(seat, [](counted& c) { c.a = c.b = c.a + 1; });
          if (done)
            ++i;
          else
            std::this_thread::yield();  // a reader is late
          seat.quiesce();
        }
        --left;
      });
    for (auto& t : list) t.join();
    CHECK(fine.load());
    auto seat = *domain.join();
    CHECK(cell.read(seat)->a == writers * updates);
  }
  CHECK(counted::alive.load() == 0);
}
}  // namespace

TEST_CASE("rcu_cell: a reader and a writer") {
  threads<frys::epoch_domain<>>(1, 1, 5'000);
  threads<frys::hazard_domain<>>(1, 1, 5'000);
  threads<frys::qsbr_domain<>>(1, 1, 5'000);
}
TEST_CASE("rcu_cell: eight threads on whatever cores there are") {
  threads<frys::epoch_domain<>>(5, 3, 1'000);
  threads<frys::hazard_domain<>>(5, 3, 1'000);
  threads<frys::qsbr_domain<>>(5, 3, 1'000);
}

TEST_CASE("rcu_cell: a world chooses the atomics of the default domain; a domain wins over it") {
  struct world {
    using atomics = frys::atomics::tsan;
  };
  CHECK(std::is_same_v<rcu_cell<int, policy::world<world>>::atomics_type, frys::atomics::tsan>);
  CHECK(std::is_same_v<rcu_cell<int, policy::world<world>, policy::reclaimer<frys::leak_domain<>>>::reclaimer_type,
                       frys::leak_domain<>>);
}
