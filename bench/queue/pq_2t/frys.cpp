#include <frys/queue/relaxed_priority_queue.hpp>

#include "frys.hpp"

BENCH_CONTENDER("frys") { return measure<frys_queue<frys::relaxed_priority_queue<std::uint64_t>>>(settings); }
