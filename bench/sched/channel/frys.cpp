#include "frys.hpp"

#include <frys/sched/channel.hpp>

BENCH_CONTENDER("frys, posted") {
  using rendezvous = frys::channel<std::uint64_t, frys::policy::capacity<0>>;
  using buffered = frys::channel<std::uint64_t, frys::policy::capacity<64>>;
  return values(settings, &on_one_loop<rendezvous>, &on_one_loop<buffered>, &between_threads<buffered>);
}
