#include "workload.hpp"

#include <frys/memory/intrusive_ptr.hpp>
#include <frys/memory/object_pool.hpp>

namespace {
struct object;
using pool_type = frys::object_pool<object>;
struct object : frys::ref_counted<object, frys::policy::count<frys::counts::local>,
                                  frys::policy::release<frys::reclaim_to_pool<pool_type>>> {
  explicit object(std::size_t n) noexcept : number(n) {}
  std::size_t number;
};
}  // namespace

BENCH_CONTENDER("frys, counts::local, of a pool") {
  static pool_type pool;
  return share<false>(settings,
                      [](std::size_t n) { return *frys::make_intrusive_from<object>(frys::reclaim_to_pool(pool), n); });
}
