// One producer and one consumer on two cores that hand over many elements at a time, in pieces of up to 64: in place
// where the queue can, else by its bulk form, else one by one. ns per element.
#pragma once
#include <algorithm>
#include <array>
#include <span>

#include "../common.hpp"

inline constexpr std::size_t piece = 64;

// A Queue has write(next, last): pushes next, next + 1, ... below last, up to a piece, and answers how many; and
// read(sum): adds what it takes, up to a piece, to sum, and answers how many.
template <class Queue>
bench::outcome hand_over(const bench::settings& settings) {
  const std::uint64_t n = settings.scaled(20'000'000);
  auto queue = std::make_unique<Queue>();
  std::uint64_t sum = 0;
  const double time = bench::on_threads(2, [&](unsigned me) {
    if (me == 0) {
      patience p;
      for (std::uint64_t next = 1; next <= n;) {
        const std::size_t did = queue->write(next, n + 1);
        next += did;
        if (did != 0)
          p = patience();
        else
          p.wait();
      }
    } else {
      patience p;
      for (std::uint64_t got = 0; got < n;) {
        const std::size_t did = queue->read(sum);
        got += did;
        if (did != 0)
          p = patience();
        else
          p.wait();
      }
    }
  });
  bench::check(sum == n * (n + 1) / 2, "the sum");
  return {static_cast<double>(n), {{"element", "ns", bench::better::lower, time / static_cast<double>(n)}}};
}

// For queues that take one element at a time.
template <class Queue>
struct one_by_one {
  Queue q;
  std::size_t write(std::uint64_t next, std::uint64_t last) {
    std::size_t did = 0;
    while (did < piece && next + did < last && q.try_push(next + did)) ++did;
    return did;
  }
  std::size_t read(std::uint64_t& sum) {
    std::size_t did = 0;
    for (std::uint64_t v = 0; did < piece && q.try_pop(v); ++did) sum += v;
    return did;
  }
};

// For queues that take an array at a time.
template <class Queue>
struct in_bulk {
  Queue q;
  std::size_t write(std::uint64_t next, std::uint64_t last) {
    std::array<std::uint64_t, piece> values;
    const std::size_t n = (std::min)(piece, static_cast<std::size_t>(last - next));
    for (std::size_t i = 0; i < n; ++i) values[i] = next + i;
    return q.push_some(values.data(), n);
  }
  std::size_t read(std::uint64_t& sum) {
    std::array<std::uint64_t, piece> values;
    const std::size_t n = q.pop_some(values.data(), piece);
    for (std::size_t i = 0; i < n; ++i) sum += values[i];
    return n;
  }
};

template <class Queue>
bench::outcome measure(const bench::settings& settings) {
  if constexpr (requires { &Queue::write; })
    return hand_over<Queue>(settings);
  else if constexpr (requires { &Queue::push_some; })
    return hand_over<in_bulk<Queue>>(settings);
  else
    return hand_over<one_by_one<Queue>>(settings);
}
