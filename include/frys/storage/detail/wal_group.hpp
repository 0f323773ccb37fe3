// wal_group: the open group of a log: one buffer in which records are encoded once, and written from.
#ifndef FRYS_STORAGE_DETAIL_WAL_GROUP_HPP
#define FRYS_STORAGE_DETAIL_WAL_GROUP_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/error.hpp"
#include "../../core/result.hpp"
#include "../../memory/buffer.hpp"
#include "wal_format.hpp"

namespace frys::inline FRYS_ABI::detail {

class wal_group {
 public:
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return used_; }

  // Room for a record of `size` bytes behind the others; nullptr: no memory. keep() makes it part of the group.
  std::byte* room(std::size_t size) noexcept {
    const std::size_t wanted = used_ + wal_frame_header::record_header + size + 8;  // the padding
    if (wanted > memory_.size() && !grow(wanted)) return nullptr;
    return memory_.data() + used_ + wal_frame_header::record_header;
  }
  void keep(std::size_t size) noexcept {
    store_le<std::uint32_t>(memory_.data() + used_, static_cast<std::uint32_t>(size));
    used_ += wal_frame_header::record_header + size;
    ++count_;
  }

  // Encodes the frame; answers its bytes, which share the group's memory.
  buffer seal(wal_frame_header& h) noexcept {
    h.length = static_cast<std::uint32_t>(used_ - wal_frame_header::size);
    h.count = count_;
    h.crc = h.encode(memory_.data());
    return memory_.slice(0, static_cast<std::size_t>(h.total()));
  }

  // Empty again; memory that is still shared, or was large once, is given up.
  void reset() noexcept {
    used_ = wal_frame_header::size;
    count_ = 0;
    if (!memory_.is_unique() || memory_.size() > keep_bytes) memory_.reset();
  }
  // Takes memory before the first record does; false: none there.
  bool prepare() noexcept { return !memory_.empty() || grow(least_bytes); }

 private:
  static constexpr std::size_t least_bytes = 64 * 1024, keep_bytes = 1024 * 1024;

  FRYS_NOINLINE bool grow(std::size_t wanted) noexcept {
    result<buffer> larger = buffer::allocate((std::max)({wanted, memory_.size() * 2, least_bytes}));
    if (!larger) return false;
    if (count_ != 0) std::memcpy(larger->data(), memory_.data(), used_);
    memory_ = *std::move(larger);
    return true;
  }

  buffer memory_;
  std::size_t used_ = wal_frame_header::size;
  std::uint32_t count_ = 0;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_STORAGE_DETAIL_WAL_GROUP_HPP
