// link: boost_context
#include "workload.hpp"

#if __has_include(<boost/context/detail/fcontext.hpp>)
#include <boost/context/detail/fcontext.hpp>

#include <cstdlib>

namespace {
std::size_t jumps(std::size_t n) {
  using namespace boost::context::detail;
  constexpr std::size_t size = 64 * 1024;
  char* stack = static_cast<char*>(std::malloc(size));
  std::size_t count = 0;
  fcontext_t f = make_fcontext(stack + size, size, [](transfer_t t) {
    auto& n = *static_cast<std::size_t*>(t.data);
    for (;;) {
      ++n;
      t = jump_fcontext(t.fctx, nullptr);
    }
  });
  for (std::size_t i = 0; i < n; ++i) f = jump_fcontext(f, &count).fctx;
  std::free(stack);
  return count;
}
}  // namespace
BENCH_CONTENDER("boost jump_fcontext") { return switches(settings, &jumps); }
#else
BENCH_MISSING("boost jump_fcontext", "libboost-context-dev")
#endif
