// wal_recovery: reads a log's segments at start: replays what is whole, tells a torn tail from damage.
//
// The rule  a record that was promised is replayed or reported; nothing is skipped. In a segment that is not the last,
//           a bad frame is damage. In the last one, what follows decides: nothing valid after it: a torn tail, cut off.
//           A valid frame after it that was written when the bad one was known to be synced: damage. A valid frame
//           after it otherwise: a gap in what was never synced, refused or cut off as the options say.
#ifndef FRYS_STORAGE_DETAIL_WAL_RECOVERY_HPP
#define FRYS_STORAGE_DETAIL_WAL_RECOVERY_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/concepts.hpp"
#include "../../core/error.hpp"
#include "../../core/result.hpp"
#include "../../memory/buffer.hpp"
#include "../../sched/task.hpp"
#include "wal_format.hpp"

namespace frys::inline FRYS_ABI {

// What recovery found. On an error `file` names the segment, and error.number is the offset in it.
struct wal_recovery {
  std::uint64_t first = 1;  // sequence number of the first record there is
  std::uint64_t last = 0;   // of the last one; first - 1: there is none
  std::uint64_t bytes = 0;  // in the segments
  std::uint32_t segments = 0;
  bool sealed = false;            // the log was closed in order, nothing can be missing
  std::uint64_t torn_offset = 0;  // where the last segment was cut off,
  std::uint64_t torn_bytes = 0;   // and how much; 0: it was whole
  bool gap = false;               // valid records lay behind the cut (wal_gap::cut)
  char file[detail::wal_name::size] = {};

  // The segment that an error or a cut is about; empty if there was neither.
  [[nodiscard]] std::string_view file_name() const noexcept { return {file, file[0] == '\0' ? 0 : sizeof file}; }
  [[nodiscard]] std::uint64_t records() const noexcept { return last + 1 - first; }
};

// What to do with records that were never synced and lie behind a damaged one that was never synced either. Power loss
// can leave that behind at durability::process and none, and so can a damaged disk; nobody can tell which.
enum class wal_gap : std::uint8_t {
  refuse,  // an error, and the operator decides
  cut,     // keep what lies before the gap, and say so in the report
};

namespace detail {

inline std::string wal_path(std::string_view directory, std::uint64_t first) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path += '/';
  path += wal_name(first).view();
  return path;
}

// Reads one file through a window, so that a segment of any size takes little memory.
template <class Files>
class wal_window {
 public:
  wal_window(Files& files, typename Files::file& file, std::uint64_t size) noexcept
      : files_(files), file_(file), size_(size) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] bool has(std::uint64_t offset, std::uint64_t n) const noexcept {
    return offset >= start_ && offset + n <= start_ + valid_;
  }
  // Only when has().
  [[nodiscard]] byte_view view(std::uint64_t offset, std::uint64_t n) const noexcept {
    return {block_.data() + static_cast<std::size_t>(offset - start_), static_cast<std::size_t>(n)};
  }
  // Makes has(offset, n) true; offset + n is within the file.
  task<result<void>> load(std::uint64_t offset, std::uint64_t n) {
    const std::uint64_t wanted = (std::min)((std::max)(n, std::uint64_t{least}), size_ - offset);
    valid_ = 0;
    if (block_.size() < wanted || !block_.is_unique()) {
      block_.reset();
      result<buffer> fresh = buffer::allocate(static_cast<std::size_t>(wanted));
      if (!fresh) co_return fresh.error();
      block_ = *std::move(fresh);
    }
    start_ = offset;
    while (valid_ < n) {
      buffer into = block_.slice(static_cast<std::size_t>(valid_), static_cast<std::size_t>(wanted - valid_));
      const result<buffer> got = co_await files_.read(file_, std::move(into), offset + valid_);
      if (!got) co_return got.error();
      if (got->empty())
        co_return error{errc::truncated, domain::storage, "a log segment became shorter while it was read",
                        static_cast<std::int64_t>(offset + valid_)};
      valid_ += got->size();
    }
    co_return result<void>{};
  }

 private:
  static constexpr std::size_t least = 256 * 1024;

  Files& files_;
  typename Files::file& file_;
  std::uint64_t size_;
  buffer block_;
  std::uint64_t start_ = 0;
  std::uint64_t valid_ = 0;
};

// Where appending goes on.
struct wal_tail {
  std::vector<std::uint64_t> segments;  // the number of each one's first record; empty: there is no log yet
  std::uint64_t offset = 0;             // end of the last segment
  std::uint64_t next = 1;               // sequence number of the next record
  std::uint32_t chain = 0;              // checksum of the last frame or header
  bool sealed = false;                  // the last frame is a seal
};

template <class Files, class F>
class wal_reader {
 public:
  wal_reader(Files& files, std::string_view directory, wal_gap gap, F& on_record, wal_recovery& report) noexcept
      : files_(files), directory_(directory), gap_(gap), on_record_(on_record), report_(report) {}

  // Replays all, cuts a torn tail off and makes what is left durable.
  task<result<wal_tail>> run() {
    auto note = [](void* list, std::string_view name) {
      if (const auto number = wal_number_of(name)) static_cast<std::vector<std::uint64_t>*>(list)->push_back(*number);
    };
    if (const result<void> listed = files_.list(directory_, note, &tail_.segments); !listed) co_return listed.error();
    std::sort(tail_.segments.begin(), tail_.segments.end());
    std::vector<std::uint64_t>& all = tail_.segments;
    if (!all.empty()) tail_.next = report_.first = all.front();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const bool last = i + 1 == all.size();
      at_ = all[i];
      if (at_ != tail_.next) co_return fail(errc::corrupt, "a log segment before this one is missing or too short", 0);
      const result<void> read = co_await segment(i == 0, last);
      if (!read) co_return read.error();
      if (drop_) {  // a segment whose creation was torn
        if (const result<void> removed = files_.remove(wal_path(directory_, at_)); !removed) co_return removed.error();
        all.pop_back();
        if (!all.empty()) tail_.offset = before_;
        break;
      }
      before_ = tail_.offset;
      report_.bytes += tail_.offset;
    }
    if (const result<void> synced = files_.sync_directory(directory_or_here()); !synced) co_return synced.error();
    report_.segments = static_cast<std::uint32_t>(all.size());
    report_.last = tail_.next - 1;
    tail_.sealed = report_.sealed;
    co_return std::move(tail_);
  }

 private:
  using frame_header = wal_frame_header;
  static constexpr std::size_t header_size = wal_segment_header::size;

  [[nodiscard]] std::string_view directory_or_here() const noexcept {
    return directory_.empty() ? std::string_view(".") : directory_;
  }
  error fail(errc code, const char* message, std::uint64_t offset) noexcept {
    name_file();
    return {code, domain::storage, message, static_cast<std::int64_t>(offset)};
  }
  void name_file() noexcept { std::memcpy(report_.file, wal_name(at_).text, wal_name::size); }

  task<result<void>> segment(bool first, bool last) {
    result<typename Files::file> opened =
        files_.open(wal_path(directory_, at_), last ? open_mode::read_write : open_mode::read);
    if (!opened) co_return failed(opened.error());
    const result<std::uint64_t> size = files_.size(*opened);
    if (!size) co_return failed(size.error());
    wal_window<Files> window(files_, *opened, *size);

    std::uint64_t offset = 0;
    bool whole = false;
    if (window.size() >= header_size) {
      if (!window.has(0, header_size))
        if (const result<void> loaded = co_await window.load(0, header_size); !loaded) co_return failed(loaded.error());
      const wal_header_reading head = read_wal_header(window.view(0, header_size));
      if (head.what == wal_header_reading::state::unknown_version)
        co_return fail(errc::version_mismatch,
                       "a log segment was written in a version or with features that this build "
                       "does not read",
                       8);
      if (head.what == wal_header_reading::state::good) {
        if (head.header.first != at_)
          co_return fail(errc::corrupt, "a log segment's name and its first record disagree", 16);
        if (!first && head.header.previous != tail_.chain)
          co_return fail(errc::corrupt, "a log segment does not follow the one before it", 12);
        whole = true;
        tail_.chain = head.crc;
        offset = header_size;
      }
    }
    if (whole) {
      const result<bool> read = co_await frames(window, offset);
      if (!read) co_return failed(read.error());
      whole = *read;
    }
    if (!whole) {
      if (!last) co_return fail(errc::corrupt, "a damaged record in a log segment that is not the last", offset);
      const result<void> judged = co_await judge(window, offset);
      if (!judged) co_return failed(judged.error());
      name_file();
      report_.torn_offset = offset;
      report_.torn_bytes = window.size() - offset;
      report_.sealed = false;
      drop_ = offset < header_size;
    }
    tail_.offset = offset;
    if (!last || drop_) co_return result<void>{};
    if (!whole)
      if (const result<void> cut = files_.truncate(*opened, offset); !cut) co_return failed(cut.error());
    // What was replayed will be served: it must not be lost later, whatever the level it was written at.
    const result<void> synced = co_await files_.sync(*opened);
    if (!synced) co_return failed(synced.error());
    co_return result<void>{};
  }
  error failed(const error& e) noexcept {
    name_file();
    return e;
  }

  // Replays frames from `offset` on, and moves it to the end of the last good one. True: that was the file's end.
  task<result<bool>> frames(wal_window<Files>& window, std::uint64_t& offset) {
    while (offset < window.size()) {
      const std::uint64_t left = window.size() - offset;
      if (left < frame_header::size) co_return false;
      if (!window.has(offset, frame_header::size))
        if (const result<void> loaded = co_await window.load(offset, frame_header::size); !loaded)
          co_return loaded.error();
      const std::optional<frame_header> h = read_wal_frame(window.view(offset, frame_header::size));
      if (!h || h->total() > left || h->previous != tail_.chain || h->first != tail_.next) co_return false;
      if (!window.has(offset, h->total()))
        if (const result<void> loaded = co_await window.load(offset, h->total()); !loaded) co_return loaded.error();
      const byte_view frame = window.view(offset, h->total());
      if (!wal_frame_is_whole(frame, *h)) co_return false;
      byte_view records = frame.subspan(frame_header::size, h->length);
      if (!wal_records_fit(records, h->count))
        co_return error{errc::corrupt, domain::storage, "a log frame's records do not fit its length",
                        static_cast<std::int64_t>(offset)};
      for (std::uint32_t i = 0; i < h->count; ++i) {
        const std::uint32_t n = load_le<std::uint32_t>(records.data());
        const byte_view record = records.subspan(frame_header::record_header, n);
        if constexpr (std::is_void_v<std::invoke_result_t<F&, std::uint64_t, byte_view>>) {
          on_record_(h->first + i, record);
        } else {
          const result<void> taken = on_record_(h->first + i, record);
          if (!taken) co_return taken.error();
        }
        records = records.subspan(frame_header::record_header + n);
      }
      tail_.next = h->first + h->count;
      tail_.chain = h->crc;
      report_.sealed = h->count == 0;
      offset += h->total();
    }
    co_return true;
  }

  // Whether the bad bytes from `offset` on in the last segment may be cut off.
  task<result<void>> judge(wal_window<Files>& window, std::uint64_t offset) {
    // Hostile bytes could hold many headers of long frames; then the search ends, on the safe side.
    std::uint64_t budget = 4 * window.size() + 65536;
    bool found = false;
    for (std::uint64_t at = frame_header::padded(offset); at + frame_header::size <= window.size(); at += 8) {
      if (!window.has(at, frame_header::size))
        if (const result<void> loaded = co_await window.load(at, frame_header::size); !loaded) co_return loaded.error();
      const std::optional<frame_header> h = read_wal_frame(window.view(at, frame_header::size));
      if (!h || h->first < tail_.next || h->total() > window.size() - at) continue;
      if (h->total() > budget)
        co_return error{errc::corrupt, domain::storage, "a damaged log segment that looks made up",
                        static_cast<std::int64_t>(offset)};
      budget -= h->total();
      if (!window.has(at, h->total()))
        if (const result<void> loaded = co_await window.load(at, h->total()); !loaded) co_return loaded.error();
      if (!wal_frame_is_whole(window.view(at, h->total()), *h)) continue;
      found = true;
      // The frame that holds the very next record is here, or a later one knew that record to be synced.
      if (h->first == tail_.next || h->synced() >= tail_.next)
        co_return error{errc::corrupt, domain::storage, "a damaged record with synced records after it",
                        static_cast<std::int64_t>(offset)};
      at += h->total() - 8;
    }
    if (!found) co_return result<void>{};
    if (gap_ == wal_gap::refuse)
      co_return error{errc::corrupt, domain::storage, "a damaged record with records after it that were never synced",
                      static_cast<std::int64_t>(offset)};
    report_.gap = true;
    co_return result<void>{};
  }

  Files& files_;
  std::string_view directory_;
  wal_gap gap_;
  F& on_record_;
  wal_recovery& report_;
  wal_tail tail_;
  std::uint64_t at_ = 0;      // the segment looked at
  std::uint64_t before_ = 0;  // end of the one before it
  bool drop_ = false;
};

}  // namespace detail
}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_STORAGE_DETAIL_WAL_RECOVERY_HPP
