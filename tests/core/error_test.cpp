#include <frys/core/error.hpp>

#include <doctest/doctest.h>

#include <cstdio>
#include <cstring>
#include <iterator>
#include <set>
#include <string>

namespace {

// Every code of the header with its number: numbers never change, so a change here is a broken promise.
struct row {
  frys::errc code;
  int number;
  const char* name;
};
using frys::errc;
constexpr row codes[] = {
    {errc::invalid_argument, 1, "invalid_argument"},
    {errc::not_found, 2, "not_found"},
    {errc::already_exists, 3, "already_exists"},
    {errc::unsupported, 4, "unsupported"},
    {errc::out_of_memory, 10, "out_of_memory"},
    {errc::limit_exceeded, 11, "limit_exceeded"},
    {errc::full, 12, "full"},
    {errc::closed, 13, "closed"},
    {errc::timed_out, 14, "timed_out"},
    {errc::cancelled, 15, "cancelled"},
    {errc::busy, 16, "busy"},
    {errc::io_failed, 20, "io_failed"},
    {errc::permission_denied, 21, "permission_denied"},
    {errc::no_space, 22, "no_space"},
    {errc::too_many_files, 23, "too_many_files"},
    {errc::address_in_use, 24, "address_in_use"},
    {errc::connection_reset, 25, "connection_reset"},
    {errc::connection_refused, 26, "connection_refused"},
    {errc::corrupt, 40, "corrupt"},
    {errc::truncated, 41, "truncated"},
    {errc::version_mismatch, 42, "version_mismatch"},
    {errc::protocol_error, 60, "protocol_error"},
    {errc::too_large, 61, "too_large"},
};

std::string read_text(const char* path) {
  std::string text;
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) return text;
  char block[4096];
  for (std::size_t n; (n = std::fread(block, 1, sizeof block, file)) > 0;) text.append(block, n);
  std::fclose(file);
  return text;
}

}  // namespace

TEST_CASE("error: each code keeps its number and its name") {
  for (const row& r : codes) {
    CHECK(static_cast<int>(r.code) == r.number);
    CHECK(std::strcmp(frys::name_of(r.code), r.name) == 0);
  }
}

TEST_CASE("error: no number outside the table has a name") {
  std::set<int> listed;
  for (const row& r : codes) listed.insert(r.number);
  CHECK(listed.size() == std::size(codes));
  for (int n = 0; n < 1000; ++n) {
    const bool known = std::strcmp(frys::name_of(static_cast<errc>(n)), "unknown") != 0;
    CHECK(known == (listed.count(n) == 1));
  }
}

TEST_CASE("error: docs/errors.md lists exactly the codes that exist") {
  const std::string page = read_text("docs/errors.md");
  if (page.empty()) {
    MESSAGE("docs/errors.md is not below the working directory: not compared");
    return;
  }
  std::size_t rows = 0;
  for (const row& r : codes) {
    const std::string line = "| " + std::to_string(r.number) + " | `" + r.name + "` |";
    CHECK_MESSAGE(page.find(line) != std::string::npos, "missing: " << line);
  }
  for (std::size_t at = 0; (at = page.find("\n| ", at)) != std::string::npos; at += 3)
    if (page[at + 3] >= '0' && page[at + 3] <= '9') ++rows;
  CHECK(rows == std::size(codes));
}

TEST_CASE("error: every domain has its room's name") {
  const char* rooms[] = {"core",    "memory", "queue", "simd",   "sched",   "io",
                         "storage", "search", "net",   "plugin", "runtime", "sim"};
  for (std::size_t i = 0; i < std::size(rooms); ++i)
    CHECK(std::strcmp(frys::name_of(static_cast<frys::domain>(i)), rooms[i]) == 0);
  CHECK(std::strcmp(frys::name_of(frys::domain::user), "user") == 0);
  CHECK(std::strcmp(frys::name_of(static_cast<frys::domain>(99)), "unknown") == 0);
}

TEST_CASE("error: equal means the same code from the same room; message and number are for people") {
  const frys::error a{errc::full, frys::domain::queue, "one", 1};
  const frys::error b{errc::full, frys::domain::queue, "two", 2};
  const frys::error c{errc::full, frys::domain::net, "one", 1};
  CHECK(a == b);
  CHECK(a != c);
  CHECK(a == errc::full);
  CHECK(errc::full == a);
  CHECK(a != errc::closed);
  constexpr frys::error none;
  static_assert(none.number == 0);
}
