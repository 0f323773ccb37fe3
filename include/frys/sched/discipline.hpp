// discipline: which worker of a scheduler runs what, as policies, and how forks reach other workers.
//
// discipline::work_stealing   each worker has its own queue; one that has nothing takes half of another's    the
// default discipline::work_sharing    one queue for all, first in, first out discipline::shard_per_core  a piece of
// work stays with its worker: state that only it touches needs no lock discipline::deadline        one queue for all,
// the earliest deadline first; behind them what has none, in its order
//
// promotion::on_demand        a fork is offered when somebody is hungry: it costs 1 to 2 ns             the default
// promotion::eager            each fork is offered at once, to thieves that take it while a long piece runs on; 10 ns
// Source  Earliest deadline first: C. L. Liu, J. W. Layland, "Scheduling algorithms for multiprogramming in a hard
//         real-time environment", JACM 20(1), 1973. The rest: fork_join.hpp, stealing_deque.hpp.
#ifndef FRYS_SCHED_DISCIPLINE_HPP
#define FRYS_SCHED_DISCIPLINE_HPP

#include <concepts>
#include <cstddef>

#include "../config.hpp"
#include "../policy.hpp"

namespace frys::inline FRYS_ABI {

namespace discipline {

struct work_stealing {
  static constexpr bool steals = true;   // a worker takes from another
  static constexpr bool shares = false;  // all have one queue
};
struct work_sharing {
  static constexpr bool steals = false;
  static constexpr bool shares = true;
};
struct shard_per_core {
  static constexpr bool steals = false;
  static constexpr bool shares = false;
};
struct deadline {
  static constexpr bool steals = false;
  static constexpr bool shares = true;
  static constexpr bool by_deadline = true;  // submit_options::due counts
};

}  // namespace discipline

namespace promotion {

struct on_demand {
  static constexpr bool each_fork = false;
};
struct eager {
  static constexpr bool each_fork = true;
};

}  // namespace promotion

template <class D>
concept scheduling_discipline = requires {
  { D::steals } -> std::convertible_to<bool>;
  { D::shares } -> std::convertible_to<bool>;
};
template <class P>
concept fork_promotion = requires {
  { P::each_fork } -> std::convertible_to<bool>;
};

namespace policy {

struct discipline_key {};  // scheduling_discipline (sched/discipline.hpp)
struct promotion_key {};   // fork_promotion (sched/discipline.hpp)
struct levels_key {};      // a number of priorities

template <class D>
struct discipline {
  using key = discipline_key;
  using type = D;
};
template <class P>
struct promotion {
  using key = promotion_key;
  using type = P;
};
template <std::size_t N>
struct levels {
  using key = levels_key;
  static constexpr std::size_t value = N;
};

}  // namespace policy

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_DISCIPLINE_HPP
