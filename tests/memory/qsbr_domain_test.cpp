#include <frys/memory/leak_domain.hpp>
#include <frys/memory/qsbr_domain.hpp>

#include "domains.hpp"

namespace {

using namespace domains;
namespace policy = frys::policy;
using standard = frys::qsbr_domain<>;
using small = frys::qsbr_domain<policy::capacity<2>, policy::batch<4>, policy::garbage<16>>;
static_assert(frys::reclaimer<standard>);

constexpr auto quiet = [](auto& seat) { seat.quiesce(); };

}  // namespace

TEST_CASE("qsbr_domain: what readers see is alive, with several writers and readers") {
  replace_against_read<standard>(2, 2, 3000, quiet);
  replace_against_read<frys::qsbr_domain<policy::counter<std::uint8_t>, policy::batch<1>>>(2, 2, 1000, quiet);
}
TEST_CASE("qsbr_domain: a stack popped by eight threads") { eight_threads_on_a_stack<standard>(quiet); }
TEST_CASE("qsbr_domain: threads that come and go leave nothing behind") {
  const int before = tracked::living;
  {
    standard domain;
    for (int i = 0; i < 50; ++i)
      std::thread([&] {
        auto seat = *domain.join();
        for (int k = 0; k < 10; ++k) CHECK(seat.retire(new tracked(k)));
      }).join();
    CHECK(domain.garbage() == 0);  // nobody else was online
  }
  CHECK(tracked::living == before);
}
TEST_CASE("qsbr_domain: a destructor may retire") { destructors_that_retire<standard>(); }
TEST_CASE("qsbr_domain: seats run out and come back") { seats_run_out<small>(); }

TEST_CASE("qsbr_domain: garbage waits for every thread that is online, up to the bound") {
  small domain;
  auto reader = *domain.join();
  auto writer = *domain.join();
  const int before = tracked::living;
  pointer_in<small> cell(new tracked(0));
  auto held = reader.protect(cell);
  CHECK(writer.retire(cell.exchange(nullptr)));
  while (writer.room() != 0) CHECK(writer.retire(new tracked(1)));
  for (int i = 0; i < 5; ++i) writer.quiesce();
  CHECK(held->value == 0);
  tracked one_more(2);
  CHECK_FALSE(writer.retire(&one_more));
  CHECK(domain.garbage() == small::most_garbage);
  for (int i = 0; i < 3; ++i) reader.quiesce(), writer.quiesce();
  CHECK(domain.garbage() == 0);
  {
    auto away = reader.offline();  // nobody waits for it
    auto still = std::move(away);
    CHECK(writer.retire(new tracked(3)));
    for (int i = 0; i < 3; ++i) writer.quiesce();
    CHECK(domain.garbage() == 0);
  }
  CHECK(writer.retire(new tracked(4)));
  for (int i = 0; i < 5; ++i) writer.quiesce();
  CHECK(domain.garbage() == 1);  // online again, and not quiet since
  reader.quiesce();
  for (int i = 0; i < 2; ++i) writer.quiesce(), reader.quiesce();
  writer.quiesce();
  CHECK(domain.garbage() == 0);
  CHECK(tracked::living == before + 1);  // one_more
  auto pin = reader.pin();
  static_cast<void>(pin);
}

TEST_CASE("leak_domain: counts, and destroys nothing") {
  static_assert(frys::reclaimer<frys::leak_domain<>>);
  static tracked first(1), second(2);
  const int before = tracked::living;
  {
    frys::leak_domain<> domain;
    {
      auto seat = *domain.join();
      frys::leak_domain<>::atomics_type::atomic<tracked*> cell{&first};
      CHECK(seat.protect(cell)->value == 1);
      CHECK(seat.retire(cell.exchange(nullptr)));
      CHECK(seat.retire(&second, [](void*) noexcept { FAIL("nothing is destroyed"); }));
      CHECK(domain.garbage() == 0);  // not told yet
      seat.quiesce();
      CHECK(domain.garbage() == 2);
      auto other = std::move(seat);
      CHECK(other.retire(&second));
      CHECK(other.room() > 1'000'000);
    }
    CHECK(domain.garbage() == 3);
  }
  CHECK(tracked::living == before);
}
