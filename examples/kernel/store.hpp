// store: the keys of one owner: strings and vector sets, with their expiry.
//
// Threads  its owner's only.
// Expiry   a key whose time has come is gone for every caller that passes `now_ms`; expire_some takes such keys away in
//          steps. Effects carry absolute times, so a log needs no record of it.
#ifndef FRYS_KERNEL_STORE_HPP
#define FRYS_KERNEL_STORE_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <frys/core/result.hpp>
#include <frys/storage/memtable.hpp>

#include "record.hpp"
#include "value.hpp"

namespace kernel {

class store {
 public:
  using table = frys::memtable<value>;

  explicit store(frys::memtable_options options = {}) noexcept : table_(options) {}
  store(store&&) = delete;

  // Fetch the memory that find(key) will read, in two steps with other work between them; free of effects.
  [[nodiscard]] std::uint64_t prefetch(std::string_view key) const noexcept {
    const std::uint64_t hash = table_.hash_of(key);
    table_.prefetch(hash);
    return hash;
  }
  void prefetch_entry(std::uint64_t hash) const noexcept { table_.prefetch_entry(hash); }

  // nullptr: no such key, or its time has come (then it is erased on the way).
  [[nodiscard]] value* find(std::string_view key, std::int64_t now_ms) noexcept {
    const std::uint64_t hash = table_.hash_of(key);
    (void)table_.rehash_some(1);  // a table that grows has two places to look at: every command brings the end nearer
    value* v = table_.find(key, hash);
    if (v == nullptr || !v->is_expired(now_ms)) [[likely]]
      return v;
    drop(key, hash, *v);
    ++expired_;
    return nullptr;
  }
  // Sets a string. Fails without a change when memory is refused.
  frys::result<void> set(std::string_view key, std::string_view text, std::int64_t expire_at_ms) noexcept;
  // Adds to the string `v`, which find answered. False: out of memory.
  [[nodiscard]] bool append(value& v, std::string_view text) noexcept;
  bool erase(std::string_view key) noexcept;
  void set_expiry(value& v, std::int64_t expire_at_ms) noexcept;
  // Gives the element this vector, in the key's vector set, made if there is none. False: out of memory, or the key
  // holds something else. `added`: the element is new.
  [[nodiscard]] bool add_vector(std::string_view key, std::string_view element, std::span<const float> vector,
                                bool& added) noexcept;
  // False: no such element. The key goes with its last element.
  bool remove_vector(std::string_view key, std::string_view element) noexcept;
  void flush() noexcept;

  // One effect from a log; takes no notice of the time. Fails with corrupt where it does not fit what is there.
  frys::result<void> apply(const effect& e) noexcept;

  // Takes expired keys away, looking at about `budget` keys; answers how many went. Call it now and then.
  std::size_t expire_some(std::int64_t now_ms, std::size_t budget) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }
  [[nodiscard]] std::size_t expiring() const noexcept { return expiring_; }  // keys with a time
  [[nodiscard]] std::uint64_t expired() const noexcept { return expired_; }  // keys that went by their time, ever
  // Memory of keys and values, in bytes.
  [[nodiscard]] std::size_t used_bytes() const noexcept { return table_.bytes() + heap_bytes_; }
  // With what the table keeps of former keys, for keys of their sizes.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return table_.held_bytes() + heap_bytes_; }

  // f(key, value&) for keys that are there: see memtable. Keys whose time has come are left out.
  template <class F>
  void for_each(std::int64_t now_ms, F&& f) {
    table_.for_each([&](std::string_view key, value& v) {
      if (!v.is_expired(now_ms)) f(key, v);
    });
  }
  template <class F>
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, std::int64_t now_ms, F&& f) {
    return table_.scan(cursor, count, [&](std::string_view key, value& v) {
      if (!v.is_expired(now_ms)) f(key, v);
    });
  }
  frys::result<void> reserve(std::size_t keys) noexcept { return table_.reserve(keys); }

 private:
  vector_set* make_vectors(std::string_view key, std::uint32_t dimension) noexcept;
  void drop(std::string_view key, std::uint64_t hash, value& v) noexcept;
  // With the last key all memory goes back, so that keys of other sizes can have it.
  void forget_if_empty() noexcept {
    if (table_.empty() && table_.held_bytes() > std::size_t{1} << 20) table_.clear();
  }

  table table_;
  std::size_t heap_bytes_ = 0;  // what values own besides their place in the table
  std::size_t expiring_ = 0;
  std::uint64_t expired_ = 0;
  std::uint64_t sweep_at_ = 0;
};

// Little-endian float32s, as clients and records carry them, into bytes.size() / 4 floats.
void read_floats(std::string_view bytes, float* out) noexcept;
// The other way, into floats.size() * 4 bytes.
void write_floats(std::span<const float> floats, char* out) noexcept;

}  // namespace kernel

#endif  // FRYS_KERNEL_STORE_HPP
