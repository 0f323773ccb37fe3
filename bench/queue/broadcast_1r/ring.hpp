// frys' rings as Streams.
#pragma once
#include "../adapters/frys.hpp"
#include "workload.hpp"

namespace {

// What elements are read from: the ring itself, or a reader of it.
template <class Ring, class Reader = Ring&>
struct frys_stream {
  Ring ring;
  Reader reader = [this]() -> Reader {
    if constexpr (std::is_reference_v<Reader>)
      return ring;
    else
      return ring.reader();
  }();
  bool try_push(std::uint64_t v) { return static_cast<bool>(ring.try_push(v)); }
  bool try_pop(std::uint64_t& v) { return pop_from(reader, v); }
  template <class F>
  std::size_t write(std::size_t most, F f) {
    const auto room = ring.writable(most);
    f(room);
    ring.commit(room.size());
    return room.size();
  }
  template <class F>
  std::size_t read(std::size_t most, F f) {
    const auto values = reader.readable(most);
    f(values);
    reader.consume(values.size());
    return values.size();
  }
};

}  // namespace
