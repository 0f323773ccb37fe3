#include <doctest/doctest.h>

#include <frys/core/concepts.hpp>
#include <frys/sim/disk.hpp>
#include <frys/sim/world.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace {

using frys::errc;
using frys::open_mode;
using frys::sim::aftermath;
using frys::sim::disk;
static_assert(frys::file_system<disk>);

frys::buffer buf(std::string_view text) { return frys::buffer::copy_of(frys::as_bytes(text)).value(); }
std::string content(disk& d, std::string_view path) {
  const std::vector<std::byte> bytes = d.contents(path);
  return std::string(frys::as_text(bytes));
}
frys::result<std::size_t> write(disk& d, disk::file& f, std::string_view text, std::uint64_t at) {
  return d.write(f, buf(text), at).await_resume();
}
frys::result<void> sync(disk& d, disk::file& f) { return d.sync(f).await_resume(); }
void note(void* into, std::string_view name) { static_cast<std::set<std::string>*>(into)->emplace(name); }

}  // namespace

TEST_CASE("sim::disk: files hold what was written, and names lead to them") {
  disk d;
  CHECK(d.open("a", open_mode::read).error() == errc::not_found);
  CHECK(d.open("x/a", open_mode::create).error() == errc::not_found);
  auto f = d.open("a", open_mode::create_new);
  REQUIRE(f.has_value());
  CHECK(d.open("./a", open_mode::create_new).error() == errc::already_exists);
  CHECK(write(d, *f, "hello", 0).value() == 5);
  CHECK(write(d, *f, "!", 7).value() == 1);
  CHECK(d.size(*f).value() == 8);
  CHECK(content(d, "a") == std::string("hello\0\0!", 8));
  CHECK(d.read(*f, frys::buffer::allocate(4).value(), 3).await_resume().value().text() == std::string("lo\0\0", 4));
  CHECK(d.read(*f, frys::buffer::allocate(4).value(), 6).await_resume().value().size() == 2);
  CHECK(d.read(*f, frys::buffer::allocate(4).value(), 100).await_resume().value().empty());
  CHECK(d.truncate(*f, 2).has_value());
  CHECK(content(d, "a") == "he");
  CHECK(d.make_directory("dir").has_value());
  CHECK(d.make_directory("dir").has_value());
  CHECK(d.rename("a", "dir/b").has_value());
  CHECK(d.make_directory("dir/b").error() == errc::already_exists);
  std::set<std::string> listed;
  CHECK(d.list("dir/", note, &listed).has_value());
  CHECK(listed == std::set<std::string>{"b"});
  CHECK(d.remove("dir/b").has_value());
  CHECK(d.remove("dir/b").error() == errc::not_found);
  CHECK(write(d, *f, "x", 0).has_value());  // an open file outlives its name
  auto reader = d.open("r", open_mode::create);
  reader = d.open("r", open_mode::read);
  CHECK(write(d, *reader, "x", 0).error() == errc::permission_denied);
}

TEST_CASE("sim::disk: without sync neither data nor names need survive power loss, with it they do") {
  disk d;
  auto f = d.open("a", open_mode::create);
  REQUIRE(write(d, *f, "synced", 0));
  REQUIRE(sync(d, *f));
  REQUIRE(d.sync_directory(""));
  REQUIRE(write(d, *f, " more", 6));
  auto g = d.open("b", open_mode::create);
  REQUIRE(write(d, *g, "data", 0));
  REQUIRE(sync(d, *g));
  d.restart(1, aftermath::nothing_unsynced);
  CHECK(content(d, "a") == "synced");
  CHECK(d.names() == std::vector<std::string>{"a"});
  CHECK(write(d, *f, "x", 0).error() == errc::closed);
}

TEST_CASE("sim::disk: what was synced survives every power loss, what was not takes many forms") {
  std::set<std::string> forms;
  std::set<std::vector<std::string>> listings;
  const std::string old(1500, 'o'), fresh(1500, 'n');
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    disk d;
    auto f = d.open("a", open_mode::create);
    REQUIRE(write(d, *f, old, 0));
    REQUIRE(sync(d, *f));
    REQUIRE(d.sync_directory(""));
    REQUIRE(write(d, *f, fresh, 600));
    REQUIRE(d.open("b", open_mode::create).has_value());
    REQUIRE(d.rename("b", "c"));
    d.restart(seed);
    const std::string now = content(d, "a");
    REQUIRE(now.size() >= 1500);
    CHECK(now.substr(0, 600) == old.substr(0, 600));
    forms.insert(now);
    listings.insert(d.names());
  }
  CHECK(forms.size() > 50);
  CHECK(forms.contains(old));
  CHECK(forms.contains(old.substr(0, 600) + fresh));
  CHECK(listings.size() == 3);  // nothing, b, c
}

TEST_CASE("sim::disk: the same seed gives the same disk") {
  std::string first;
  for (int round = 0; round < 2; ++round) {
    disk d(5);
    auto f = d.open("a", open_mode::create);
    REQUIRE(d.sync_directory(""));
    for (int i = 0; i < 20; ++i)
      REQUIRE(write(d, *f, std::string(700, static_cast<char>('a' + i)), static_cast<std::uint64_t>(i) * 300));
    d.restart(99);
    if (round == 0)
      first = content(d, "a");
    else
      CHECK(content(d, "a") == first);
  }
}

TEST_CASE("sim::disk: crash_after interrupts exactly the operation it names, and nothing works until the restart") {
  disk d;
  auto f = d.open("a", open_mode::create);  // 1
  REQUIRE(d.sync_directory("."));           // 2
  d.crash_after(1);
  REQUIRE(write(d, *f, "one", 0));  // 3
  CHECK_FALSE(d.crashed());
  CHECK(write(d, *f, "two", 3).error() == errc::io_failed);
  CHECK(d.crashed());
  CHECK(d.operations() == 4);
  CHECK_FALSE(sync(d, *f).has_value());
  CHECK_FALSE(d.open("a", open_mode::read).has_value());
  CHECK_FALSE(d.list("", note, nullptr).has_value());
  CHECK_FALSE(d.read(*f, buf("xxx"), 0).await_resume().has_value());
  d.restart(3, aftermath::nothing_unsynced);
  CHECK(content(d, "a").empty());
  CHECK(d.open("a", open_mode::read).has_value());
}

TEST_CASE("sim::disk: kill -9 keeps all that was done, and any part of the write it interrupts") {
  std::set<std::string> forms;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    disk d;
    auto f = d.open("a", open_mode::create);
    REQUIRE(write(d, *f, "one", 0));
    d.crash_after(0);
    CHECK_FALSE(write(d, *f, "two", 3).has_value());
    d.restart(seed, aftermath::process_kill);
    forms.insert(content(d, "a"));
    if (seed == 0) {  // the machine ran on, so nothing is synced yet
      d.restart(0, aftermath::nothing_unsynced);
      CHECK(d.names().empty());
    }
  }
  CHECK(forms == std::set<std::string>{"one", "onet", "onetw", "onetwo"});
}

TEST_CASE("sim::disk: a device that is full does part of the write; a failed sync promises nothing for ever") {
  disk d(1);
  auto f = d.open("a", open_mode::create);
  REQUIRE(d.sync_directory(""));
  d.fail_after(0, errc::no_space);
  CHECK(write(d, *f, "0123456789", 0).error() == errc::no_space);
  CHECK(content(d, "a").size() <= 10);
  CHECK(write(d, *f, "0123456789", 0).has_value());
  d.fail_after(0, errc::io_failed);
  CHECK(sync(d, *f).error() == errc::io_failed);
  CHECK(sync(d, *f).has_value());  // and yet:
  d.restart(0, aftermath::nothing_unsynced);
  CHECK(content(d, "a").empty());
  d.fail_after(1, errc::no_space, true);
  CHECK(d.make_directory("x").has_value());
  CHECK(d.make_directory("y").error() == errc::no_space);
  CHECK(d.make_directory("y").error() == errc::no_space);
  d.fail_read_after(0, errc::io_failed);
  auto g = d.open("a", open_mode::read);
  CHECK(d.read(*g, buf("x"), 0).await_resume().error() == errc::io_failed);
  CHECK(d.read(*g, buf("x"), 0).await_resume().has_value());
}

TEST_CASE("sim::disk: a directory that is lost takes its files with it") {
  disk d;
  REQUIRE(d.make_directory("dir"));
  REQUIRE(d.open("dir/a", open_mode::create).has_value());
  REQUIRE(d.sync_directory("dir"));
  d.restart(0, aftermath::nothing_unsynced);
  CHECK(d.names().empty());
  CHECK(d.open("dir/a", open_mode::create).error() == errc::not_found);
}
