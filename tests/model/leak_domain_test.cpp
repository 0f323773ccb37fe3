#include <frys/core/asymmetric_fence.hpp>
#include <frys/memory/leak_domain.hpp>

#include "domains.hpp"

namespace {

using namespace domains;
using leaks = frys::leak_domain<with_model>;

// What a reader finds is whole; and two that retire are both counted.
void read_against_replace_twice() {
  leaks domain;
  box* const first = make(0);
  cell shared(first);
  box *second = nullptr, *third = nullptr;
  {
    auto reader = *domain.join();
    auto a = *domain.join();
    auto b = *domain.join();
    const auto put = [&](leaks::participant& seat, int v, box*& mine) {
      mine = make(v);
      box* const old = shared.exchange(mine, std::memory_order_acq_rel);
      model::require(seat.retire(old, &drop), "there is always room");
    };
    model::threads([&] { model::require(read<leaks>(reader, shared) <= 2, "what is read was written"); },
                   [&] {
                     put(a, 1, second);
                     a.leave();
                   },
                   [&] {
                     put(b, 2, third);
                     b.quiesce();
                   });
  }
  model::require(domain.garbage() == 2, "each is counted");
  for (box* const old : {first, second, third}) drop(old);  // the domain never does
}

TEST_CASE("leak_domain under the model: what is read is whole, what is retired is counted") {
  holds(&read_against_replace_twice);
}

}  // namespace
