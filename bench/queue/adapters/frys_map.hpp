// frys' map as a Map, see ../maps.hpp.
#pragma once
#include <sched.h>

#include <cstdint>

#include <frys/queue/sharded_map.hpp>

namespace {
// Not a word to the map: entries with it are allocated.
struct boxed {
  boxed(std::uint64_t v) : value(v) {}
  ~boxed() {}
  operator std::uint64_t() const { return value; }
  std::uint64_t value;
};
template <class Value = std::uint64_t>
struct frys_map {
  // Room for what is replaced while a reader that the system has stopped holds it.
  using domain_type = frys::epoch_domain<frys::policy::garbage<1 << 20>>;
  using type = frys::sharded_map<std::uint64_t, Value, frys::policy::reclaimer<domain_type>>;
  domain_type domain;
  type m;
  struct end {
    type& m;
    type::participant own;
    bool get(std::uint64_t key, std::uint64_t& value) {
      const auto found = m.find(own, key);
      if (!found) return false;
      value = *found;
      return true;
    }
    void put(std::uint64_t key, std::uint64_t value) {
      while (!m.insert_or_assign(own, key, value)) ::sched_yield();
    }
    void drop(std::uint64_t key) {
      while (!m.erase(own, key)) ::sched_yield();
    }
  };
  end seat() { return {m, *domain.join()}; }
};
}  // namespace
