#include <frys/core/local_atomics.hpp>

#include "frys_inline.hpp"

BENCH_CONTENDER("frys, atomics::local") {
  using local = frys::policy::atomics<frys::atomics::local>;
  using rendezvous = frys::channel<std::uint64_t, frys::policy::capacity<0>, local>;
  using buffered = frys::channel<std::uint64_t, frys::policy::capacity<64>, local>;
  return values(settings, &on_one_thread<rendezvous>, &on_one_thread<buffered>, nullptr);
}
