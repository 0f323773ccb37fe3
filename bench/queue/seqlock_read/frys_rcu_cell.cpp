#include "workload.hpp"

#include <frys/queue/rcu_cell.hpp>

namespace {
struct cell {
  frys::epoch_domain<> domain;
  frys::rcu_cell<quad> value{std::make_unique<quad>()};
  struct handle {
    cell* of;
    frys::epoch_domain<>::participant seat;
    quad load() { return *of->value.read(seat); }
    void store(const quad& q) { bench::check(of->value.emplace(seat, q).has_value(), "room for what is replaced"); }
  };
  handle reader() { return {this, *domain.join()}; }
  handle writer() { return {this, *domain.join()}; }
};
}  // namespace

BENCH_CONTENDER("frys rcu_cell") { return measure<cell>(settings); }
