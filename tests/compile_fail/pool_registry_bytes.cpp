// expect: frys::basic_pool_registry::add: bytes must take a const pool and answer a number, teardown take a pool
#include <frys/memory/pool_registry.hpp>

#ifdef WRONG
inline auto enter(frys::pool_registry& r, int& pool) { return r.add("x", pool, [](int&) { return std::size_t{1}; }); }
#else
inline auto enter(frys::pool_registry& r, int& pool) { return r.add("x", pool, [](const int&) { return std::size_t{1}; }); }
#endif
