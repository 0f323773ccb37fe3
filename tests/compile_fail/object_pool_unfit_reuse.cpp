// expect: frys::object_pool: policy::reuse wants reuse::none, or a type whose static recycle(T&) is noexcept; reuse::kept calls T's own recycle()
#include <frys/memory/object_pool.hpp>

struct parser {
#ifdef WRONG
  void recycle() {}
#else
  void recycle() noexcept {}
#endif
};
frys::object_pool<parser, frys::policy::reuse<frys::reuse::kept>> block;
