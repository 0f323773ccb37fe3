// wal: a write-ahead log: records get consecutive numbers, become durable in groups, and come back in order at start.
//
// Use when  a state in memory must survive: append what changes it, answer when the record is durable, replay at start.
// Not when  several threads append to one log (give each owner its own), or old records are looked up by key.
// Threads   one: the owner's.
// Cost      append: one copy (or none: fill in place) into the open group, no allocation, no system call. flush: one
//           checksum, one write and one sync by level for all that was appended before; appends during it form the next
//           group. One coroutine frame per flush.
// Ordering  records become durable in the order of their numbers; after a crash the log holds a prefix of what was
//           appended that contains all that was promised (durability.hpp).
// Errors    a failed write or sync is sticky: what waits for it and every later append fail with it, nothing is tried
//           again; what it left on the disk is found out by the next open. open: corrupt with the offset in
//           error.number and the file in the report.
// Lifetime  files must outlive the log, the log its flushes and waiters. A flush that is destroyed while it waits
//           fails the log.
//
// Policies: policy::files<F>, a file_system whose buffer is frys::buffer (a reactor's files, sim::disk, your own);
//           default posix_files, which block.
// Source    chained checksums: TigerBeetle's journal; the synced mark that tells damage from a torn tail: Pebble.
#ifndef FRYS_STORAGE_WAL_HPP
#define FRYS_STORAGE_WAL_HPP

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../core/awaitable.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/error.hpp"
#include "../core/intrusive_list.hpp"
#include "../core/result.hpp"
#include "../io/posix_files.hpp"
#include "../memory/buffer.hpp"
#include "../policy.hpp"
#include "../sched/task.hpp"
#include "detail/wal_format.hpp"
#include "detail/wal_group.hpp"
#include "detail/wal_recovery.hpp"
#include "detail/wal_state.hpp"
#include "durability.hpp"

namespace frys::inline FRYS_ABI {

struct wal_options {
  std::string_view directory = "";                  // made if missing; must live until open has ended
  std::uint64_t segment_bytes = 64u * 1024 * 1024;  // a new file is begun when one would grow past this
  durability level = durability::machine;           // what durable() and an acknowledgement mean
  std::size_t group_bytes = 16u * 1024 * 1024;      // an append that would make the open group larger is refused: full
  std::size_t record_bytes = 512u * 1024 * 1024;    // a larger record is refused: too_large; one that is larger than a
                                                    // group may stand in a group alone
  wal_gap gap = wal_gap::refuse;                    // see wal_gap
  wal_recovery* report = nullptr;                   // filled by open, also when it fails
};

template <class... Policies>
class wal {
  using accepted = policy::keys<policy::files_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::wal: unknown policy; it takes policy::files and policy::world");
  static_assert(accepted::template unique<Policies...>, "frys::wal: a policy is given twice; name each at most once");

 public:
  using files_type = typename policy::pick<policy::files<posix_files>, Policies...>::type;
  static_assert(detail::wal_files<files_type>,
                "frys::wal: policy::files wants a file system whose buffer is frys::buffer, see core/concepts.hpp");

  wal(wal&&) noexcept = default;
  wal& operator=(wal&&) noexcept = default;

  // Opens the log in options.directory, or begins one. Calls on_record(std::uint64_t number, byte_view record) for each
  // record there is, in order; it answers nothing, or result<void>, whose error ends the opening. The view is good
  // during the call. On an error the records given so far are no state to work with: errc::corrupt (damage; see
  // options.report), version_mismatch, or what the file system said.
  template <class F>
  static task<result<wal>> open(files_type& files, wal_options options, F on_record) {
    static_assert(std::is_invocable_v<F&, std::uint64_t, byte_view>,
                  "frys::wal::open: on_record takes a std::uint64_t number and a byte_view record");
    std::unique_ptr<state> s(new (std::nothrow) state(files, options));
    if (s == nullptr) co_return error{errc::out_of_memory, domain::storage, "no memory for a log", 0};
    wal_recovery ours;
    wal_recovery& report = options.report != nullptr ? *options.report : ours;
    report = {};
    const result<void> made = s->make_directory();
    if (!made) co_return made.error();
    detail::wal_reader<files_type, F> reader(files, s->directory(), options.gap, on_record, report);
    result<detail::wal_tail> tail = co_await reader.run();
    if (!tail) co_return tail.error();
    const result<void> begun = co_await s->begin(*std::move(tail));
    if (!begun) co_return begun.error();
    co_return wal(std::move(s));
  }

  // Adds a record to the open group; answers its number. It is not durable before a flush says so. Fails with
  // full (the open group is at its limit: flush), too_large, out_of_memory, closed, or the error that made the log
  // fail.
  result<std::uint64_t> append(byte_view record) {
    return state_->append(record.size(), [record](byte_span to) noexcept {
      if (!record.empty()) std::memcpy(to.data(), record.data(), record.size());
    });
  }
  // The same without a copy: fill(byte_span) writes the `size` bytes of the record where they will be written from. If
  // it throws, nothing was appended. It must not call the log.
  template <class Fill>
  requires std::is_invocable_v<Fill&, byte_span> result<std::uint64_t> append(std::size_t size, Fill&& fill) {
    return state_->append(size, fill);
  }

  // Ends when all that was appended before the call is written and synced as the level asks (none: written), or with
  // the error that kept it from that. One group is written at a time; callers that come meanwhile share the next one.
  task<result<void>> flush() { return state_->flush(); }

  // The highest number that is durable by the log's level; 0: none. With durability::none the highest appended.
  [[nodiscard]] std::uint64_t durable() const noexcept { return state_->durable(); }
  // The highest number appended; 0: none ever.
  [[nodiscard]] std::uint64_t appended() const noexcept { return state_->appended(); }
  // Whether a flush has something to do.
  [[nodiscard]] bool needs_flush() const noexcept { return state_->needs_flush(); }
  // Whether a group is being written right now.
  [[nodiscard]] bool is_flushing() const noexcept { return state_->is_flushing(); }

  // Ends when record `number` is durable, with the log's error if it will not be. Somebody must flush. All whose
  // records became durable by one sync are resumed one after the other by the flush, in the order of their numbers.
  [[nodiscard]] auto wait_durable(std::uint64_t number) noexcept {
    return typename state::durable_wait(*state_, number, state_->level() == durability::none);
  }

  // Flushes, marks the log as complete, syncs at every level, and closes the file. Appends fail with closed from the
  // call on. A log that is destroyed without it is as after a crash.
  task<result<void>> close() { return state_->close(); }

  // Removes the segments all of whose records are below `number`: what a checkpoint holds. Answers an error of the file
  // system; the log goes on all the same.
  result<void> truncate_before(std::uint64_t number) { return state_->truncate_before(number); }
  // The first record that is still there (or will be).
  [[nodiscard]] std::uint64_t first() const noexcept { return state_->first(); }
  [[nodiscard]] std::size_t segments() const noexcept { return state_->segments(); }

  [[nodiscard]] durability level() const noexcept { return state_->level(); }
  // Why the log takes no more records: the error of a failed write or sync, or closed; nothing while it works.
  [[nodiscard]] std::optional<error> failure() const noexcept { return state_->failure(); }
  // Counts since open.
  [[nodiscard]] const wal_stats& stats() const noexcept { return state_->stats(); }

 private:
  using state = detail::wal_state<files_type>;
  explicit wal(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}

  std::unique_ptr<state> state_;  // stays where it is while the log moves: flushes and waiters point to it
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_STORAGE_WAL_HPP
