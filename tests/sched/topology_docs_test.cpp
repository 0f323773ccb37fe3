#include <frys/sched/topology.hpp>

#include <doctest/doctest.h>

#include <vector>

namespace {

// [region workers]
// Names the processors for the workers of a pool, one core each while there are cores.
std::vector<unsigned> worker_places() {
  const frys::topology& machine = frys::topology::machine();
  std::vector<unsigned> cpus(machine.worker_count());  // affinity, cpusets and quota are in it
  cpus.resize(machine.place(frys::placement::one_per_core, cpus).size());
  return cpus;
}
// [endregion workers]

TEST_CASE("topology: a pool has places for its workers, one for each core at most") {
  const std::vector<unsigned> cpus = worker_places();
  CHECK(!cpus.empty());
  CHECK(cpus.size() <= frys::topology::machine().cores());
}

}  // namespace
