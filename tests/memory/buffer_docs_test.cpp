// The code of docs/memory.md that is about buffers and how they part.
#include <frys/core/bytes.hpp>
#include <frys/memory/buffer.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace {

// [region parting]
// A session's name is cut out of what it received, kept for hours, and written in capitals for the log.
frys::result<frys::buffer> name_of(const frys::buffer& received, std::size_t size) {
  frys::buffer name = received.slice(0, size);
  // Less than a quarter of the block: 10 bytes shall not keep 4 KiB until the session ends.
  if (auto moved = name.compact_if(0.25); !moved) return moved.error();
  return name;
}
frys::result<frys::buffer> in_capitals(frys::buffer name) {
  if (auto own = name.unshare(); !own) return own.error();  // copied only if others have it, too
  for (std::byte& b : name.span())
    if (const char c = static_cast<char>(b); c >= 'a' && c <= 'z') b = static_cast<std::byte>(c - 'a' + 'A');
  return name;
}
// [endregion parting]

}  // namespace

TEST_CASE("docs: a name that is cut out of a block does not keep it, and is changed in a copy") {
  frys::buffer received = *frys::buffer::allocate(4096);
  constexpr std::string_view text = "ada of the long message";
  std::ranges::copy(frys::as_bytes(text), received.data());
  auto name = name_of(received, 3);
  REQUIRE(name);
  CHECK(received.is_unique());
  auto capitals = in_capitals(*name);
  REQUIRE(capitals);
  CHECK(capitals->text() == "ADA");
  CHECK(name->text() == "ada");
}
