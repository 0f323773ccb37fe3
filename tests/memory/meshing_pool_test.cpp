#include <frys/memory/meshing_pool.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <vector>

#include "counting_pages.hpp"

// Where the system cannot show a page twice, the pool says so, and there is nothing else to test.
#if FRYS_OS_LINUX

namespace {

namespace policy = frys::policy;
using counted = counting_pages<62>;

// The system's frames, until they are told to refuse.
struct refusing_frames {
  inline static int creates = 1'000'000, shows = 1'000'000;
  struct area : frys::os_page_frames::area {
    explicit area(frys::os_page_frames::area&& a = {}) : frys::os_page_frames::area(std::move(a)) {}
    frys::result<void> show(std::uint32_t page, std::uint32_t frame) noexcept {
      if (shows-- <= 0) return frys::error{frys::errc::out_of_memory, frys::domain::user, "refused by the test", 0};
      return frys::os_page_frames::area::show(page, frame);
    }
  };
  static frys::result<area> create(std::size_t size) {
    if (creates-- <= 0) return frys::error{frys::errc::out_of_memory, frys::domain::user, "refused by the test", 0};
    auto made = frys::os_page_frames::create(size);
    if (!made) return made.error();
    return area(*std::move(made));
  }
};

struct piece {
  std::byte* at = nullptr;
  std::byte pattern{};
};
template <class Pool>
piece take(Pool& pool, std::uint32_t n) {
  auto made = pool.allocate();
  REQUIRE(made);
  piece p{static_cast<std::byte*>(*made), std::byte(n * 37 + 1)};
  std::memset(p.at, static_cast<int>(p.pattern), Pool::block_size);
  return p;
}
template <class Pool>
bool intact(const piece& p) {
  return std::all_of(p.at, p.at + Pool::block_size, [&](std::byte b) { return b == p.pattern; });
}

// Allocates, frees and meshes at random; each block keeps its address and what is in it.
template <class Pool>
void crowd(std::uint32_t seed, int steps) {
  Pool pool;
  std::mt19937 random(seed);
  std::vector<piece> live;
  std::set<std::byte*> addresses;
  std::size_t wrong = 0;
  for (int i = 0; i < steps; ++i) {
    const bool grows = i / 2000 % 2 == 0;  // crowds come and go
    if (random() % 8 < (grows ? 6u : 2u)) {
      live.push_back(take(pool, static_cast<std::uint32_t>(random())));
      if (!addresses.insert(live.back().at).second || !pool.owns(live.back().at)) ++wrong;
    } else if (!live.empty()) {
      piece& p = live[random() % live.size()];
      if (!intact<Pool>(p)) ++wrong;
      addresses.erase(p.at);
      pool.deallocate(p.at);
      p = live.back();
      live.pop_back();
    }
    if (random() % 500 == 0) pool.mesh(random() % 2 == 0 ? 5 : 1'000'000);
  }
  CHECK(pool.size() == live.size());
  for (const piece& p : live) {
    if (!intact<Pool>(p)) ++wrong;
    pool.deallocate(p.at);
  }
  CHECK(wrong == 0);
  CHECK(pool.size() == 0);
}

template <std::size_t Size>
double after_half(std::size_t count) {
  frys::meshing_pool<Size> pool;
  std::vector<piece> all;
  for (std::uint32_t i = 0; i < count; ++i) all.push_back(take(pool, i));
  std::mt19937 random(7);
  std::shuffle(all.begin(), all.end(), random);
  for (std::size_t i = count / 2; i < count; ++i) pool.deallocate(all[i].at);
  all.resize(count / 2);
  const std::size_t live = all.size() * Size;
  CHECK(static_cast<double>(pool.committed()) > 1.9 * static_cast<double>(live));
  for (int round = 0; round < 3; ++round) pool.mesh();
  std::size_t wrong = 0;
  for (const piece& p : all) wrong += intact<frys::meshing_pool<Size>>(p) ? 0u : 1u;
  CHECK(wrong == 0);
  return static_cast<double>(pool.committed()) / static_cast<double>(live);
}

}  // namespace

TEST_CASE("meshing_pool: blocks keep their addresses and their bytes while pages are laid together") {
  crowd<frys::meshing_pool<256, policy::pages<counted>, policy::chunk_size<1 << 20>>>(1, 12'000);
  crowd<frys::meshing_pool<100, policy::chunk_size<1 << 18>>>(2, 12'000);
  crowd<frys::meshing_pool<2048, policy::chunk_size<1 << 22>>>(3, 6'000);
  crowd<frys::meshing_pool<64>>(4, 6'000);
  CHECK(counted::held == 0);
}

TEST_CASE("meshing_pool: half of the blocks gone at random, it holds less than 1.4 times the rest") {
  CHECK(after_half<256>(200'000) <= 1.4);
  CHECK(after_half<512>(40'000) <= 1.4);
  CHECK(after_half<1024>(20'000) <= 1.4);
}

TEST_CASE("meshing_pool: pages without blocks give their memory back") {
  frys::meshing_pool<512, policy::chunk_size<1 << 20>> pool;
  std::vector<piece> all;
  for (std::uint32_t i = 0; i < 2000; ++i) all.push_back(take(pool, i));
  const std::size_t before = pool.committed();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i % 3 != 0) pool.deallocate(all[i].at);
  const std::size_t given = pool.mesh();
  CHECK(given > 0);
  CHECK(pool.committed() == before - given * frys::page_size);
  for (std::size_t i = 0; i < all.size(); i += 3) pool.deallocate(all[i].at);
  CHECK(pool.committed() < 200'000);
  for (std::uint32_t i = 0; i < 2000; ++i) all[i] = take(pool, i);
  std::size_t wrong = 0;
  for (const piece& p : all) wrong += intact<decltype(pool)>(p) ? 0u : 1u;
  CHECK(wrong == 0);
  CHECK(pool.mesh() == 0);
}

TEST_CASE("meshing_pool: where mappings run out while it meshes, nothing is lost, and later it goes on") {
  using pool_type = frys::meshing_pool<256, policy::frames<refusing_frames>, policy::chunk_size<1 << 20>>;
  for (const int allowed : {0, 1, 2, 7, 30}) {
    refusing_frames::shows = 1'000'000;
    pool_type pool;
    std::vector<piece> all;
    for (std::uint32_t i = 0; i < 3000; ++i) all.push_back(take(pool, i));
    std::mt19937 random(static_cast<std::uint32_t>(allowed));
    std::shuffle(all.begin(), all.end(), random);
    for (std::size_t i = 800; i < all.size(); ++i) pool.deallocate(all[i].at);
    all.resize(800);
    if (allowed == 30) pool.mesh(60);  // frames with several pages: those may be moved in part
    refusing_frames::shows = allowed;
    CHECK(pool.mesh() <= static_cast<std::size_t>(allowed));
    std::size_t wrong = 0;
    for (const piece& p : all) wrong += intact<pool_type>(p) ? 0u : 1u;
    for (std::size_t i = 400; i < 800; ++i) pool.deallocate(all[i].at);  // pages that cannot leave stay
    all.resize(400);
    refusing_frames::shows = 1'000'000;
    CHECK(pool.mesh() > 0);
    for (std::uint32_t i = 0; i < 2000; ++i) all.push_back(take(pool, i));
    for (const piece& p : all) wrong += intact<pool_type>(p) ? 0u : 1u;
    for (const piece& p : all) pool.deallocate(p.at);
    CHECK(wrong == 0);
    CHECK(pool.size() == 0);
  }
}

TEST_CASE("meshing_pool: refusals say why and lose nothing") {
  using pool_type = frys::meshing_pool<256, policy::frames<refusing_frames>, policy::pages<counted>,
                                       policy::chunk_size<1 << 16>, policy::limit<1 << 17>>;
  {
    pool_type pool;
    counted::refuses = true;
    CHECK(!pool.allocate());
    counted::refuses = false;
    refusing_frames::creates = 0;
    const auto none = pool.allocate();
    refusing_frames::creates = 1'000'000;
    REQUIRE(!none);
    CHECK(none.error().code == frys::errc::out_of_memory);
    CHECK(counted::held == 0);
    const auto large = pool.allocate(257);
    REQUIRE(!large);
    CHECK(large.error().code == frys::errc::limit_exceeded);
    CHECK(!pool.allocate(10, 512));
    std::size_t count = 0;
    auto block = pool.allocate();
    for (; block; block = pool.allocate()) ++count;
    CHECK(block.error().code == frys::errc::limit_exceeded);
    CHECK(count == (1 << 17) / 256);
    counted::refuses = true;  // the list that mesh wants
    CHECK(pool.mesh() == 0);
    counted::refuses = false;
    int outside = 0;
    CHECK(!pool.owns(&outside));
  }
  CHECK(counted::held == 0);
}

TEST_CASE("os_page_frames: two pages show one frame; a frame that is dropped is zeros; errors") {
  auto area = frys::os_page_frames::create(4 * frys::page_size);
  REQUIRE(area);
  volatile std::byte* const bytes = area->bytes().data();
  bytes[0] = std::byte{1};
  bytes[frys::page_size] = std::byte{2};
  REQUIRE(area->show(1, 0));
  CHECK(bytes[frys::page_size] == std::byte{1});
  bytes[frys::page_size + 5] = std::byte{3};
  CHECK(bytes[5] == std::byte{3});
  REQUIRE(area->show(2, 1));
  CHECK(bytes[2 * frys::page_size] == std::byte{2});
  area->drop(1);
  CHECK(bytes[2 * frys::page_size] == std::byte{0});
  const auto none = frys::os_page_frames::create(0);
  REQUIRE(!none);
  CHECK(none.error().code == frys::errc::invalid_argument);
  CHECK(!frys::os_page_frames::create(~std::size_t{0}));
}

#endif  // Linux
