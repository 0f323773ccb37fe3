// The blocks that need coroutines, in the user's world: the log on the user's files, the loop with the user's models.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <frys/core/work.hpp>
#include <frys/io/epoll_reactor.hpp>
#include <frys/io/posix_files.hpp>
#include <frys/io/uring_reactor.hpp>
#include <frys/sched/task.hpp>
#include <frys/sched/shared_timer_wheel.hpp>
#include <frys/sched/timer_wheel.hpp>
#include <frys/sim/world.hpp>
#include <frys/storage/wal.hpp>

#include "models.hpp"

namespace {

using users = frys::policy::world<user::world>;
using simulated = frys::policy::world<frys::sim::world>;

// Writes two records, opens the log again, answers what came back.
template <class Wal, class Files>
std::vector<std::string> two_records(Files& files) {
  std::vector<std::string> seen;
  frys::wal_options options;
  options.directory = "log";
  auto keep = [&](std::uint64_t, frys::byte_view record) { seen.emplace_back(frys::as_text(record)); };
  {
    auto log = frys::sync_wait(Wal::open(files, options, keep));
    REQUIRE(log);
    REQUIRE(log->append(frys::as_bytes("one")));
    REQUIRE(log->append(frys::as_bytes("two")));
    REQUIRE(frys::sync_wait(log->flush()));
    REQUIRE(frys::sync_wait(log->close()));
  }
  seen.clear();
  REQUIRE(frys::sync_wait(Wal::open(files, options, keep)));
  return seen;
}

const std::vector<std::string> both{"one", "two"};

template <class... P>
void use_timer_wheel() {
  static int fired;
  fired = 0;
  frys::timer_wheel<P...> wheel;
  frys::timer t([](frys::timer&) noexcept { ++fired; });
  wheel.add(t, frys::nanoseconds(5'000'000));
  wheel.advance(frys::nanoseconds(4'000'000));
  CHECK(fired == 0);
  wheel.advance(frys::nanoseconds(6'000'000));
  CHECK(fired == 1);
  wheel.add_after(t, frys::nanoseconds(0));  // by its clock
  wheel.advance(decltype(wheel)::clock_type::now() + frys::nanoseconds(2'000'000));
  CHECK(fired == 2);
}

template <class... P>
void use_shared_timer_wheel() {
  using wheel_type = frys::shared_timer_wheel<P...>;
  using timer_type = typename wheel_type::timer_type;
  static int ended;
  ended = 0;
  wheel_type wheel;
  timer_type fires([](timer_type&) noexcept { ++ended; });
  timer_type withdrawn([](timer_type&) noexcept { ended += 10; }, [](timer_type&) noexcept { ++ended; });
  wheel.add_after(fires, frys::nanoseconds(0));
  wheel.add(withdrawn, frys::deadline::never());
  CHECK(wheel.cancel(withdrawn));
  wheel.advance(wheel_type::clock_type::now() + frys::nanoseconds(2'000'000));
  CHECK(ended == 2);
}

template <class Reactor>
void use_reactor() {
  auto loop = Reactor::create();
  if (!loop && Reactor::name() == "io_uring") {
    MESSAGE("skipped: io_uring is refused here: ", loop.error().message);
    return;
  }
  REQUIRE(loop);
  static int ran;
  ran = 0;
  frys::work w([](frys::work&) noexcept { ++ran; });
  (*loop)->post(w);
  while (ran == 0) (*loop)->run_once(frys::deadline::never());
  CHECK(ran == 1);
}

}  // namespace

TEST_CASE("user_world: the log lives on a user's files") {
  user::files files;
  const long before = user::uses::files.load();
  CHECK(two_records<frys::wal<users>>(files) == both);
  CHECK(user::uses::files.load() > before);
}

TEST_CASE("user_world: the same log lives on simulated and on real files") {
  frys::sim::disk disk;
  CHECK(two_records<frys::wal<simulated>>(disk) == both);
  CHECK(two_records<frys::wal<users, frys::policy::files<frys::sim::disk>>>(*std::make_unique<frys::sim::disk>()) ==
        both);
  std::string folder = "/tmp/frys_user_world_XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  frys::posix_files real{folder};
  CHECK(two_records<frys::wal<frys::policy::files<frys::posix_files>>>(real) == both);
  REQUIRE(std::system(("rm -rf " + folder).c_str()) == 0);
}

TEST_CASE("user_world: a timer wheel takes any world") {
  use_timer_wheel<>();
  use_timer_wheel<users>();
  use_timer_wheel<simulated>();
  use_shared_timer_wheel<>();
  const long clock = user::uses::clock.load(), atomics = user::uses::atomics.load();
  use_shared_timer_wheel<users>();
  CHECK(user::uses::clock.load() > clock);
  CHECK(user::uses::atomics.load() > atomics);
  use_shared_timer_wheel<frys::policy::clock<frys::sim::clock>>();
}

TEST_CASE("user_world: the epoll loop runs with a user's atomics, clock and pages") {
  use_reactor<frys::epoll_reactor<>>();
  use_reactor<frys::epoll_reactor<simulated>>();
  const long clock = user::uses::clock.load(), atomics = user::uses::atomics.load();
  use_reactor<frys::epoll_reactor<users>>();
  CHECK(user::uses::clock.load() > clock);
  CHECK(user::uses::atomics.load() > atomics);
}

#if defined(FRYS_WITH_URING) && FRYS_WITH_URING
TEST_CASE("user_world: the io_uring loop runs with a user's models as well") {
  use_reactor<frys::uring_reactor<>>();
  use_reactor<frys::uring_reactor<simulated>>();
  use_reactor<frys::uring_reactor<users>>();
}
#endif

TEST_CASE("user_world: a user's network brings back what was sent, and runs posted work") {
  user::network net;
  user::network::listener door;
  auto guest = frys::sync_wait(net.accept(door));
  REQUIRE(guest);
  REQUIRE(frys::sync_wait(net.send(*guest, *frys::buffer::copy_of(frys::as_bytes("ping")))));
  auto back = frys::sync_wait(net.recv(*guest));
  REQUIRE(back);
  CHECK(back->text() == "ping");
  static int ran;
  ran = 0;
  frys::work w([](frys::work&) noexcept { ++ran; });
  net.post(w);
  net.run();
  CHECK(ran == 1);
  user::random random;
  CHECK(random() != random());
}
