#include "workload.hpp"

#include <frys/queue/lookup_cache.hpp>

namespace {
struct cache {
  using type = frys::lookup_cache<std::uint64_t, std::uint64_t, frys::policy::capacity<4096>>;
  type c;
  type::handle_type seat() { return c.handle(); }
};
}  // namespace

BENCH_CONTENDER("frys") { return measure<cache>(settings); }
