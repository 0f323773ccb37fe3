// The examples of docs/memory.md for shared_object_pool and for objects that are kept, run.
#include <frys/memory/object_pool.hpp>
#include <frys/memory/shared_object_pool.hpp>

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <utility>

namespace {

// [region kept]
// A parser whose buffer has grown is worth keeping; the next connection gets it as recycle() leaves it.
struct parser {
  std::string line;
  void recycle() noexcept { line.clear(); }
};
using parsers = frys::object_pool<parser, frys::policy::reuse<frys::reuse::kept>>;
// [endregion kept]

// [region shared_pool]
// Jobs are made by who has them to give, and end where they are done.
struct job {
  int number;
};
using jobs = frys::shared_object_pool<job>;

int do_some(jobs& pool) {
  auto seat = pool.join();  // this thread's; the worker has one of its own
  if (!seat) return 0;      // more threads than policy::capacity, or out of memory
  auto made = seat->create(job{42});
  if (!made) return 0;
  job* const given = *made;
  int done = 0;
  std::thread worker([&pool, &done, given] {
    auto own = pool.join();
    done = given->number;
    if (own)
      own->destroy(*given);
    else
      pool.destroy(*given);  // any thread may
  });
  worker.join();
  return done;
}
// [endregion shared_pool]

TEST_CASE("docs: objects that are kept, and a pool for many threads") {
  parsers pool;
  const char* buffer = nullptr;
  {
    auto p = *pool.acquire();
    p->line.assign(500, 'x');
    buffer = p->line.data();
  }
  auto again = *pool.acquire();
  CHECK(again->line.empty());
  CHECK(again->line.data() == buffer);
  jobs shared;
  CHECK(do_some(shared) == 42);
}

}  // namespace
