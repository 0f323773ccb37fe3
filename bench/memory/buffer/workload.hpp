// Received bytes on their way: a block of 4 KiB holds 16 messages of 256 bytes; each is cut out as a slice that keeps
// the block, handed on (moved), copied once for a second reader, and dropped by both. ns per message. And a block of
// 256 bytes that is made, and dropped by its only owner.
#pragma once
#include "harness.hpp"

#include <utility>

// A contender has `make(size)`, a shared piece of memory that begins with `size` bytes; `slice(piece, offset, size)`;
// and `data(piece)`.
template <class Peer>
bench::outcome messages(const bench::settings& settings, Peer peer) {
  constexpr std::size_t pieces = 16, size = 256;
  const std::size_t rounds = settings.scaled(300'000);
  auto block = peer.make(pieces * size);
  for (std::size_t i = 0; i < pieces; ++i) peer.data(block)[i * size] = static_cast<std::byte>(i);
  std::uint64_t sum = 0;
  double start = bench::thread_cpu_ns();
  for (std::size_t r = 0; r < rounds; ++r) {
    for (std::size_t i = 0; i < pieces; ++i) {
      auto message = peer.slice(block, i * size, size);
      bench::keep(message);
      auto handed = std::move(message);
      auto second = handed;
      bench::keep(second);
      sum += static_cast<std::uint64_t>(peer.data(handed)[0]) + static_cast<std::uint64_t>(peer.data(second)[0]);
    }
  }
  const double passed = bench::thread_cpu_ns() - start;
  bench::check(sum == rounds * pieces * (pieces - 1), "the first bytes of the messages");

  const std::size_t n = settings.scaled(3'000'000);
  start = bench::thread_cpu_ns();
  for (std::size_t i = 0; i < n; ++i) {
    auto fresh = peer.make(size);
    bench::keep(fresh);
    peer.data(fresh)[0] = static_cast<std::byte>(i);
  }
  const double made = bench::thread_cpu_ns() - start;
  const double ops = static_cast<double>(rounds * pieces);
  return {ops,
          {{"slice_share_drop", "ns", bench::better::lower, passed / ops},
           {"make_drop", "ns", bench::better::lower, made / static_cast<double>(n)}}};
}
