#include "record.hpp"

#include <cstring>

namespace kernel {
namespace {

enum : unsigned { has_key = 1, has_value = 2, has_extra = 4, has_time = 8 };

// What an effect of this kind carries; 0xff: no such kind.
constexpr unsigned fields_of(effect_kind kind) noexcept {
  switch (kind) {
    case effect_kind::set:
      return has_key | has_value | has_time;
    case effect_kind::erase:
      return has_key;
    case effect_kind::expire:
      return has_key | has_time;
    case effect_kind::append:
      return has_key | has_value;
    case effect_kind::flush:
      return 0;
    case effect_kind::vector_add:
      return has_key | has_value | has_extra;
    case effect_kind::vector_remove:
      return has_key | has_value;
  }
  return 0xff;
}

constexpr std::size_t head_size = 9;  // stamp and version

std::size_t varint_size(std::uint64_t n) noexcept {
  std::size_t size = 1;
  for (; n >= 0x80; n >>= 7) ++size;
  return size;
}
std::size_t text_size(std::string_view text) noexcept { return varint_size(text.size()) + text.size(); }

std::byte* put_text(std::byte* to, std::string_view text) noexcept {
  std::uint64_t n = text.size();
  for (; n >= 0x80; n >>= 7) *to++ = static_cast<std::byte>(n | 0x80);
  *to++ = static_cast<std::byte>(n);
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

}  // namespace

std::size_t record_size(std::span<const effect> effects) noexcept {
  std::size_t size = head_size;
  for (const effect& e : effects) {
    const unsigned fields = fields_of(e.kind);
    size += 1;
    if (fields & has_key) size += text_size(e.key);
    if (fields & has_value) size += text_size(e.value);
    if (fields & has_extra) size += text_size(e.extra);
    if (fields & has_time) size += 8;
  }
  return size;
}

void encode_record(std::byte* to, std::uint64_t stamp, std::span<const effect> effects) noexcept {
  frys::store_le(to, stamp);
  to[8] = std::byte{record_version};
  to += head_size;
  for (const effect& e : effects) {
    const unsigned fields = fields_of(e.kind);
    *to++ = static_cast<std::byte>(e.kind);
    if (fields & has_key) to = put_text(to, e.key);
    if (fields & has_value) to = put_text(to, e.value);
    if (fields & has_extra) to = put_text(to, e.extra);
    if (fields & has_time) {
      frys::store_le(to, e.time_ms);
      to += 8;
    }
  }
}

record_reader::record_reader(frys::byte_view record) noexcept : all_(record) {
  if (record.size() <= head_size) {
    (void)fail(frys::errc::corrupt, "a log record is too short");
  } else if (record[8] != std::byte{record_version}) {
    at_ = 8;
    (void)fail(frys::errc::version_mismatch, "a log record is of a version that this build does not read");
  } else {
    stamp_ = frys::load_le<std::uint64_t>(record.data());
    at_ = head_size;
  }
}

bool record_reader::next(effect& out) noexcept {
  if (!status_ || at_ == all_.size()) return false;
  out = {};
  out.kind = static_cast<effect_kind>(all_[at_++]);
  const unsigned fields = fields_of(out.kind);
  if (fields == 0xff) return fail(frys::errc::corrupt, "a log record holds an unknown effect");
  if ((fields & has_key) && !text(out.key)) return false;
  if ((fields & has_value) && !text(out.value)) return false;
  if ((fields & has_extra) && !text(out.extra)) return false;
  if (fields & has_time) {
    if (all_.size() - at_ < 8) return fail(frys::errc::corrupt, "a log record ends within a time");
    out.time_ms = frys::load_le<std::int64_t>(all_.data() + at_);
    if (out.time_ms < 0) return fail(frys::errc::corrupt, "a log record holds a time before 1970");
    at_ += 8;
  }
  if (out.kind == effect_kind::vector_add && (out.extra.empty() || out.extra.size() % sizeof(float) != 0))
    return fail(frys::errc::corrupt, "a log record holds a vector that is none");
  return true;
}

bool record_reader::text(std::string_view& out) noexcept {
  std::uint64_t size = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (at_ == all_.size() || shift > 35) return fail(frys::errc::corrupt, "a log record holds a malformed size");
    const auto byte = std::to_integer<std::uint64_t>(all_[at_++]);
    size |= (byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) break;
  }
  if (size > all_.size() - at_) return fail(frys::errc::corrupt, "a log record ends within a text");
  out = frys::as_text(all_.subspan(at_, static_cast<std::size_t>(size)));
  at_ += static_cast<std::size_t>(size);
  return true;
}

bool record_reader::fail(frys::errc code, const char* message) noexcept {
  status_ = frys::error{code, frys::domain::user, message, static_cast<std::int64_t>(at_)};
  return false;
}

frys::result<void> check_record(frys::byte_view record) noexcept {
  record_reader reader(record);
  effect e;
  while (reader.next(e)) {
  }
  return reader.status();
}

}  // namespace kernel
