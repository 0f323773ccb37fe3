// site_table: the places that memory is taken at, each with a number: a tag, a file and line, a call stack; and how
// much is out of each.
//
// Where pages are refused, what is new counts for place 0, which has no name.
#ifndef FRYS_MEMORY_DETAIL_SITE_TABLE_HPP
#define FRYS_MEMORY_DETAIL_SITE_TABLE_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/hash.hpp"
#include "../../core/result.hpp"
#include "../allocator_ref.hpp"
#include "../pages.hpp"

namespace frys::inline FRYS_ABI::detail {

template <std::size_t Depth, class Pages>
class site_table {
 public:
  struct site_record {
    allocation_site site{"", "", 0};
    std::uint64_t hash = 0;
    std::uint64_t live_count = 0, live_bytes = 0, total_count = 0, total_bytes = 0;
    std::size_t depth = 0;
    std::array<void*, (std::max)(Depth, std::size_t{1})> frames{};
  };

  site_table() noexcept = default;
  site_table(const site_table&) = delete;
  site_table& operator=(const site_table&) = delete;
  ~site_table() {
    Pages::release(records_memory_);
    Pages::release(index_memory_);
  }

  // The number of the place, which stays.
  std::uint32_t number_of(const allocation_site& site, void* const* frames, std::size_t depth) noexcept {
    if (depth != 0) return look_up(site, frames, depth);
    // The same text at the same address has been looked up before, most often.
    const std::uintptr_t key = reinterpret_cast<std::uintptr_t>(site.tag.data()) * 7 +
                               reinterpret_cast<std::uintptr_t>(site.file) * 3 + site.line;
    known& k = known_[key % known_.size()];
    if (k.number == 0 || k.tag != site.tag.data() || k.tag_size != site.tag.size() || k.file != site.file ||
        k.line != site.line)
      k = known{site.tag.data(), site.tag.size(), site.file, site.line, look_up(site, frames, 0)};
    return k.number;
  }
  site_record& operator[](std::uint32_t number) noexcept { return number == 0 ? unnamed_ : records_[number - 1]; }
  // f(record) for each place; the nameless one only if it was used.
  template <class F>
  void for_each(F&& f) {
    if (unnamed_.total_count != 0) f(unnamed_);
    for (std::size_t i = 0; i < count_; ++i) f(records_[i]);
  }
  void took(std::uint32_t number, std::uint64_t count, std::uint64_t bytes) noexcept {
    site_record& r = (*this)[number];
    r.live_count += count, r.live_bytes += bytes;
    r.total_count += count, r.total_bytes += bytes;
  }
  void gave(std::uint32_t number, std::uint64_t count, std::uint64_t bytes) noexcept {
    site_record& r = (*this)[number];
    r.live_count -= count, r.live_bytes -= bytes;
  }

 private:
  struct known {
    const char* tag = nullptr;
    std::size_t tag_size = 0;
    const char* file = nullptr;
    unsigned line = 0;
    std::uint32_t number = 0;
  };
  std::uint32_t look_up(const allocation_site& site, void* const* frames, std::size_t depth) noexcept {
    const std::uint64_t hash = hash_of(site, frames, depth);
    if (room_ != 0) {
      for (std::size_t i = hash & (room_ - 1); index_[i] != 0; i = (i + 1) & (room_ - 1)) {
        const site_record& r = records_[index_[i] - 1];
        if (r.hash == hash && r.site == site && r.depth == depth &&
            std::equal(frames, frames + depth, r.frames.begin()))
          return index_[i];
      }
    }
    if (count_ * 2 >= room_ && !grow()) return 0;
    site_record& fresh = *::new (static_cast<void*>(records_ + count_)) site_record;
    fresh.site = site;
    fresh.hash = hash;
    fresh.depth = depth;
    std::copy(frames, frames + depth, fresh.frames.begin());
    ++count_;
    enter(hash, static_cast<std::uint32_t>(count_));
    return static_cast<std::uint32_t>(count_);
  }
  static std::uint64_t hash_of(const allocation_site& site, void* const* frames, std::size_t depth) noexcept {
    std::uint64_t hash = site.line;
    for (const char c : site.tag) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    for (const char* c = site.file; *c != 0; ++c) hash = (hash ^ static_cast<unsigned char>(*c)) * 0x100000001b3u;
    for (std::size_t i = 0; i < depth; ++i) hash = hash_integer(hash ^ reinterpret_cast<std::uintptr_t>(frames[i]));
    return hash_integer(hash);
  }
  void enter(std::uint64_t hash, std::uint32_t number) noexcept {
    std::size_t i = hash & (room_ - 1);
    while (index_[i] != 0) i = (i + 1) & (room_ - 1);
    index_[i] = number;
  }
  FRYS_NOINLINE bool grow() noexcept {
    const std::size_t room = room_ == 0 ? 64 : room_ * 2;
    result<byte_span> records = Pages::allocate(room / 2 * sizeof(site_record));
    if (!records) return false;
    result<byte_span> index = Pages::allocate(room * sizeof(std::uint32_t));
    if (!index) return Pages::release(*records), false;
    auto* moved = reinterpret_cast<site_record*>(records->data());
    for (std::size_t i = 0; i < count_; ++i) ::new (static_cast<void*>(moved + i)) site_record(records_[i]);
    Pages::release(records_memory_);
    Pages::release(index_memory_);
    records_ = moved;
    records_memory_ = *records;
    index_ = reinterpret_cast<std::uint32_t*>(index->data());
    index_memory_ = *index;
    room_ = room;
    for (std::size_t i = 0; i < count_; ++i) enter(records_[i].hash, static_cast<std::uint32_t>(i + 1));
    return true;
  }

  site_record* records_ = nullptr;
  std::uint32_t* index_ = nullptr;  // numbers, by hash; 0 is free
  std::size_t count_ = 0;
  std::size_t room_ = 0;  // of the index, a power of two; half as many records
  std::array<known, 64> known_{};
  byte_span records_memory_, index_memory_;
  site_record unnamed_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_SITE_TABLE_HPP
