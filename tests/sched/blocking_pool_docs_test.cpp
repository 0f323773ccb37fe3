#include <frys/sched/blocking_pool.hpp>
#include <frys/sched/task.hpp>

#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#if FRYS_HAS_THREAD
namespace {

// [region run]
// Writes a file on a thread of the pool; the coroutine's own thread goes on with others meanwhile.
frys::task<frys::result<void>> save(frys::blocking_pool<>& pool, std::string path, std::string text) {
  co_return co_await pool.run([&]() -> frys::result<void> {
    std::FILE* file = std::fopen(path.c_str(), "w");
    if (file == nullptr) return frys::error{frys::errc::not_found, frys::domain::user, "no such place"};
    const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    const bool closed = std::fclose(file) == 0;
    if (!written || !closed) return frys::error{frys::errc::io_failed, frys::domain::user, "not written"};
    return {};
  });
}

TEST_CASE("blocking_pool: a file written elsewhere") {
  auto pool = frys::blocking_pool<>::create({.most_threads = 16, .name = "disk"});
  REQUIRE(pool);
  CHECK(frys::sync_wait(save(**pool, "/tmp/frys-blocking-pool-docs", "text")));
  CHECK_FALSE(frys::sync_wait(save(**pool, "/no/such/place", "text")));
  CHECK((*pool)->drain());
  std::remove("/tmp/frys-blocking-pool-docs");
}
// [endregion run]

}  // namespace
#endif  // FRYS_HAS_THREAD
