// expect: frys::basic_pool_registry::add: bytes and teardown must be functors without state
#include <frys/memory/pool_registry.hpp>

#ifdef WRONG
inline auto enter(frys::pool_registry& r, int& pool) { std::size_t n = 1; return r.add("x", pool, [n](int) { return n; }); }
#else
inline auto enter(frys::pool_registry& r, int& pool) { return r.add("x", pool, [](int) { return std::size_t{1}; }); }
#endif
