#include <frys/memory/tracked.hpp>

#include <cstddef>
#include <string_view>

#include "blocks.hpp"

namespace {

using namespace blocks;

// A block of its own for each tag's first byte, so that the body does not depend on a heap.
struct places {
  alignas(16) std::byte memory[2][64];
  frys::result<void*> allocate(std::size_t, std::size_t, const frys::allocation_site& site) noexcept {
    return static_cast<void*>(memory[site.line]);
  }
  frys::result<void*> allocate(std::size_t, std::size_t) noexcept { return static_cast<void*>(memory[0]); }
  void deallocate(void*, std::size_t, std::size_t) noexcept {}
};
using counted = frys::tracked<places, with_model, frys::policy::tags<2>>;

// Both bring the same tag, and it is there once, with both counts.
void one_tag() {
  counted a;
  const auto take = [&a](unsigned line) {
    auto p = a.allocate(8, 8, {"tag", "", line});
    a.deallocate(*p, 8, 8);
  };
  model::threads([&] { take(0); }, [&] { take(1); });
  const frys::memory_counts c = a.counts_of("tag");
  model::require(c.total_count == 2 && c.live_bytes == 0 && c.total_bytes == 16, "no count is lost");
  model::require(c.peak_bytes == 8 || c.peak_bytes == 16, "the peak is one that was");
  int tags = 0;
  a.for_each_tag([&tags](std::string_view, const frys::memory_counts&) { ++tags; });
  model::require(tags == 2, "none, and the one");
}

// Who sees a tag sees its name.
void seen_tag() {
  counted a;
  model::threads(
      [&] {
        static_cast<void>(a.allocate(8, 8, {"tag", "", 0}));
      },
      [&] {
        a.for_each_tag([](std::string_view tag, const frys::memory_counts&) {
          model::require(tag.empty() || tag == "tag", "a tag has its name");
        });
      });
}

TEST_CASE("tracked under the model: two threads count for one tag") { holds_mostly(&one_tag); }
TEST_CASE("tracked under the model: who sees a tag sees its name") { holds(&seen_tag); }

}  // namespace
