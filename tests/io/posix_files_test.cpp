#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <frys/io/posix_files.hpp>

namespace {

// A directory of its own, gone afterwards.
struct directory {
  std::string path;
  directory() {
    char name[] = "/tmp/frys-files-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~directory() { static_cast<void>(::rmdir(path.c_str())); }
};

frys::buffer text(std::string_view s) { return *frys::buffer::copy_of(frys::as_bytes(s)); }

// posix_files never waits, so its answers can be taken at once.
template <class T>
T now(frys::ready<T> r) {
  return r.await_resume();
}

std::vector<std::string> names_in(frys::posix_files& fs, std::string_view path) {
  std::vector<std::string> out;
  const auto listed = fs.list(
      path, [](void* to, std::string_view name) { static_cast<std::vector<std::string>*>(to)->emplace_back(name); },
      &out);
  CHECK(listed.has_value());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("posix_files: what is written is read again, under its root") {
  directory d;
  frys::posix_files fs(d.path);
  REQUIRE(fs.status().has_value());
  {
    auto f = fs.open("x", frys::open_mode::create_new);
    REQUIRE(f.has_value());
    CHECK(now(fs.write(*f, text("abcdef"), 0)).value_or(0u) == 6);
    CHECK(now(fs.write(*f, text("Z"), 2)).has_value());
    CHECK(now(fs.sync(*f)).has_value());
    CHECK(fs.size(*f).value_or(0u) == 6);
    auto all = now(fs.read(*f, text("??????????"), 0));
    REQUIRE(all.has_value());
    CHECK(all->text() == "abZdef");
    CHECK(fs.truncate(*f, 3).has_value());
    CHECK(now(fs.read(*f, text("??????????"), 0))->text() == "abZ");
    CHECK(now(fs.read(*f, text("?"), 3))->empty());
  }
  CHECK(::access((d.path + "/x").c_str(), F_OK) == 0);
  CHECK(fs.remove("x").has_value());
}

TEST_CASE("posix_files: open modes") {
  directory d;
  frys::posix_files fs(d.path);
  CHECK(fs.open("m", frys::open_mode::read).error() == frys::errc::not_found);
  CHECK(fs.open("m", frys::open_mode::read_write).error() == frys::errc::not_found);
  CHECK(fs.open("m", frys::open_mode::create).has_value());
  CHECK(fs.open("m", frys::open_mode::create).has_value());
  CHECK(fs.open("m", frys::open_mode::create_new).error() == frys::errc::already_exists);
  auto readable = fs.open("m", frys::open_mode::read);
  REQUIRE(readable.has_value());
  CHECK_FALSE(now(fs.write(*readable, text("no"), 0)).has_value());
  CHECK(fs.remove("m").has_value());
  CHECK(fs.remove("m").error() == frys::errc::not_found);
}

TEST_CASE("posix_files: directories, names and renames") {
  directory d;
  frys::posix_files fs(d.path);
  CHECK(fs.make_directory("a/b").has_value());
  CHECK(fs.make_directory("a/b").has_value());  // it exists: fine
  CHECK(fs.open("a/b/one", frys::open_mode::create).has_value());
  CHECK(fs.open("a/b/two", frys::open_mode::create).has_value());
  CHECK(fs.make_directory("a/b/one").error() == frys::errc::already_exists);
  CHECK(fs.make_directory("a/b/sub").has_value());
  CHECK(names_in(fs, "a/b") == std::vector<std::string>{"one", "two"});  // plain files only
  CHECK(fs.rename("a/b/one", "a/b/two").has_value());
  CHECK(names_in(fs, "a/b") == std::vector<std::string>{"two"});
  CHECK(fs.sync_directory("a/b").has_value());
  CHECK(fs.sync_directory("nowhere").error() == frys::errc::not_found);
  CHECK(fs.remove("a/b/two").has_value());
  for (const char* sub : {"/a/b/sub", "/a/b", "/a"}) ::rmdir((d.path + sub).c_str());
}

TEST_CASE("posix_files: a root that is missing fails every operation, and impossible paths are not found") {
  frys::posix_files none("/no/such/root");
  CHECK(none.status().error() == frys::errc::not_found);
  CHECK(none.open("x", frys::open_mode::create).error() == frys::errc::not_found);
  CHECK(none.make_directory("x").error() == frys::errc::not_found);
  directory d;
  frys::posix_files fs(d.path);
  CHECK_FALSE(fs.open(std::string(10'000, 'n'), frys::open_mode::create).has_value());
  CHECK_FALSE(fs.open(std::string_view("a\0b", 3), frys::open_mode::create).has_value());
}

TEST_CASE("os_error: keeps errno, and names what has a name") {
  CHECK(frys::os_error(ENOSPC, "x") == frys::errc::no_space);
  CHECK(frys::os_error(EIO, "x") == frys::errc::io_failed);
  CHECK(frys::os_error(EIO, "x").number == EIO);
  CHECK(frys::os_error(EMFILE, "x").where == frys::domain::io);
}
