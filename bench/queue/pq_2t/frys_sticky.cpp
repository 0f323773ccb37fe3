#include <frys/queue/relaxed_priority_queue.hpp>

#include "frys.hpp"

BENCH_CONTENDER("frys, stickiness 64") {
  return measure<frys_queue<frys::relaxed_priority_queue<std::uint64_t, frys::policy::stickiness<64>>>>(settings);
}
