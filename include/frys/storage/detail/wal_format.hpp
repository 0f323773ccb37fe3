// wal_format: the bytes of a write-ahead log's segments, and their names. docs/storage.md has the grammar.
//
// A segment is a header and frames; a frame is one group of records under one checksum. A frame carries the checksum of
// the frame before it, so frames form one chain through all segments: what an earlier life of the disk block left
// behind cannot pass. It also says how many records before it were not known to be synced when it was written: with
// that, recovery tells a tail that was never promised from damage to records that were. Frames start at multiples of
// eight.
#ifndef FRYS_STORAGE_DETAIL_WAL_FORMAT_HPP
#define FRYS_STORAGE_DETAIL_WAL_FORMAT_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../simd/checksum.hpp"

namespace frys::inline FRYS_ABI::detail {

struct wal_segment_header {
  static constexpr std::size_t size = 32;
  static constexpr char magic[] = "frysWAL\n";
  static constexpr std::uint16_t version = 1;

  std::uint32_t previous = 0;  // checksum of the frame (or header) before; 0 in the log's first segment
  std::uint64_t first = 0;     // sequence number of the first record

  // Answers the header's own checksum, which the first frame carries on.
  std::uint32_t encode(std::byte* to) const noexcept {
    std::memcpy(to, magic, 8);
    store_le<std::uint16_t>(to + 8, version);
    store_le<std::uint16_t>(to + 10, 0);  // features that a reader must know
    store_le<std::uint32_t>(to + 12, previous);
    store_le<std::uint64_t>(to + 16, first);
    store_le<std::uint32_t>(to + 24, 0);
    const std::uint32_t crc = simd::crc32c({to, 28});
    store_le<std::uint32_t>(to + 28, crc);
    return crc;
  }
};

struct wal_header_reading {
  enum class state : std::uint8_t { good, unknown_version, bad } what = state::bad;
  wal_segment_header header;
  std::uint32_t crc = 0;
};
// `from`: exactly 32 bytes.
inline wal_header_reading read_wal_header(byte_view from) noexcept {
  wal_header_reading out;
  const std::byte* p = from.data();
  out.crc = load_le<std::uint32_t>(p + 28);
  if (std::memcmp(p, wal_segment_header::magic, 8) != 0 || simd::crc32c({p, 28}) != out.crc) return out;
  out.header = {load_le<std::uint32_t>(p + 12), load_le<std::uint64_t>(p + 16)};
  const bool known =
      load_le<std::uint16_t>(p + 8) == wal_segment_header::version && load_le<std::uint16_t>(p + 10) == 0;
  out.what = known ? wal_header_reading::state::good : wal_header_reading::state::unknown_version;
  return out;
}

struct wal_frame_header {
  static constexpr std::size_t size = 32;
  static constexpr std::uint32_t magic = 0x316d7246;  // "Frm1"
  static constexpr std::size_t record_header = 4;     // each record's length
  static constexpr std::uint32_t largest = 0xfffffff0;

  std::uint32_t crc = 0;       // of all that follows, padding included
  std::uint32_t length = 0;    // bytes of the records with their lengths; then zeros up to a multiple of eight
  std::uint32_t previous = 0;  // checksum of the frame or segment header before
  std::uint64_t first = 0;     // sequence number of the first record
  std::uint32_t count = 0;     // records; 0: a seal, written when the log was closed in order
  std::uint32_t unsynced = 0;  // records before `first` that were not known to be synced, at most 2^32-1

  static constexpr std::uint64_t padded(std::uint64_t length) noexcept { return (length + 7) & ~std::uint64_t{7}; }
  [[nodiscard]] std::uint64_t total() const noexcept { return size + padded(length); }
  // The highest sequence number that was known to be synced when the frame was written.
  [[nodiscard]] std::uint64_t synced() const noexcept { return first > unsynced ? first - 1 - unsynced : 0; }

  static std::uint32_t count_unsynced(std::uint64_t first, std::uint64_t synced) noexcept {
    const std::uint64_t n = first - 1 - synced;
    return n > 0xffffffffu ? 0xffffffffu : static_cast<std::uint32_t>(n);
  }

  // `to` holds the records from byte 32 on and has room for the padding. Answers the checksum.
  std::uint32_t encode(std::byte* to) const noexcept {
    store_le<std::uint32_t>(to + 4, magic);
    store_le<std::uint32_t>(to + 8, length);
    store_le<std::uint32_t>(to + 12, previous);
    store_le<std::uint64_t>(to + 16, first);
    store_le<std::uint32_t>(to + 24, count);
    store_le<std::uint32_t>(to + 28, unsynced);
    std::memset(to + size + length, 0, static_cast<std::size_t>(padded(length)) - length);
    const std::uint32_t sum = simd::crc32c({to + 4, static_cast<std::size_t>(total()) - 4});
    store_le<std::uint32_t>(to, sum);
    return sum;
  }
};

// `from`: exactly 32 bytes. Nothing if they cannot be a frame's; the checksum is not looked at.
inline std::optional<wal_frame_header> read_wal_frame(byte_view from) noexcept {
  const std::byte* p = from.data();
  if (load_le<std::uint32_t>(p + 4) != wal_frame_header::magic) return std::nullopt;
  wal_frame_header h;
  h.crc = load_le<std::uint32_t>(p);
  h.length = load_le<std::uint32_t>(p + 8);
  h.previous = load_le<std::uint32_t>(p + 12);
  h.first = load_le<std::uint64_t>(p + 16);
  h.count = load_le<std::uint32_t>(p + 24);
  h.unsynced = load_le<std::uint32_t>(p + 28);
  if (h.length > wal_frame_header::largest || h.first == 0 || h.first + h.count < h.first) return std::nullopt;
  return h;
}
// `frame`: header, records and padding.
inline bool wal_frame_is_whole(byte_view frame, const wal_frame_header& h) noexcept {
  return simd::crc32c(frame.subspan(4)) == h.crc;
}
// Whether the records fill `records` exactly; f(byte_view) for each if so.
inline bool wal_records_fit(byte_view records, std::uint32_t count) noexcept {
  for (; count != 0; --count) {
    if (records.size() < wal_frame_header::record_header) return false;
    const std::uint32_t n = load_le<std::uint32_t>(records.data());
    if (records.size() - wal_frame_header::record_header < n) return false;
    records = records.subspan(wal_frame_header::record_header + n);
  }
  return records.empty();
}

// wal-00000000000000000001.log: sorts by the number as by the text.
struct wal_name {
  static constexpr std::size_t size = 28;
  char text[size];

  explicit wal_name(std::uint64_t first) noexcept {
    std::memcpy(text, "wal-00000000000000000000.log", size);
    for (std::size_t i = 24; first != 0; first /= 10) text[--i] = static_cast<char>('0' + first % 10);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {text, size}; }
};
// The number in a segment's name; nothing if it is no segment's name.
inline std::optional<std::uint64_t> wal_number_of(std::string_view name) noexcept {
  if (name.size() != wal_name::size || !name.starts_with("wal-") || !name.ends_with(".log")) return std::nullopt;
  std::uint64_t n = 0;
  for (const char c : name.substr(4, 20)) {
    if (c < '0' || c > '9') return std::nullopt;
    const unsigned digit = static_cast<unsigned>(c - '0');
    if (n > (~std::uint64_t{0} - digit) / 10) return std::nullopt;
    n = n * 10 + digit;
  }
  if (n == 0) return std::nullopt;
  return n;
}

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_STORAGE_DETAIL_WAL_FORMAT_HPP
