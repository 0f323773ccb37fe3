// 1,048,576 values of 64 bytes behind handles; half of them, at random, are erased; then whoever can move values
// together does. resident_per_live and reserved_per_live: bytes that the system has given, and that were asked of it,
// for each byte of a value that lives. get: the living ones in an order at random, before (get_full) and after. move:
// CPU time of the compaction per value moved. longest_step: CPU time of the longest compact(1024).
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "harness.hpp"

struct particle {
  explicit particle(std::uint64_t v) : value(v) {}
  std::uint64_t value;
  std::uint64_t rest[7]{};
};

inline double resident() {
  long size = 0, pages = 0;
  if (std::FILE* f = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(f, "%ld %ld", &size, &pages) != 2) pages = 0;
    std::fclose(f);
  }
  return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

struct figures {
  double resident_per_live, reserved_per_live, get_full, get, move, longest_step;
};

// Pool has a type handle, handle make(v), void drop(handle), particle* find(handle), double reserved() or -1,
// compact(longest&) -> values moved (0: it cannot), and void trim().
template <class Pool>
figures run(const bench::settings& settings) {
  const std::size_t most = settings.scaled(1 << 20);
  std::vector<typename Pool::handle> handles(most);
  std::uint64_t x = 1, sum = 0, put = 0;
  const auto shuffle = [&x](auto& v) {
    for (std::size_t i = v.size(); i-- > 1;) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      if (const std::size_t with = (x >> 33) % (i + 1); with != i) std::swap(v[i], v[with]);
    }
  };
  shuffle(handles);  // touches their memory
  const double before = resident();
  figures f{};
  {
    Pool pool;
    for (std::size_t i = 0; i < most; ++i) handles[i] = pool.make(i);
    shuffle(handles);
    for (std::size_t i = 0; i < most; ++i) put += i;
    const double get_full = [&] {
      const double start = bench::thread_cpu_ns();
      for (const auto h : handles) sum += pool.find(h)->value;
      return (bench::thread_cpu_ns() - start) / static_cast<double>(most);
    }();
    bench::check(sum == put, "the sum of all values");
    for (std::size_t i = most / 2; i < most; ++i) pool.drop(handles[i]);
    const std::size_t living = most / 2;
    double longest = 0;
    const double start = bench::thread_cpu_ns();
    const std::size_t moved = pool.compact(longest);
    const double move_time = bench::thread_cpu_ns() - start;
    pool.trim();
    const double live = static_cast<double>(living * sizeof(particle));
    f.resident_per_live = (resident() - before) / live;
    f.reserved_per_live = pool.reserved() / live;
    f.get_full = get_full;
    sum = put = 0;
    const double begin = bench::thread_cpu_ns();
    for (std::size_t i = 0; i < living; ++i) sum += pool.find(handles[i])->value;
    f.get = (bench::thread_cpu_ns() - begin) / static_cast<double>(living);
    bench::keep(sum);
    f.move = moved == 0 ? 0 : move_time / static_cast<double>(moved);
    f.longest_step = longest / 1000;
    for (std::size_t i = 0; i < living; ++i) pool.drop(handles[i]);
  }
  return f;
}

// In a process of its own: what a contender has left in the heap is nobody else's figure.
template <class Pool>
bench::outcome measure(const bench::settings& settings) {
  std::array<int, 2> ends{};
  bench::check(::pipe(ends.data()) == 0, "a pipe");
  const ::pid_t child = ::fork();
  if (child == 0) {
    const figures f = run<Pool>(settings);
    ::_exit(::write(ends[1], &f, sizeof(f)) == sizeof(f) ? 0 : 1);
  }
  figures f{};
  ::close(ends[1]);
  bench::check(::read(ends[0], &f, sizeof(f)) == sizeof(f), "the child's figures");
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  const auto lower = bench::better::lower;
  std::vector<bench::measure> rows{{"resident_per_live", "ratio", lower, f.resident_per_live}};
  if (f.reserved_per_live > 0) rows.push_back({"reserved_per_live", "ratio", lower, f.reserved_per_live});
  rows.push_back({"get_full", "ns", lower, f.get_full});
  rows.push_back({"get", "ns", lower, f.get});
  if (f.move > 0) {
    rows.push_back({"move", "ns", lower, f.move});
    rows.push_back({"longest_step", "us", lower, f.longest_step});
  }
  return {0, rows};
}
