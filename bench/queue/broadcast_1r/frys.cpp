#include "ring.hpp"

#include <frys/queue/broadcast_ring.hpp>

BENCH_CONTENDER("frys") {
  using ring = frys::broadcast_ring<std::uint64_t>;
  return measure<frys_stream<ring, decltype(std::declval<ring&>().reader())>>(settings);
}
