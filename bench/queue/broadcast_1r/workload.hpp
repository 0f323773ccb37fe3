// A broadcast ring of 1024 with one producer and one reader on two cores: what the reader that spsc_ring could serve
// alone costs. ns per element, one at a time and by spans of at most 64.
#pragma once
#include <algorithm>
#include <span>

#include "../common.hpp"

// A Stream has try_push(value), try_pop(value); write(most, f) and read(most, f), which call f with a span and answer
// how many elements it had, 0 for "not now".
// `Less`: a contender that takes microseconds per element is measured on fewer.
template <class Stream, std::size_t Less = 1>
bench::outcome measure(const bench::settings& settings) {
  const std::size_t n = settings.scaled(4'000'000) / 64 / Less * 64;
  const std::uint64_t expected = std::uint64_t{n} * (n + 1) / 2;
  const double ops = static_cast<double>(n);
  double single = 0, spans = 0;
  {
    const auto stream = std::make_unique<Stream>();
    std::uint64_t sum = 0;
    single = bench::on_threads(2, [&](unsigned me) {
      if (me == 0) {
        for (std::uint64_t i = 1; i <= n; ++i) push(*stream, i);
      } else {
        std::uint64_t mine = 0;
        for (std::uint64_t i = 0; i < n; ++i) mine += pop(*stream);
        sum = mine;
      }
    });
    bench::check(sum == expected, "the sum");
  }
  {
    const auto stream = std::make_unique<Stream>();
    std::uint64_t sum = 0;
    spans = bench::on_threads(2, [&](unsigned me) {
      if (me == 0) {
        std::uint64_t next = 1;
        patience p;
        while (next <= n) {
          const std::size_t most = static_cast<std::size_t>((std::min)(std::uint64_t{64}, n + 1 - next));
          const std::size_t did = stream->write(most, [&](std::span<std::uint64_t> room) {
            for (std::uint64_t& v : room) v = next++;
          });
          if (did == 0)
            p.wait();
          else
            p = {};
        }
      } else {
        std::uint64_t mine = 0;
        patience p;
        for (std::size_t got = 0; got < n;) {
          const std::size_t did = stream->read(64, [&](std::span<const std::uint64_t> values) {
            for (const std::uint64_t v : values) mine += v;
          });
          got += did;
          if (did == 0)
            p.wait();
          else
            p = {};
        }
        sum = mine;
      }
    });
    bench::check(sum == expected, "the sum by spans");
  }
  return {0,
          {{"element", "ns", bench::better::lower, single / ops},
           {"element by spans", "ns", bench::better::lower, spans / ops}}};
}
