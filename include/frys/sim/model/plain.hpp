// plain: who has used each plain object, and whether it lives.
//
// Threads  one: this is one execution's state.
#ifndef FRYS_SIM_MODEL_PLAIN_HPP
#define FRYS_SIM_MODEL_PLAIN_HPP

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "memory.hpp"

namespace frys::inline FRYS_ABI::sim::model::detail {

// The last uses of one plain object.
struct shadow {
  enum : std::uint8_t { unknown, lives, is_over };
  const void* address = nullptr;
  std::uint64_t run = 0;
  std::uint16_t read[most_threads] = {};  // each thread's next event at its last read; 0: none
  std::uint16_t written = 0;              // the writer's likewise
  std::uint8_t writer = 0;
  std::uint8_t state = unknown;
  site write_site, read_site;
};

// By address; open addressing. Entries of earlier executions count as empty places.
class shadow_table {
 public:
  void reset(std::uint64_t run) noexcept {
    run_ = run;
    count_ = 0;
  }
  // Grows for new addresses only: whoever walks over the table may look up what is there.
  shadow& at(const void* address) {
    if (table_.empty()) grow();
    const auto start =
        static_cast<std::size_t>((reinterpret_cast<std::uintptr_t>(address) >> 2) * 0x9E3779B97F4A7C15u >> 20);
    for (std::size_t h = start;; ++h) {
      shadow& s = table_[h & (table_.size() - 1)];
      if (s.run == run_ && s.address == address) return s;
      if (s.run != run_) {
        if (count_ * 2 >= table_.size()) {
          grow();
          return at(address);
        }
        s = shadow{};
        s.address = address;
        s.run = run_;
        ++count_;
        return s;
      }
    }
  }
  template <class F>
  void for_each(F&& f) {
    for (shadow& s : table_)
      if (s.run == run_) f(s);
  }

 private:
  void grow() {
    std::vector<shadow> old = std::move(table_);
    table_ = std::vector<shadow>(old.empty() ? 256 : old.size() * 2);
    count_ = 0;
    for (const shadow& s : old)
      if (s.run == run_) at(s.address) = s;
  }

  std::vector<shadow> table_;
  std::size_t count_ = 0;
  std::uint64_t run_ = 0;
};

}  // namespace frys::inline FRYS_ABI::sim::model::detail

#endif  // FRYS_SIM_MODEL_PLAIN_HPP
