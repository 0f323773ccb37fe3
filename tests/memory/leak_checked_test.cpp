#include <frys/memory/leak_checked.hpp>

#include <doctest/doctest.h>
#include <frys/memory/arena.hpp>
#include <frys/memory/block_pool.hpp>
#include <frys/memory/system_allocator.hpp>

#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "allocator_promises.hpp"
#include "counting_pages.hpp"

using frys::leak_checked;
using frys::system_allocator;
namespace policy = frys::policy;

namespace {

struct kept {
  inline static std::string text;
  static void write(std::string_view t) noexcept { text += t; }
};
using report_kept = policy::report_to<kept>;

}  // namespace

TEST_CASE("leak_checked: at its end it says how many blocks are lost, and where each was taken") {
  kept::text.clear();
  const int line = __LINE__;
  {
    leak_checked<frys::arena<>, report_kept> a;
    a.set_name("requests");
    for (int i = 0; i < 3; ++i) REQUIRE(a.allocate(10));
    REQUIRE(a.allocate(7, 8, "parser"));
    void* p = *a.allocate(1000);
    a.deallocate(p, 1000, 16);
    CHECK(a.live_count() == 4);
    CHECK(a.live_bytes() == 37);
  }
  CHECK(kept::text ==
        "frys: requests: 4 blocks of 37 bytes were not given back\n"
        "  3 of 30 bytes, taken at " __FILE__ ":" +
            std::to_string(line + 4) +
            "\n"
            "  1 of 7 bytes, taken at " __FILE__ ":" +
            std::to_string(line + 5) + ", tag parser\n");
}

TEST_CASE("leak_checked: is silent where all is back") {
  kept::text.clear();
  {
    leak_checked<system_allocator, report_kept> a;
    promises::keeps_what_is_written(a);
    std::string none;
    CHECK(a.report([&none](std::string_view t) { none += t; }) == 0);
    CHECK(none.empty());
  }
  CHECK(kept::text.empty());
}

TEST_CASE("leak_checked: reports at any time: where a pool of it is torn down with living blocks") {
  kept::text.clear();
  std::string told;
  {
    leak_checked<frys::block_pool<64>, report_kept> pool;
    void* p = *pool.allocate(64, 16, "session");
    CHECK(pool.report([&told](std::string_view t) { told += t; }) == 1);
    CHECK(told.find("1 of 64 bytes, taken at " __FILE__) != std::string::npos);
    CHECK(told.find("tag session\n") != std::string::npos);
    pool.deallocate(p, 64, 16);
  }
  CHECK(kept::text.empty());
}

TEST_CASE("leak_checked: with stacks::unwind a report has the call stack") {
  kept::text.clear();
  { leak_checked<frys::arena<>, report_kept, policy::stacks<frys::stacks::unwind<4>>>().allocate(1).value(); }
  CHECK(kept::text.find("1 of 1 bytes") != std::string::npos);
#if FRYS_OS_LINUX && defined(__x86_64__)
  CHECK(kept::text.find(", by 0x") != std::string::npos);
#endif
}

TEST_CASE("leak_checked: counts what comes back without having been out") {
  struct patient {
    frys::result<void*> allocate(std::size_t, std::size_t) { return static_cast<void*>(this); }
    void deallocate(void*, std::size_t, std::size_t) noexcept {}
  };
  leak_checked<patient, report_kept> a;
  int other = 0;
  a.deallocate(&other, 4, 4);
  void* p = *a.allocate(1);
  std::string told;
  a.report([&told](std::string_view t) { told += t; });
  CHECK(told.find("1 times something came back that was not out") != std::string::npos);
  a.deallocate(p, 1, 1);
}

TEST_CASE("leak_checked: where its table gets no pages it refuses, and loses nothing") {
  using pages = counting_pages<42>;
  kept::text.clear();
  {
    leak_checked<system_allocator, report_kept, policy::pages<pages>> a;
    pages::refuses = true;
    CHECK(a.allocate(10).error() == frys::errc::out_of_memory);
    pages::refuses = false;
    std::vector<void*> live;
    for (int i = 0; i < 48; ++i) live.push_back(*a.allocate(10));
    pages::refuses = true;
    CHECK(a.allocate(10).error() == frys::errc::out_of_memory);  // the table would have to grow
    CHECK(a.live_count() == 48);
    for (void* p : live) a.deallocate(p, 10, 16);
    pages::refuses = false;
  }
  CHECK(pages::held == 0);
  CHECK(kept::text.empty());
}

TEST_CASE("leak_checked: with policy::atomics threads lose no block") {
  kept::text.clear();
  {
    leak_checked<system_allocator, report_kept, policy::atomics<frys::atomics::standard>> a;
    const auto work = [&a] {
      std::vector<void*> mine;
      for (int i = 0; i < 1000; ++i) mine.push_back(*a.allocate(24));
      for (void* p : mine) a.deallocate(p, 24, 16);
    };
    std::thread other(work);
    work();
    other.join();
    CHECK(a.live_count() == 0);
  }
  CHECK(kept::text.empty());
}
