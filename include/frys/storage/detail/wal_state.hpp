// wal_state: the inside of a log, at one address for its life: the open group, the file it goes to, and who waits.
#ifndef FRYS_STORAGE_DETAIL_WAL_STATE_HPP
#define FRYS_STORAGE_DETAIL_WAL_STATE_HPP

#include <algorithm>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "../../core/awaitable.hpp"
#include "../../core/bytes.hpp"
#include "../../core/concepts.hpp"
#include "../../core/error.hpp"
#include "../../core/intrusive_list.hpp"
#include "../../core/result.hpp"
#include "../../memory/buffer.hpp"
#include "../../sched/task.hpp"
#include "../durability.hpp"
#include "wal_format.hpp"
#include "wal_group.hpp"
#include "wal_recovery.hpp"

namespace frys::inline FRYS_ABI {

// What a log did since it was opened.
struct wal_stats {
  std::uint64_t records = 0;  // appended
  std::uint64_t bytes = 0;    // written, frames and headers included
  std::uint64_t groups = 0;   // written: one write each
  std::uint64_t syncs = 0;    // of files
  std::uint64_t rotations = 0;
};

namespace detail {

template <class F>
concept wal_files = file_system<F> && std::same_as<typename F::buffer, buffer>;

template <class Files>
class wal_state {
 public:
  class durable_wait;

  template <class Options>
  wal_state(Files& files, const Options& o)
      : files_(files),
        directory_(o.directory),
        segment_bytes_(o.segment_bytes),
        group_bytes_((std::min)(o.group_bytes, most_bytes_in_group)),
        record_bytes_((std::min)(o.record_bytes, most_bytes_in_group)),
        level_(o.level) {
    while (directory_.size() > 1 && directory_.back() == '/') directory_.pop_back();
  }
  wal_state(const wal_state&) = delete;
  wal_state& operator=(const wal_state&) = delete;
  ~wal_state() { FRYS_ASSERT(!flushing_, "wal: a log was destroyed while a flush of it waits"); }

  const std::string& directory() const noexcept { return directory_; }
  durability level() const noexcept { return level_; }
  std::uint64_t appended() const noexcept { return appended_; }
  std::uint64_t durable() const noexcept { return level_ == durability::none ? appended_ : flushed_; }
  bool needs_flush() const noexcept { return flushed_ != appended_; }
  bool is_flushing() const noexcept { return flushing_; }
  std::uint64_t first() const noexcept { return segments_.front(); }
  std::size_t segments() const noexcept { return segments_.size(); }
  std::optional<error> failure() const noexcept { return stop_; }
  const wal_stats& stats() const noexcept { return stats_; }

  result<void> make_directory() {
    if (directory_.empty()) return {};
    const result<void> made = files_.make_directory(directory_);
    if (!made) return made;
    const std::size_t slash = directory_.find_last_of('/');
    return files_.sync_directory(slash == std::string::npos || slash == 0
                                     ? std::string_view(slash == 0 ? "/" : ".")
                                     : std::string_view(directory_).substr(0, slash));
  }

  // Goes on behind what recovery found.
  task<result<void>> begin(wal_tail tail) {
    segments_ = std::move(tail.segments);
    chain_ = tail.chain;
    sealed_ = segments_.empty() || tail.sealed;
    appended_ = flushed_ = synced_ = tail.next - 1;
    if (!group_.prepare() || !next_group_.prepare())
      co_return error{errc::out_of_memory, domain::storage, "no memory for a log's groups", 0};
    if (segments_.empty()) co_return co_await begin_segment();
    result<typename Files::file> opened = files_.open(wal_path(directory_, segments_.back()), open_mode::read_write);
    if (!opened) co_return opened.error();
    file_.emplace(*std::move(opened));
    offset_ = tail.offset;
    co_return result<void>{};
  }

  template <class Fill>
  result<std::uint64_t> append(std::size_t size, Fill&& fill) {
    if (stop_) [[unlikely]]
      return *stop_;
    if (size > record_bytes_) [[unlikely]]
      return error{errc::too_large, domain::storage, "a record is larger than the log's limit",
                   static_cast<std::int64_t>(record_bytes_)};
    if (!group_.empty() && group_.bytes() + wal_frame_header::record_header + size > group_bytes_) [[unlikely]]
      return error{errc::full, domain::storage, "the log's open group is at its limit; flush it",
                   static_cast<std::int64_t>(group_bytes_)};
    std::byte* to = group_.room(size);
    if (to == nullptr) [[unlikely]]
      return error{errc::out_of_memory, domain::storage, "no memory for a log's group", 0};
    fill(byte_span(to, size));
    group_.keep(size);
    ++stats_.records;
    return ++appended_;
  }

  task<result<void>> flush() {
    const std::uint64_t target = appended_;
    while (flushed_ < target) {
      if (failed_) {
        wake();
        co_return *failed_;
      }
      if (flushing_) {  // its end wakes us; then the next group may be ours to write
        const result<void> other = co_await durable_wait(*this, flushed_ + 1, false);
        if (!other) co_return other.error();
        continue;
      }
      in_flight mark(*this);
      if (offset_ > wal_segment_header::size && offset_ + wal_frame_header::size + group_.bytes() > segment_bytes_) {
        const result<void> rotated = co_await rotate();
        if (!rotated) co_return mark.fail(rotated.error());
      }
      std::swap(group_, next_group_);  // appends go on in the other one
      writing_ = appended_;
      wal_frame_header h;
      h.previous = chain_;
      h.first = flushed_ + 1;
      h.unsynced = wal_frame_header::count_unsynced(h.first, synced_);
      buffer bytes = next_group_.seal(h);
      const std::size_t size = bytes.size();
      const result<std::size_t> written = co_await files_.write(*file_, std::move(bytes), offset_);
      if (!written) co_return mark.fail(written.error());
      offset_ += size;
      chain_ = h.crc;
      stats_.bytes += size;
      ++stats_.groups;
      if (level_ == durability::machine) {
        const result<void> synced = co_await sync();
        if (!synced) co_return mark.fail(synced.error());
        synced_ = writing_;
      }
      next_group_.reset();
      flushed_ = writing_;
      sealed_ = false;
      mark.end();
    }
    co_return result<void>{};
  }

  task<result<void>> close() {
    if (!stop_) stop_ = error{errc::closed, domain::storage, "the log was closed", 0};
    if (closing_) co_return result<void>{};
    closing_ = true;
    static_cast<void>(co_await flush());
    if (failed_) {
      file_.reset();
      co_return *failed_;
    }
    if (!sealed_) {
      in_flight mark(*this);
      writing_ = appended_;
      if (level_ != durability::machine) {  // the seal says that all before it is synced, so that comes first
        const result<void> synced = co_await sync();
        if (!synced) co_return mark.fail(synced.error());
        synced_ = writing_;
      }
      const result<void> sealed = co_await seal();
      if (!sealed) co_return mark.fail(sealed.error());
      sealed_ = true;
      mark.end();
    }
    file_.reset();
    co_return result<void>{};
  }

  result<void> truncate_before(std::uint64_t number) {
    // From the oldest on, each removal durable before the next: a crash leaves no hole between segments.
    while (segments_.size() > 1 && segments_[1] <= number) {
      const result<void> removed = files_.remove(wal_path(directory_, segments_.front()));
      if (!removed) return removed;
      segments_.erase(segments_.begin());
      const result<void> synced = files_.sync_directory(directory_or_here());
      if (!synced) return synced;
    }
    return {};
  }

  // An awaiter; ends when `number` is flushed, or with the error that keeps it from that.
  class [[nodiscard]] durable_wait : public list_hook<> {
   public:
    durable_wait(wal_state& s, std::uint64_t number, bool now) noexcept : state_(s), number_(number), now_(now) {}
    durable_wait(const durable_wait&) = delete;
    durable_wait& operator=(const durable_wait&) = delete;
    ~durable_wait() { this->unlink(); }

    bool await_ready() const noexcept { return now_ || state_.flushed_ >= number_ || state_.failed_; }
    void await_suspend(std::coroutine_handle<> waiting) noexcept {
      waiting_ = waiting;
      state_.enqueue(*this);
    }
    result<void> await_resume() const noexcept {
      if (now_ || state_.flushed_ >= number_) return {};
      return *state_.failed_;
    }

   private:
    friend wal_state;
    wal_state& state_;
    std::uint64_t number_;
    bool now_;
    std::coroutine_handle<> waiting_;
  };

 private:
  static constexpr std::size_t most_bytes_in_group = wal_frame_header::largest - 256;  // so that a length fits

  // While a group is on its way. If the coroutine that writes it is destroyed, nobody knows what happened: the log
  // fails.
  class in_flight {
   public:
    explicit in_flight(wal_state& s) noexcept : state_(s) { s.flushing_ = true; }
    in_flight(const in_flight&) = delete;
    in_flight& operator=(const in_flight&) = delete;
    ~in_flight() {
      if (ended_) return;
      state_.flushing_ = false;
      state_.stop({errc::cancelled, domain::storage, "a flush was dropped before its end", 0});
    }
    error fail(const error& e) noexcept {
      state_.stop(e);
      end();
      return e;
    }
    void end() noexcept {
      ended_ = true;
      state_.flushing_ = false;
      state_.wake();
    }

   private:
    wal_state& state_;
    bool ended_ = false;
  };

  std::string_view directory_or_here() const noexcept {
    return directory_.empty() ? "." : std::string_view(directory_);
  }

  void stop(const error& e) noexcept {
    if (!failed_) failed_ = e;
    if (!stop_) stop_ = e;
  }

  // Numbers mostly rise, so the place is found from the back.
  void enqueue(durable_wait& w) noexcept {
    auto at = waiting_.end();
    while (at != waiting_.begin()) {
      auto before = at;
      if ((--before)->number_ <= w.number_) break;
      at = before;
    }
    waiting_.insert(at, w);
  }
  void wake() noexcept {
    // Those who are resumed may wait again, flush, or destroy others: so first all leave the list, then they run.
    intrusive_list<durable_wait> ready;
    while (!waiting_.empty() && (failed_ || waiting_.front().number_ <= flushed_))
      ready.push_back(*waiting_.pop_front());
    while (durable_wait* w = ready.pop_front()) w->waiting_.resume();
  }

  task<result<void>> sync() {
    ++stats_.syncs;
    co_return co_await files_.sync(*file_);
  }

  // The old segment is synced before the new one has a name: a log has holes at its very end only.
  task<result<void>> rotate() {
    if (synced_ != flushed_) {
      const result<void> synced = co_await sync();
      if (!synced) co_return synced.error();
      synced_ = flushed_;
    }
    ++stats_.rotations;
    co_return co_await begin_segment();
  }
  // Name and header are durable before the first frame is written.
  task<result<void>> begin_segment() {
    const std::uint64_t first = flushed_ + 1;
    result<typename Files::file> made = files_.open(wal_path(directory_, first), open_mode::create_new);
    if (!made) co_return made.error();
    result<buffer> bytes = buffer::allocate(wal_segment_header::size);
    if (!bytes) co_return bytes.error();
    const wal_segment_header header{chain_, first};
    chain_ = header.encode(bytes->data());
    file_.emplace(*std::move(made));
    const result<std::size_t> written = co_await files_.write(*file_, *std::move(bytes), 0);
    if (!written) co_return written.error();
    const result<void> synced = co_await sync();
    if (!synced) co_return synced.error();
    const result<void> named = files_.sync_directory(directory_or_here());
    if (!named) co_return named.error();
    offset_ = wal_segment_header::size;
    stats_.bytes += offset_;
    segments_.push_back(first);
    co_return result<void>{};
  }
  task<result<void>> seal() {
    wal_frame_header h;
    h.previous = chain_;
    h.first = flushed_ + 1;
    result<buffer> bytes = buffer::allocate(wal_frame_header::size);
    if (!bytes) co_return bytes.error();
    h.crc = h.encode(bytes->data());
    const result<std::size_t> written = co_await files_.write(*file_, *std::move(bytes), offset_);
    if (!written) co_return written.error();
    offset_ += wal_frame_header::size;
    chain_ = h.crc;
    stats_.bytes += wal_frame_header::size;
    co_return co_await sync();
  }

  Files& files_;
  std::string directory_;
  std::uint64_t segment_bytes_;
  std::size_t group_bytes_;
  std::size_t record_bytes_;
  durability level_;

  wal_group group_;              // takes appends
  wal_group next_group_;         // is written, or waits for its turn
  std::optional<error> stop_;    // why appends are refused
  std::optional<error> failed_;  // the write or sync that failed
  bool flushing_ = false;
  bool closing_ = false;
  bool sealed_ = true;          // there is no frame, or the last one is a seal
  std::uint64_t appended_ = 0;  // highest number given out
  std::uint64_t writing_ = 0;   // highest number of the group in flight
  std::uint64_t flushed_ = 0;   // highest number written, at machine: and synced
  std::uint64_t synced_ = 0;    // highest number known to be synced

  std::optional<typename Files::file> file_;  // the last segment
  std::vector<std::uint64_t> segments_;       // first numbers
  std::uint64_t offset_ = 0;                  // end of the last segment
  std::uint32_t chain_ = 0;                   // checksum of the last frame or header
  wal_stats stats_;
  intrusive_list<durable_wait> waiting_;  // by number
};

}  // namespace detail
}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_STORAGE_DETAIL_WAL_STATE_HPP
