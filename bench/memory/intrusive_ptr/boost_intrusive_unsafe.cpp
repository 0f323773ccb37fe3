#include "workload.hpp"

#if __has_include(<boost/smart_ptr/intrusive_ptr.hpp>)
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

namespace {
struct object : boost::intrusive_ref_counter<object, boost::thread_unsafe_counter> {
  explicit object(std::size_t n) noexcept : number(n) {}
  std::size_t number;
};
}  // namespace

BENCH_CONTENDER("boost::intrusive_ptr, thread_unsafe") {
  return share<false>(settings, [](std::size_t n) { return boost::intrusive_ptr<object>(new object(n)); });
}
#else
BENCH_MISSING("boost::intrusive_ptr, thread_unsafe", "libboost-dev")
#endif
