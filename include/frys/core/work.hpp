// work: a piece of something to run, as an intrusive node: no allocation to hand it over.
#ifndef FRYS_CORE_WORK_HPP
#define FRYS_CORE_WORK_HPP

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

// Derive from it or hold it; `run` is called once per post, on the executor that it was posted to. The node belongs to
// the executor from post until run is called; run may destroy it or post it again.
struct work {
  using function = void (*)(work&) noexcept;

  work() = default;
  explicit work(function f) noexcept : run(f) {}

  function run = nullptr;
  work* next = nullptr;  // the executor's, while it holds the node
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_WORK_HPP
