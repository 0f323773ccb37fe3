#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "../../examples/kernel/record.hpp"
#include "../../examples/kernel/store.hpp"

namespace {

using kernel::effect;
using kernel::effect_kind;

std::string encode(std::uint64_t stamp, const std::vector<effect>& effects) {
  std::string record(kernel::record_size(effects), '\0');
  kernel::encode_record(reinterpret_cast<std::byte*>(record.data()), stamp, effects);
  return record;
}

const std::string vector_bytes("\0\0\x80?\0\0\0@", 8);  // 1, 2

std::vector<effect> every_kind() {
  return {{effect_kind::flush, {}, {}, {}, 0},
          {effect_kind::set, "key", "value", {}, 123456},
          {effect_kind::set, "", "", {}, 0},
          {effect_kind::append, "key", "more", {}, 0},
          {effect_kind::expire, "key", {}, {}, 7},
          {effect_kind::erase, "", {}, {}, 0},
          {effect_kind::vector_add, "v", "element", vector_bytes, 0},
          {effect_kind::vector_remove, "v", "nosuch", {}, 0}};
}

}  // namespace

TEST_CASE("record: every kind of effect comes back as it was written") {
  const std::vector<effect> effects = every_kind();
  const std::string record = encode(42, effects);
  kernel::record_reader reader(frys::as_bytes(record));
  CHECK(reader.stamp() == 42);
  effect e;
  for (const effect& wanted : effects) {
    REQUIRE(reader.next(e));
    CHECK(e.kind == wanted.kind);
    CHECK(e.key == wanted.key);
    CHECK(e.value == wanted.value);
    CHECK(e.extra == wanted.extra);
    CHECK(e.time_ms == wanted.time_ms);
  }
  CHECK_FALSE(reader.next(e));
  CHECK(reader.status().has_value());
  kernel::store s;
  kernel::record_reader again(frys::as_bytes(record));
  while (again.next(e)) CHECK(s.apply(e).has_value());
  CHECK(s.size() == 2);
  CHECK(s.find("key", 0)->text() == "valuemore");
  CHECK(s.find("v", 0)->vectors()->size() == 1);
}

TEST_CASE("record: a cut record is refused, wherever it is cut") {
  const std::string record = encode(1, {{effect_kind::set, "key", std::string(300, 'v'), {}, 5}});
  CHECK(kernel::check_record(frys::as_bytes(record)).has_value());
  for (std::size_t n = 0; n < record.size(); ++n)
    CHECK_MESSAGE(!kernel::check_record(frys::as_bytes(std::string_view(record).substr(0, n))), "cut at ", n);
}

TEST_CASE("record: another version and unknown effects are told apart from damage") {
  std::string record = encode(1, {{effect_kind::erase, "k", {}, {}, 0}});
  record[8] = 2;
  CHECK(kernel::check_record(frys::as_bytes(record)).error() == frys::errc::version_mismatch);
  record[8] = 1;
  record[9] = 99;
  CHECK(kernel::check_record(frys::as_bytes(record)).error() == frys::errc::corrupt);
}

TEST_CASE("record: any change of one byte is read without harm") {
  const std::string record = encode(9, every_kind());
  for (std::size_t at = 8; at < record.size(); ++at) {
    for (const int change : {1, 0x7f, 0x80, 0xff}) {
      std::string bad = record;
      bad[at] = static_cast<char>(bad[at] ^ change);
      kernel::store s;
      kernel::record_reader reader(frys::as_bytes(bad));
      effect e;
      while (reader.next(e)) (void)s.apply(e);
    }
  }
}

TEST_CASE("store: memory is counted, and all of it comes back") {
  kernel::store s;
  const std::size_t before = s.used_bytes();
  for (int i = 0; i < 1000; ++i) REQUIRE(s.set("key" + std::to_string(i), std::string(1000, 'v'), i % 2));
  CHECK(s.used_bytes() > 1'000'000);
  CHECK(s.expiring() == 500);
  for (int i = 0; i < 1000; ++i) REQUIRE(s.set("key" + std::to_string(i), "short", 0));
  CHECK(s.expiring() == 0);
  CHECK(s.used_bytes() < 1'000'000);
  for (int i = 0; i < 1000; ++i) CHECK(s.erase("key" + std::to_string(i)));
  CHECK(s.size() == 0);
  s.flush();
  CHECK(s.used_bytes() == before);
}

TEST_CASE("value: strings of every size around the inline limit") {
  for (std::size_t size = 0; size < 60; ++size) {
    kernel::value v;
    const std::string text(size, 'x');
    REQUIRE(v.assign(text));
    CHECK(v.text() == text);
    CHECK((v.heap_bytes() == 0) == (size <= 23));
    REQUIRE(v.append("tail"));
    CHECK(v.text() == text + "tail");
    kernel::value moved(std::move(v));
    CHECK(moved.text() == text + "tail");
    CHECK(v.text().empty());
    REQUIRE(moved.assign("y"));
    CHECK(moved.text() == "y");
    CHECK(moved.heap_bytes() == 0);
  }
}
