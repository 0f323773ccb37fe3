#include <frys/memory/tracked.hpp>

#include <doctest/doctest.h>
#include <frys/memory/arena.hpp>
#include <frys/memory/limited.hpp>
#include <frys/memory/system_allocator.hpp>
#include <frys/sim/random.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocator_promises.hpp"
#include "counting_pages.hpp"

using frys::system_allocator;
using frys::tracked;
namespace policy = frys::policy;

TEST_CASE("tracked: counts what is out, its peak, and all so far") {
  tracked<system_allocator> a;
  void* first = *a.allocate(100);
  void* second = *a.allocate(50);
  CHECK(a.counts().live_bytes == 150);
  CHECK(a.counts().live_count == 2);
  a.deallocate(first, 100, 16);
  void* third = *a.allocate(0);
  const frys::memory_counts c = a.counts();
  CHECK(c.live_bytes == 50);
  CHECK(c.peak_bytes == 150);
  CHECK(c.live_count == 2);
  CHECK(c.total_bytes == 150);
  CHECK(c.total_count == 3);
  CHECK(c.refused == 0);
  CHECK(a.count_of_size(0) == 1);  // 0
  CHECK(a.count_of_size(6) == 1);  // 50
  CHECK(a.count_of_size(7) == 1);  // 100
  CHECK(a.count_of_size(99) == 0);
  a.deallocate(second, 50, 16);
  a.deallocate(third, 0, 16);
  CHECK(a.counts().live_bytes == 0);
  CHECK(a.counts().live_count == 0);
  promises::keeps_what_is_written(a);
}

TEST_CASE("tracked: what the inner allocator refuses is counted as refused and nothing else") {
  tracked<frys::limited<frys::arena<>, 1000>, policy::tags<2>> a;
  static_assert(frys::owning_allocator<decltype(a)>);
  CHECK(a.allocate(2000, 8, "large").error() == frys::errc::limit_exceeded);
  CHECK(a.allocate(~std::size_t{0} - 4).error() == frys::errc::out_of_memory);
  CHECK(a.counts().refused == 2);
  CHECK(a.counts_of("large").refused == 1);
  CHECK(a.counts().total_bytes == 0);
  CHECK(a.counts_of("large").total_count == 0);
}

TEST_CASE("tracked: counts by tag, of a call, of a type and of a tagged reference") {
  tracked<system_allocator, policy::tags<3>> a;
  promises::keeps_what_is_written(a);
  void* first = *a.allocate(100, 64, "parser");
  const std::string same = "parser";  // another string of the same text
  void* second = *a.allocate(10, 1, std::string_view(same));
  auto sessions = a.tagged("sessions");
  void* third = *sessions.allocate(7);
  void* fourth = *a.allocate(1, 1, frys::allocation_site::of<double>());
  void* fifth = *a.allocate(9, 1, "one too many");
  CHECK(a.counts_of("parser").live_bytes == 110);
  CHECK(a.counts_of("parser").live_count == 2);
  CHECK(a.counts_of("sessions").live_bytes == 7);
  CHECK(a.counts_of("double").live_bytes == 1);
  CHECK(a.counts_of("").live_bytes == 9);
  CHECK(a.counts_of("one too many").live_bytes == 0);
  a.deallocate(first, 100, 64);  // nobody has to say the tag again
  CHECK(a.counts_of("parser").live_bytes == 10);
  CHECK(a.counts_of("parser").peak_bytes == 110);
  CHECK(a.counts_of("parser").total_bytes == 110);
  std::string tags;
  std::uint64_t live = 0;
  a.for_each_tag([&](std::string_view tag, const frys::memory_counts& c) {
    tags += std::string(tag) + ",";
    live += c.live_bytes;
  });
  CHECK(tags == ",parser,sessions,double,");
  CHECK(live == a.counts().live_bytes);
  a.deallocate(second, 10, 1);
  sessions.deallocate(third, 7, 16);
  a.deallocate(fourth, 1, 1);
  a.deallocate(fifth, 9, 1);
  CHECK(a.counts().live_bytes == 0);
}

TEST_CASE("tracked: with policy::atomics threads lose no count and no tag") {
  tracked<system_allocator, policy::atomics<frys::atomics::standard>, policy::tags<8>, policy::sample_every<512>> a;
  const auto work = [&a](const char* tag) {
    for (int i = 0; i < 2000; ++i) {
      void* p = *a.allocate(64, 16, tag);
      if (i % 10 == 1) {
        const std::size_t size = static_cast<std::size_t>(i) % 100 + 1;
        a.deallocate(*a.allocate(size), size, 16);
      }
      a.deallocate(p, 64, 16);
    }
    return *a.allocate(1, 1, tag);
  };
  void *theirs = nullptr, *ours = nullptr;
  std::thread other([&] { theirs = work("other"); });
  ours = work("here");
  other.join();
  CHECK(a.counts().live_count == 2);
  CHECK(a.counts().live_bytes == 2);
  CHECK(a.counts().total_count == 2 * (2000 + 200 + 1));
  CHECK(a.counts_of("other").total_count == 2001);
  CHECK(a.counts_of("here").live_bytes == 1);
  CHECK(a.sampled() <= 2);
  a.deallocate(theirs, 1, 1);
  a.deallocate(ours, 1, 1);
}

TEST_CASE("tracked: the mathematics of its samples is that of the library") {
  for (const std::uint64_t u :
       {std::uint64_t{1}, std::uint64_t{12345}, std::uint64_t{1} << 40, ~std::uint64_t{0} / 3, ~std::uint64_t{0} - 7})
    CHECK(frys::detail::minus_log(u) ==
          doctest::Approx(64 * std::log(2.0) - std::log(static_cast<double>(u))).epsilon(1e-7));
  for (const double x : {1e-9, 1e-3, 0.3, 0.7, 2.0, 10.0, 39.0, 41.0, 1e6})
    CHECK(frys::detail::chance_within(x) == doctest::Approx(-std::expm1(-x)).epsilon(1e-9));
}

namespace {

// The same dice in every run.
struct same_dice : frys::sim::random {
  explicit same_dice(std::uint64_t) : random(1) {}
};
// A number after `mark` in a text.
std::uint64_t number_after(const std::string& text, const std::string& mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string::npos) return 0;
  return std::stoull(text.substr(at + mark.size()));
}
struct append {
  std::string& to;
  void operator()(std::string_view text) const { to += text; }
};

}  // namespace

TEST_CASE("tracked: a profile by samples is right on average, whatever the sizes") {
  tracked<system_allocator, policy::sample_every<1000>, policy::random<same_dice>> a;
  std::vector<std::pair<void*, std::size_t>> live;
  const auto take = [&](std::size_t size, const char* tag, int count) {
    for (int i = 0; i < count; ++i) live.emplace_back(*a.allocate(size, 8, {tag, "f", 1}), size);
  };
  take(16, "tiny", 20'000);    // 320,000 bytes
  take(1000, "middle", 1000);  // 1,000,000 bytes
  take(100'000, "huge", 20);   // 2,000,000 bytes, each seen
  std::string folded;
  a.write_folded(append{folded});
  INFO(folded);
  const auto within = [](std::uint64_t got, double want, double part) {
    return std::abs(static_cast<double>(got) - want) < want * part;
  };
  CHECK(within(number_after(folded, "tiny;f:1 "), 320'000, 0.25));
  CHECK(folded.find("middle;") != std::string::npos);
  std::string pprof;
  a.write_pprof(append{pprof});
  CHECK(within(number_after(pprof, "heap profile: "), 21'020, 0.25));
  CHECK(number_after(pprof, "\n20: ") == 2'000'000);
  CHECK(pprof.find("] @ heapprofile\n") != std::string::npos);
  CHECK(pprof.find("MAPPED_LIBRARIES:\n") != std::string::npos);
  for (const auto& [p, size] : live) a.deallocate(p, size, 8);
  CHECK(a.sampled() == 0);
  folded.clear();
  a.write_folded(append{folded});
  CHECK(folded.empty());  // what is gone is gone to the last part of a byte
  pprof.clear();
  a.write_pprof(append{pprof});
  CHECK(pprof.substr(0, 20) == "heap profile: 0: 0 [");
}

TEST_CASE("tracked: samples know their call stacks, and a namer names them") {
  tracked<system_allocator, policy::sample_every<1>, policy::stacks<frys::stacks::unwind<6>>> a;
  void* p = *a.allocate(5000, 8, {"deep", "f", 1});
  std::string folded, pprof;
  a.write_folded(append{folded}, [](const void*, auto&& write) { write(std::string_view("f")); });
  a.write_pprof(append{pprof});
#if FRYS_OS_LINUX && defined(__x86_64__)
  CHECK(folded.find("f;f;") == 0);
  CHECK(pprof.find(" @ 0x") != std::string::npos);
  CHECK(pprof.find("r-xp") != std::string::npos);  // the mappings
#endif
  CHECK(number_after(folded, "deep;f:1 ") == 5000);
  a.deallocate(p, 5000, 8);
}

TEST_CASE("tracked: its tables ask no memory of the allocator, and without pages it goes on") {
  using pages = counting_pages<41>;
  {
    tracked<system_allocator, policy::sample_every<1>, policy::pages<pages>> a;
    pages::refuses = true;
    void* p = *a.allocate(100);
    CHECK(a.sampled() == 0);
    a.deallocate(p, 100, 16);
    pages::refuses = false;
    p = *a.allocate(100);
    CHECK(a.sampled() == 1);
    CHECK(a.counts().live_bytes == 100);
    CHECK(pages::held > 0);
    a.deallocate(p, 100, 16);
  }
  CHECK(pages::held == 0);
  // Refused at each place in turn: what is counted stays right.
  for (int at = 0; at < 12; ++at) {
    tracked<system_allocator, policy::sample_every<1>, policy::pages<pages>> a;
    std::vector<void*> live;
    for (int i = 0; i < 120; ++i) {
      pages::refuses = i % 12 == at;
      live.push_back(*a.allocate(200, 8, frys::allocation_site("t", "f", static_cast<unsigned>(i))));
    }
    pages::refuses = false;
    for (void* p : live) a.deallocate(p, 200, 8);
    CHECK(a.sampled() == 0);
    CHECK(a.counts().live_bytes == 0);
    std::string folded;
    a.write_folded(append{folded});
    CHECK(folded.empty());
  }
  CHECK(pages::held == 0);
}
