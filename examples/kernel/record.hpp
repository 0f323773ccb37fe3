// record: what a write does, as bytes for the log: effects, not commands.
//
// A record is applied whole or not at all. It begins with a stamp, a Lamport clock that its owner gave: the logs of
// several owners, merged by (stamp, owner), give one history. A write over several owners is one record in one of their
// logs; its effects find their owner by the hash of their key (flush: every owner).
//
//   record = stamp:u64 version:u8 effect+        all numbers little-endian
//   effect = kind:u8 [key:text] [value:text] [extra:text] [time:i64]    which of them is told by the kind
//   text   = size:varint bytes                   7 bits per byte, low first, the high bit says that more follow
#ifndef FRYS_KERNEL_RECORD_HPP
#define FRYS_KERNEL_RECORD_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <frys/core/bytes.hpp>
#include <frys/core/result.hpp>

namespace kernel {

enum class effect_kind : std::uint8_t {
  set = 1,            // key, value, time: when it expires in ms since 1970, 0 never
  erase = 2,          // key
  expire = 3,         // key, time
  append = 4,         // key, value: what is added at the end
  flush = 5,          // nothing: all keys of all owners
  vector_add = 6,     // key, value: the element's name, extra: its float32s, little-endian
  vector_remove = 7,  // key, value: the element's name
};

// One change. The texts view a command's arguments, or the record that was read.
struct effect {
  effect_kind kind = effect_kind::erase;
  std::string_view key;
  std::string_view value;
  std::string_view extra;
  std::int64_t time_ms = 0;
};

inline constexpr std::uint8_t record_version = 1;

// The bytes that encode_record will write, exactly.
std::size_t record_size(std::span<const effect> effects) noexcept;
// Writes record_size(effects) bytes at `to`.
void encode_record(std::byte* to, std::uint64_t stamp, std::span<const effect> effects) noexcept;

// Reads a record of any origin: next() answers false at the end and at the first thing that is not a record.
class record_reader {
 public:
  explicit record_reader(frys::byte_view record) noexcept;
  [[nodiscard]] std::uint64_t stamp() const noexcept { return stamp_; }
  // The next effect; its texts view the record.
  bool next(effect& out) noexcept;
  // Ok while all that was read made sense: errc::corrupt or errc::version_mismatch, `number` is the offset.
  [[nodiscard]] frys::result<void> status() const noexcept { return status_; }

 private:
  bool text(std::string_view& out) noexcept;
  bool fail(frys::errc code, const char* message) noexcept;

  frys::byte_view all_;
  std::size_t at_ = 0;
  std::uint64_t stamp_ = 0;
  frys::result<void> status_;
};

// Checks a whole record without applying it: what recovery does first, so that a bad record changes nothing.
frys::result<void> check_record(frys::byte_view record) noexcept;

}  // namespace kernel

#endif  // FRYS_KERNEL_RECORD_HPP
