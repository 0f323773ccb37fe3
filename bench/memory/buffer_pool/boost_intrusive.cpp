#include "workload.hpp"

#if __has_include(<boost/smart_ptr/intrusive_ptr.hpp>)
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

namespace {
struct block : boost::intrusive_ref_counter<block, boost::thread_safe_counter> {
  std::byte bytes[4096];
  std::byte* data() { return bytes; }
};
}  // namespace

BENCH_CONTENDER("boost::intrusive_ptr") {
  return lease(settings, [] { return boost::intrusive_ptr<block>(new block); });
}
#else
BENCH_MISSING("boost::intrusive_ptr", "libboost-dev")
#endif
