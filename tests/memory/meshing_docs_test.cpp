// The example of docs/memory.md about meshing_pool, compiled and run.
#include <frys/memory/meshing_pool.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

#if FRYS_OS_LINUX

namespace {
// [region mesh]
// Half a night's sessions have gone; the rest is spoken of by pointers. How many pages of memory come back?
using session_memory = frys::meshing_pool<512>;

std::size_t quiet_hour(session_memory& sessions) {
  std::size_t pages = 0;
  while (const std::size_t given = sessions.mesh(100)) pages += given;  // a hundred pages a time, between other work
  return pages;
}
// [endregion mesh]
}  // namespace

TEST_CASE("docs: meshing_pool gives pages back without moving a block") {
  session_memory sessions;
  std::vector<void*> all;
  for (int i = 0; i < 2000; ++i) {
    auto made = sessions.allocate();
    REQUIRE(made);
    *static_cast<int*>(*made) = i;
    all.push_back(*made);
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i * 7919 % 10 < 6) sessions.deallocate(all[i]);
  CHECK(quiet_hour(sessions) > 20);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i * 7919 % 10 < 6) continue;
    REQUIRE(*static_cast<int*>(all[i]) == static_cast<int>(i));
    sessions.deallocate(all[i]);
  }
}

#endif  // Linux
