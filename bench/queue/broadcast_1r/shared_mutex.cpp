#include "locked.hpp"

BENCH_CONTENDER("shared_mutex") {
  return measure<locked_stream<std::shared_mutex, std::shared_lock<std::shared_mutex>>, 500>(settings);
}
