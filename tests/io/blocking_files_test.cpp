#include <frys/io/blocking_files.hpp>
#include <frys/io/epoll_reactor.hpp>
#include <frys/sched/blocking_pool.hpp>
#include <frys/sched/task.hpp>

#include <doctest/doctest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace {

using loop_type = frys::epoll_reactor<>;
using pool_type = frys::blocking_pool<>;
using files_type = frys::blocking_files<pool_type, loop_type>;
static_assert(frys::file_system<files_type>);

struct place {
  std::unique_ptr<loop_type> loop = *loop_type::create();
  std::unique_ptr<pool_type> pool = *pool_type::create();
  files_type files{*pool, *loop};
  std::string name = "blocking_files_test.tmp";
  ~place() { (void)files.remove(name); }
};

frys::task<bool> write_and_sync(place& p) {
  auto file = p.files.open(p.name, frys::open_mode::create);
  if (!file) co_return false;
  auto bytes = frys::buffer::copy_of(frys::as_bytes("durable"));
  if (!bytes) co_return false;
  const auto wrote = co_await p.files.write(*file, *std::move(bytes), 0);
  if (!wrote || *wrote != 7) co_return false;
  const auto synced = co_await p.files.sync(*file);
  co_return synced.has_value();
}

frys::task<frys::errc> sync_closed_file(place& p) {
  frys::posix_file none;
  const auto synced = co_await p.files.sync(none);
  co_return synced ? frys::errc{} : synced.error().code;
}

frys::task<void> sync_only(place& p, frys::posix_file& f, bool& ended) {
  (void)co_await p.files.sync(f);
  ended = true;
}

}  // namespace

TEST_CASE("blocking_files: a sync runs on the pool and its coroutine goes on in the loop") {
  place p;
  CHECK(frys::sync_wait(*p.loop, write_and_sync(p)));
  CHECK(p.pool->drain());
  CHECK(p.pool->stats().finished == 1);
}

TEST_CASE("blocking_files: an error of the sync, and of the pool, is the answer") {
  place p;
  CHECK(frys::sync_wait(*p.loop, sync_closed_file(p)) == frys::errc::invalid_argument);
  p.pool->close();
  CHECK(frys::sync_wait(*p.loop, sync_closed_file(p)) == frys::errc::closed);
}

TEST_CASE("blocking_files: who is destroyed while it waits is forgotten") {
  place p;
  auto file = p.files.open(p.name, frys::open_mode::create);
  REQUIRE(file);
  bool ended = false;
  {
    frys::task_scope scope;
    scope.spawn(sync_only(p, *file, ended));
  }
  while (p.pool->stats().finished == 0) (void)p.loop->run_once(frys::deadline::now());
  CHECK(p.pool->drain());
  while (p.loop->run_once(frys::deadline::now()) != 0) {
  }
  CHECK_FALSE(ended);
}
