// mutation: one memory order at a time, weakened by one step: a test that does not notice is too weak, or the order is
// stronger than it need be.
//
// Threads  one: set by whoever runs the checks, read by the model's operations.
// frys: orders as data
#ifndef FRYS_SIM_MODEL_MUTATION_HPP
#define FRYS_SIM_MODEL_MUTATION_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "../../config.hpp"
#include "memory.hpp"

namespace frys::inline FRYS_ABI::sim::model {

// What an order argument belongs to. `failure` is the second one of a compare-exchange.
enum class access : std::uint8_t { load, store, update, failure, fence };

// An order argument in the source.
struct order_site {
  site where;
  access what = access::load;
  std::memory_order order = std::memory_order_relaxed;
};

class mutation {
 public:
  // What the operation at `at` shall use in place of `order`.
  static std::memory_order applied(std::memory_order order, site at, access what) {
    if (idle()) [[likely]]
      return order;
    return shared().look(order, at, what);
  }

  // From now on all sites that are executed are remembered.
  static void record() {
    shared() = {};
    shared().recording = true;
    idle() = false;
  }
  [[nodiscard]] static std::vector<order_site> recorded() { return shared().sites; }

  // From now on the order at `which` is `weaker`.
  static void weaken(const order_site& which, std::memory_order weaker) {
    shared() = {};
    shared().mutant = which;
    shared().weaker = weaker;
    idle() = false;
  }
  static void stop() {
    shared() = {};
    idle() = true;
  }

  // One step down, in all directions: seq_cst to acq_rel (or what the operation can have of it), acq_rel to acquire and
  // to release, acquire and release to relaxed. Answers how many there are.
  static unsigned weaker_than(const order_site& s, std::memory_order (&out)[2]) noexcept {
    switch (s.order) {
      case std::memory_order_seq_cst:
        out[0] = s.what == access::store                               ? std::memory_order_release
                 : s.what == access::load || s.what == access::failure ? std::memory_order_acquire
                                                                       : std::memory_order_acq_rel;
        return 1;
      case std::memory_order_acq_rel:
        out[0] = std::memory_order_acquire;
        out[1] = std::memory_order_release;
        return 2;
      case std::memory_order_acquire:
      case std::memory_order_consume:
      case std::memory_order_release:
        out[0] = std::memory_order_relaxed;
        return 1;
      case std::memory_order_relaxed:
        return 0;
    }
    return 0;
  }

 private:
  struct state {
    bool recording = false;
    order_site mutant;
    std::memory_order weaker = std::memory_order_relaxed;
    std::vector<order_site> sites;

    static bool same(const order_site& s, const site& at, access what) {
      return s.what == what && s.where.line == at.line && std::strcmp(s.where.file, at.file) == 0;
    }
    std::memory_order look(std::memory_order order, const site& at, access what) {
      if (!recording) return same(mutant, at, what) && mutant.order == order ? weaker : order;
      for (const order_site& s : sites)
        if (same(s, at, what) && s.order == order) return order;
      sites.push_back({at, what, order});
      return order;
    }
  };
  // Apart from the rest, for the many who ask and want no more.
  static bool& idle() noexcept {
    static constinit bool yes = true;
    return yes;
  }
  static state& shared() {
    static state one;
    return one;
  }
};

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_MUTATION_HPP
