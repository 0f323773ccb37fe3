// Recorded requests of real programs (record/record.sh), played again in a process of its own: the most bytes that were
// asked for at once by the most bytes that were resident for them, and CPU ns per allocation with its release. Every
// page of every block is written.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>

#include "../adapters/heaps.hpp"
#include "../adapters/resident.hpp"

inline constexpr std::array<const char*, 3> trace_names{"compiler", "index", "kernel"};

struct trace {
  std::span<const unsigned char> bytes;
  std::size_t allocations = 0, peak = 0, peak_at = 0;  // peak_at: after so many allocations
};

// f(size) for an allocation, g(number) for a release.
template <class Make, class Drop>
void play(const trace& t, Make make, Drop drop) {
  std::uint64_t made = 0, value = 0;
  unsigned shift = 0;
  for (const unsigned char byte : t.bytes) {
    value |= std::uint64_t{byte & 127u} << shift;
    shift += 7;
    if (byte >= 128) continue;
    if (value % 2 == 0)
      make(made++, static_cast<std::size_t>(value / 2));
    else
      drop(made - value / 2);
    value = 0, shift = 0;
  }
}

// Reads into memory of no heap: what the program's malloc did before must not show in its row.
inline trace read_trace(const std::string& name) {
  constexpr std::size_t room = std::size_t{64} << 20;
  static std::array<shared_array<unsigned char>, 3> places{
      shared_array<unsigned char>(room), shared_array<unsigned char>(room), shared_array<unsigned char>(room)};
  static std::size_t next = 0;
  trace t;
  std::FILE* pipe = ::popen(("xz -dc '" BENCH_DIRECTORY "/traces/" + name + ".xz'").c_str(), "r");
  if (pipe == nullptr) return t;
  unsigned char* const place = places.at(next++).data();
  t.bytes = {place, std::fread(place, 1, room, pipe)};
  ::pclose(pipe);
  shared_array<std::size_t> sizes(t.bytes.size());
  std::size_t live = 0;
  play(
      t,
      [&](std::uint64_t number, std::size_t size) {
        sizes.data()[number] = size;
        live += size;
        t.allocations = number + 1;
        if (live > t.peak) t.peak = live, t.peak_at = t.allocations;
      },
      [&](std::uint64_t number) { live -= sizes.data()[number]; });
  return t;
}

inline const std::array<trace, 3>& traces() {
  static const std::array<trace, 3> all{read_trace(trace_names[0]), read_trace(trace_names[1]),
                                        read_trace(trace_names[2])};
  return all;
}

struct trace_answer {
  double efficiency = 0, time = 0;
  bool kept = true;
};

// The live blocks are in a table of their own, which is written before the first measurement.
struct played_block {
  std::uint64_t* at;
  std::size_t size;
};

inline trace_answer play_in(heap_functions heap, const trace& t, played_block* blocks) {
  trace_answer a;
  for (std::size_t i = 0; i < t.allocations; ++i) blocks[i] = {nullptr, 0};
  // Often enough for the peak, seldom enough not to be what is measured; and where the asked bytes have theirs.
  const std::size_t step = t.allocations / 200 + 1;
  const double before = resident_bytes();
  double most = 0, looking = 0;
  const double start = bench::thread_cpu_ns();
  play(
      t,
      [&](std::uint64_t number, std::size_t size) {
        auto* p = static_cast<std::uint64_t*>(heap.allocate(size));
        blocks[number] = {p, size};
        if (size >= sizeof(std::uint64_t)) *p = number;
        for (std::size_t page = 4096; page < size; page += 4096) reinterpret_cast<char*>(p)[page] = 1;
        if ((number + 1) % step != 0 && number + 1 != t.peak_at) return;
        const double now = bench::thread_cpu_ns();
        most = std::max(most, resident_bytes() - before);
        looking += bench::thread_cpu_ns() - now;
      },
      [&](std::uint64_t number) {
        const played_block b = blocks[number];
        if (b.size >= sizeof(std::uint64_t)) a.kept = a.kept && *b.at == number;
        heap.release(b.at);
      });
  a.time = (bench::thread_cpu_ns() - start - looking) / static_cast<double>(t.allocations);
  a.efficiency = static_cast<double>(t.peak) / most;
  return a;
}

inline bench::outcome measure(const bench::settings&, heap_functions heap) {
  bench::outcome o;
  for (std::size_t i = 0; i < trace_names.size(); ++i) {
    const trace& t = traces()[i];
    if (t.allocations == 0) {
      bench::check(false, "a trace is missing; is xz-utils installed?");
      continue;
    }
    shared_array<played_block> blocks(t.allocations);
    const trace_answer a = in_child([&] { return play_in(heap, t, blocks.data()); });
    bench::check(a.kept, "the first words");
    o.measures.push_back(
        {std::string(trace_names[i]) + "_asked_by_resident", "x", bench::better::higher, a.efficiency});
    if (t.allocations > 1000)  // page faults and little else
      o.measures.push_back({std::string(trace_names[i]) + "_time", "ns", bench::better::lower, a.time});
  }
  return o;
}
