#include <frys/memory/heap.hpp>

#include <doctest/doctest.h>

#include <bit>
#include <cstddef>

namespace {
template <std::size_t Largest>
void each_size() {
  using classes = frys::detail::size_classes<Largest>;
  std::size_t wrong = 0;
  for (std::size_t n = 0; n <= Largest; ++n) {
    const unsigned c = classes::of(n);
    const std::size_t has = classes::size(c);
    if (c >= classes::count || has < n || has % 16 != 0) ++wrong;
    if (c > 0 && classes::size(c - 1) >= n) ++wrong;                      // a smaller class would do
    if (n > 128 && has - n >= (n <= 8192 ? n / 8 : n / 4) + 16) ++wrong;  // more is lost than was promised
    if (n <= classes::quick_limit ? classes::quick(n) != c : classes::beyond(n) != c) ++wrong;
  }
  CHECK(wrong == 0);
  for (std::size_t p = 16; p <= Largest; p *= 2) CHECK(classes::size(classes::of(p)) == p);
}

template <std::size_t ChunkBytes>
void each_slab() {
  using geometry = frys::detail::heap_geometry<ChunkBytes>;
  CHECK(sizeof(typename geometry::chunk) * 50 <= ChunkBytes);  // the header: less than 2 %
  for (unsigned c = 0; c < geometry::classes::count; ++c) {
    const std::size_t size = geometry::classes::size(c), all = geometry::slab_units(c) * geometry::unit_bytes;
    CHECK(all >= size);
    CHECK(geometry::slab_units(c) + geometry::header_units <= geometry::units);
    if (all >= 2 * size) CHECK(all % size * 15 <= all);
  }
}
}  // namespace

TEST_CASE("size_classes: each size has the least class that holds it, and loses what was promised at most") {
  each_size<512 * 1024>();
  each_size<8192>();
  each_size<128 * 1024>();
}

TEST_CASE("size_classes: slabs lose a fifteenth at their end at most, and headers are small") {
  each_slab<64 * 1024>();
  each_slab<1024 * 1024>();
  each_slab<4 * 1024 * 1024>();
}

TEST_CASE("bit_set: runs are found where they are") {
  frys::detail::bit_set<200> bits;
  unsigned longest = 0;
  CHECK(bits.run(1, longest) == 200);
  CHECK(bits.next<false>(0) == 0);
  bits.set(3, 5);
  bits.set(60, 70);  // over the ends of words
  bits.set(199);
  CHECK(bits.count() == 76);
  CHECK(bits.run(5, longest) == 3);
  CHECK(longest == 0);
  CHECK(bits.run(6, longest) == 60);
  CHECK(longest == 5);
  CHECK(bits.run(70, longest) == 60);
  CHECK(bits.run(71, longest) == 200);
  CHECK(longest == 70);
  CHECK(bits.next<true>(130) == 199);
  CHECK(bits.next<false>(60) == 130);
  bits.clear(60, 69);
  CHECK(bits.test(129));
  CHECK(bits.run(2, longest) == 3);
}
