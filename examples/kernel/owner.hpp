// owner: the keys of one core, the log that keeps them, and the lock that commands over several owners take.
//
// Threads  its core's only; other cores send messages (core.hpp).
#ifndef FRYS_KERNEL_OWNER_HPP
#define FRYS_KERNEL_OWNER_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <frys/core/intrusive_list.hpp>
#include <frys/core/work.hpp>
#include <frys/storage/durability.hpp>

#include "command.hpp"
#include "record.hpp"
#include "store.hpp"

namespace kernel {

template <class Log>
class owner final : public effect_log {
 public:
  store keys;

  explicit owner(frys::durability level) noexcept : level_(level) {}

  // Before the first write; recovery fills `keys` without one. An owner that never gets one keeps its keys in memory
  // only: then log() is not to be called.
  void take_log(Log log) noexcept { log_.emplace(std::move(log)); }
  [[nodiscard]] bool has_log() const noexcept { return log_.has_value(); }
  Log& log() noexcept { return *log_; }
  // Where commands put their effects; nullptr: nowhere.
  effect_log* effects() noexcept { return log_ ? this : nullptr; }

  // One record in the log's open group, stamped later than all that this owner has seen.
  bool append(std::span<const effect> effects) noexcept override { return append_stamped(++clock_, effects); }
  bool append_stamped(std::uint64_t stamp, std::span<const effect> effects) noexcept {
    see_stamp(stamp);
    if (!log_) return true;
    const auto sequence =
        log_->append(record_size(effects), [&](frys::byte_span to) { encode_record(to.data(), stamp, effects); });
    if (!sequence) return false;
    appended_ = *sequence;
    open_bytes_ += record_size(effects);
    return true;
  }
  // About how many bytes wait for the next flush; whoever flushes says when it begins.
  [[nodiscard]] std::size_t open_bytes() const noexcept { return open_bytes_; }
  void begin_flush() noexcept {
    open_bytes_ = 0;
    grouped_ = appended_;
  }
  // The records up to here are in groups that a flush has taken.
  [[nodiscard]] std::uint64_t grouped() const noexcept { return grouped_; }

  // The sequence number of the last record; 0 before the first of this run.
  [[nodiscard]] std::uint64_t appended() const noexcept { return appended_; }
  // Up to where replies may leave.
  [[nodiscard]] std::uint64_t durable() const noexcept {
    return !log_ || level_ == frys::durability::none ? ~std::uint64_t{0} : log_->durable();
  }

  // A Lamport clock: not below any stamp in this owner's log, nor that of any write over several owners it took part
  // in.
  [[nodiscard]] std::uint64_t clock() const noexcept { return clock_; }
  void see_stamp(std::uint64_t stamp) noexcept {
    if (stamp > clock_) clock_ = stamp;
  }

  // While it is locked only the holder's work runs here; while it holds back, because too many replies wait for a sync,
  // none but a holder's. The rest queues up behind, in order.
  [[nodiscard]] bool is_locked() const noexcept { return closed_ != 0 || !behind_.empty(); }
  void defer(frys::work& w) noexcept { behind_.push(w); }
  void lock() noexcept { closed_ |= locked; }
  void unlock() noexcept {
    closed_ &= ~locked;
    let_in();
  }
  void hold_back() noexcept { closed_ |= holds_back; }
  void go_on() noexcept {
    closed_ &= ~holds_back;
    let_in();
  }

 private:
  static constexpr unsigned locked = 1, holds_back = 2;

  void let_in() noexcept {
    while (closed_ == 0) {  // what runs here may close it again; the rest stays queued then
      frys::work* next = behind_.pop();
      if (next == nullptr) return;
      next->run(*next);
    }
  }

  std::optional<Log> log_;
  frys::durability level_;
  std::uint64_t appended_ = 0;
  std::uint64_t grouped_ = 0;
  std::size_t open_bytes_ = 0;
  std::uint64_t clock_ = 0;
  unsigned closed_ = 0;
  frys::intrusive_queue<frys::work> behind_;
};

}  // namespace kernel

#endif  // FRYS_KERNEL_OWNER_HPP
