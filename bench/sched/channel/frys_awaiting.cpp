#include "frys.hpp"

#include <frys/queue/awaiting.hpp>
#include <frys/queue/mpmc_ring.hpp>

BENCH_CONTENDER("frys awaiting<mpmc_ring>") {
  using ring = frys::awaiting<frys::mpmc_ring<std::uint64_t, frys::policy::capacity<64>>>;
  return values(settings, nullptr, &on_one_loop<ring>, &between_threads<ring>);
}
