// sim::disk: a file system in memory that loses what was not synced, at any operation you name, as a seed says.
//
// Use when  code that writes files must be right after power loss, kill -9, a full or a failing device.
// Threads   one at a time.
// Model     every operation that changes something has a number: creating, write, truncate, sync, rename, remove,
//           make_directory, sync_directory. crash_after(n) lets n more succeed and interrupts the one after; from then
//           on everything fails, until restart(seed) gives the disk as the crash may have left it:
//             power_loss        what was synced is there. Of what was not, each write is kept, dropped or torn: in
//                               sectors of 512 bytes, in any order, each new, old, half new, zero or garbage; a file
//                               may have grown without its data; truncations, and names that were made, changed or
//                               removed without sync_directory, may have happened or not, each for itself.
//             nothing_unsynced  exactly what was synced.
//             process_kill      all that was done before; of the interrupted write any part from its start.
// Promised  bytes that were synced change only where a later write covers them.
// Not yet   misdirected writes, latency, a second process.
// Source    the fault list follows ALICE (OSDI'14), CrashMonkey (OSDI'18), FoundationDB's and TigerBeetle's simulators.
#ifndef FRYS_SIM_DISK_HPP
#define FRYS_SIM_DISK_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../core/awaitable.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/error.hpp"
#include "../core/result.hpp"
#include "../memory/buffer.hpp"
#include "random.hpp"

namespace frys::inline FRYS_ABI::sim {

// What came over the machine; see above.
enum class aftermath : std::uint8_t { power_loss, nothing_unsynced, process_kill };

// A model of file_system (core/concepts.hpp); all its awaitables are ready at once.
class disk {
  struct node;

 public:
  using buffer = frys::buffer;
  static constexpr std::size_t sector = 512;

  // An open file. Good until the restart after a crash.
  class file {
   private:
    friend disk;
    file(std::shared_ptr<node> n, std::uint64_t life, bool writes) noexcept
        : node_(std::move(n)), life_(life), writes_(writes) {}
    std::shared_ptr<node> node_;
    std::uint64_t life_;
    bool writes_;
  };

  // `seed` decides how much of a write a device does that runs full.
  explicit disk(std::uint64_t seed = 0) : random_(seed) { now_[""] = safe_[""] = nullptr; }
  disk(const disk&) = delete;
  disk& operator=(const disk&) = delete;

  // --- file_system ---
  result<file> open(std::string_view path, open_mode mode);
  result<void> remove(std::string_view path);
  result<void> rename(std::string_view from, std::string_view to);
  result<void> make_directory(std::string_view path);
  result<void> sync_directory(std::string_view path);
  result<void> list(std::string_view path, void (*name)(void*, std::string_view), void* argument);
  result<std::uint64_t> size(file& f);
  result<void> truncate(file& f, std::uint64_t size);
  ready<result<std::size_t>> write(file& f, buffer data, std::uint64_t offset) {
    return write_now(f, data.view(), offset);
  }
  ready<result<buffer>> read(file& f, buffer into, std::uint64_t offset) {
    return read_now(f, std::move(into), offset);
  }
  ready<result<void>> sync(file& f) { return sync_now(f); }

  // --- what the test decides ---
  // Operations begun so far, in this life and those before.
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }
  // `n` more operations succeed, the next is interrupted by the crash.
  void crash_after(std::uint64_t n) noexcept { crash_at_ = operations_ + n + 1; }
  [[nodiscard]] bool crashed() const noexcept { return crashed_; }
  // The machine or the process comes back; also without a crash before. Files that were open are no longer.
  void restart(std::uint64_t seed, aftermath what = aftermath::power_loss);

  // `n` more operations succeed, the next fails with `code`; with `lasting` so do all after it. A write that fails
  // leaves any part of its data; after a failed sync nobody knows what is on the disk, and no later sync promises it.
  void fail_after(std::uint64_t n, errc code, bool lasting = false) noexcept {
    fail_at_ = operations_ + n + 1;
    fail_code_ = code;
    fail_lasts_ = lasting;
  }
  // The same for reads, which have a count of their own.
  void fail_read_after(std::uint64_t n, errc code) noexcept {
    fail_read_at_ = reads_ + n + 1;
    fail_read_code_ = code;
  }

  // A file with these bytes, synced with its name; its directory must exist. For tests that prepare or damage.
  void put(std::string_view path, byte_view bytes);
  // What reading the file now would give; nothing if there is none.
  [[nodiscard]] std::vector<std::byte> contents(std::string_view path) const;
  // The files' names with their directories, in order.
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  struct change {
    bool is_write;         // else a new size
    std::uint64_t offset;  // or the size
    std::vector<std::byte> data;
    bool doubtful = false;  // a sync of it failed: no later one makes it safe
  };
  struct node {
    std::vector<std::byte> now;    // as the process sees it
    std::vector<std::byte> safe;   // as it was synced
    std::vector<change> unsynced;  // in order
  };
  using names_type = std::map<std::string, std::shared_ptr<node>, std::less<>>;  // a directory has no node
  struct name_change {
    std::string gone, made;  // either may be empty
    std::shared_ptr<node> of;
    bool is_directory = false;
  };
  enum class turn : std::uint8_t { go, interrupted, failed };

  static constexpr error crash_error{errc::io_failed, domain::sim, "the simulated machine has crashed", 5};

  static std::string clean(std::string_view path);
  static std::string_view parent(std::string_view clean_path) noexcept {
    const std::size_t slash = clean_path.find_last_of('/');
    return slash == std::string_view::npos ? std::string_view() : clean_path.substr(0, slash);
  }
  static void apply(std::vector<std::byte>& bytes, const change& c);
  static void apply(names_type& names, const name_change& c);

  // Counts an operation; tells whether it happens. `e` is what to answer if not.
  turn begin(error& e) noexcept;
  [[nodiscard]] bool is_directory(std::string_view clean_path) const {
    const auto it = now_.find(clean_path);
    return it != now_.end() && it->second == nullptr;
  }
  node* file_at(std::string_view clean_path) const {
    const auto it = now_.find(clean_path);
    return it == now_.end() ? nullptr : it->second.get();
  }
  result<void> check(const file& f) const noexcept {
    if (crashed_) return crash_error;
    if (f.life_ != life_) return error{errc::closed, domain::sim, "the file was open before the restart", 0};
    return {};
  }
  result<void> change_names(name_change c);
  result<std::size_t> write_now(file& f, byte_view data, std::uint64_t offset);
  result<buffer> read_now(file& f, buffer into, std::uint64_t offset);
  result<void> sync_now(file& f);
  void lose_power(random& choose);
  static void tear(std::vector<std::byte>& bytes, const change& c, random& choose);

  names_type now_, safe_;
  std::vector<name_change> unsynced_names_;
  std::vector<std::weak_ptr<node>> nodes_;  // all that were ever made and still matter
  random random_;
  std::uint64_t operations_ = 0, crash_at_ = 0, fail_at_ = 0, reads_ = 0, fail_read_at_ = 0, life_ = 0;
  errc fail_code_ = errc::io_failed, fail_read_code_ = errc::io_failed;
  bool fail_lasts_ = false, crashed_ = false;
  // What the crash interrupted.
  std::shared_ptr<node> cut_node_;
  std::vector<change> cut_change_;      // at most one
  std::vector<name_change> cut_names_;  // at most one
};

inline std::string disk::clean(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t slash = (std::min)(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix((std::min)(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

inline void disk::apply(std::vector<std::byte>& bytes, const change& c) {
  const std::size_t offset = static_cast<std::size_t>(c.offset);
  if (!c.is_write) return bytes.resize(offset);
  if (bytes.size() < offset + c.data.size()) bytes.resize(offset + c.data.size());
  std::copy(c.data.begin(), c.data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

inline void disk::apply(names_type& names, const name_change& c) {
  if (!c.gone.empty()) {
    const auto it = names.find(c.gone);
    if (it != names.end() && it->second == c.of) names.erase(it);
  }
  if (!c.made.empty()) names[c.made] = c.is_directory ? nullptr : c.of;
}

inline disk::turn disk::begin(error& e) noexcept {
  ++operations_;
  if (operations_ == crash_at_) {
    crashed_ = true;
    e = crash_error;
    return turn::interrupted;
  }
  if (fail_at_ != 0 && (operations_ == fail_at_ || (fail_lasts_ && operations_ > fail_at_))) {
    e = {fail_code_, domain::sim, "the simulated device failed as it was told to", 5};
    return turn::failed;
  }
  return turn::go;
}

inline result<void> disk::change_names(name_change c) {
  error e;
  switch (begin(e)) {
    case turn::failed:
      return e;
    case turn::interrupted:
      cut_names_.push_back(std::move(c));
      return e;
    case turn::go:
      break;
  }
  apply(now_, c);
  unsynced_names_.push_back(std::move(c));
  return {};
}

inline result<disk::file> disk::open(std::string_view raw, open_mode mode) {
  if (crashed_) return crash_error;
  const std::string path = clean(raw);
  if (!is_directory(parent(path))) return error{errc::not_found, domain::sim, "there is no such directory", 2};
  if (is_directory(path)) return error{errc::invalid_argument, domain::sim, "a directory is not a file", 21};
  if (file_at(path) != nullptr) {
    if (mode == open_mode::create_new) return error{errc::already_exists, domain::sim, "the file is there already", 17};
  } else {
    if (mode == open_mode::read || mode == open_mode::read_write)
      return error{errc::not_found, domain::sim, "there is no such file", 2};
    auto made = std::make_shared<node>();
    nodes_.push_back(made);
    if (const result<void> done = change_names({"", path, std::move(made), false}); !done) return done.error();
  }
  return file(now_.find(path)->second, life_, mode != open_mode::read);
}

inline result<void> disk::remove(std::string_view raw) {
  if (crashed_) return crash_error;
  std::string path = clean(raw);
  const auto it = now_.find(path);
  if (it == now_.end() || it->second == nullptr) return error{errc::not_found, domain::sim, "there is no such file", 2};
  return change_names({std::move(path), "", it->second, false});
}

inline result<void> disk::rename(std::string_view from_raw, std::string_view to_raw) {
  if (crashed_) return crash_error;
  std::string from = clean(from_raw), to = clean(to_raw);
  const auto it = now_.find(from);
  if (it == now_.end() || it->second == nullptr || !is_directory(parent(to)))
    return error{errc::not_found, domain::sim, "there is no such file or directory", 2};
  if (is_directory(to)) return error{errc::already_exists, domain::sim, "a directory has that name", 21};
  if (from == to) return {};
  return change_names({std::move(from), std::move(to), it->second, false});
}

inline result<void> disk::make_directory(std::string_view raw) {
  if (crashed_) return crash_error;
  std::string path = clean(raw);
  if (is_directory(path)) return {};
  if (file_at(path) != nullptr) return error{errc::already_exists, domain::sim, "a file has that name", 17};
  if (!is_directory(parent(path))) return error{errc::not_found, domain::sim, "there is no such directory", 2};
  return change_names({"", std::move(path), nullptr, true});
}

inline result<void> disk::sync_directory(std::string_view raw) {
  if (crashed_) return crash_error;
  const std::string path = clean(raw);
  if (!is_directory(path)) return error{errc::not_found, domain::sim, "there is no such directory", 2};
  error e;
  if (begin(e) != turn::go) return e;
  std::erase_if(unsynced_names_, [&](const name_change& c) {
    const bool here = (!c.made.empty() && parent(c.made) == path) || (!c.gone.empty() && parent(c.gone) == path);
    if (here) apply(safe_, c);
    return here;
  });
  return {};
}

inline result<void> disk::list(std::string_view raw, void (*name)(void*, std::string_view), void* argument) {
  if (crashed_) return crash_error;
  const std::string path = clean(raw);
  if (!is_directory(path)) return error{errc::not_found, domain::sim, "there is no such directory", 2};
  // Backwards: a directory's order is no promise.
  for (auto it = now_.rbegin(); it != now_.rend(); ++it)
    if (it->second != nullptr && parent(it->first) == path)
      name(argument, std::string_view(it->first).substr(path.empty() ? 0 : path.size() + 1));
  return {};
}

inline result<std::uint64_t> disk::size(file& f) {
  if (const result<void> ok = check(f); !ok) return ok.error();
  return static_cast<std::uint64_t>(f.node_->now.size());
}

inline result<void> disk::truncate(file& f, std::uint64_t size) {
  if (const result<void> ok = check(f); !ok) return ok;
  if (!f.writes_) return error{errc::permission_denied, domain::sim, "the file is open for reading only", 9};
  change c{false, size, {}};
  error e;
  switch (begin(e)) {
    case turn::failed:
      return e;
    case turn::interrupted:
      cut_node_ = f.node_;
      cut_change_.push_back(std::move(c));
      return e;
    case turn::go:
      break;
  }
  apply(f.node_->now, c);
  f.node_->unsynced.push_back(std::move(c));
  return {};
}

inline result<std::size_t> disk::write_now(file& f, byte_view data, std::uint64_t offset) {
  if (const result<void> ok = check(f); !ok) return ok.error();
  if (!f.writes_) return error{errc::permission_denied, domain::sim, "the file is open for reading only", 9};
  change c{true, offset, {data.begin(), data.end()}};
  error e;
  const turn t = begin(e);
  if (t == turn::interrupted) {
    cut_node_ = f.node_;
    cut_change_.push_back(std::move(c));
    return e;
  }
  if (t == turn::failed) c.data.resize(static_cast<std::size_t>(random_.below(c.data.size() + 1)));
  apply(f.node_->now, c);
  f.node_->unsynced.push_back(std::move(c));
  if (t == turn::failed) return e;
  return data.size();
}

inline result<disk::buffer> disk::read_now(file& f, buffer into, std::uint64_t offset) {
  if (const result<void> ok = check(f); !ok) return ok.error();
  if (++reads_ == fail_read_at_)
    return error{fail_read_code_, domain::sim, "the simulated device failed as it was told to", 5};
  const std::vector<std::byte>& bytes = f.node_->now;
  const std::size_t from = static_cast<std::size_t>((std::min)(offset, std::uint64_t{bytes.size()}));
  const std::size_t n = (std::min)(into.size(), bytes.size() - from);
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(from), n, into.data());
  into.truncate(n);
  return into;
}

inline result<void> disk::sync_now(file& f) {
  if (const result<void> ok = check(f); !ok) return ok;
  error e;
  const turn t = begin(e);
  if (t == turn::interrupted) return e;
  std::vector<change>& unsynced = f.node_->unsynced;
  if (t == turn::failed) {
    for (change& c : unsynced) c.doubtful = true;
    return e;
  }
  std::vector<change> left;
  for (change& c : unsynced) {
    if (c.doubtful)
      left.push_back(std::move(c));
    else
      apply(f.node_->safe, c);
  }
  unsynced = std::move(left);
  return {};
}

// Applies `c` as a device may that loses power over it.
inline void disk::tear(std::vector<std::byte>& bytes, const change& c, random& choose) {
  const std::uint64_t end = c.offset + c.data.size();
  if (choose.one_in(4) && bytes.size() < end) bytes.resize(static_cast<std::size_t>(end));  // grew without its data
  for (std::uint64_t at = c.offset; at < end;) {
    const std::uint64_t stop = (std::min)(end, (at / sector + 1) * sector);
    const auto from = c.data.begin() + static_cast<std::ptrdiff_t>(at - c.offset);
    change part{true, at, {from, from + static_cast<std::ptrdiff_t>(stop - at)}};
    switch (choose.below(8)) {
      case 0:
      case 1:
      case 2:
        part.data.clear();
        break;  // old
      case 3:
        part.data.resize(static_cast<std::size_t>(choose.below(part.data.size() + 1)));
        break;  // half new
      case 4:
        for (std::byte& b : part.data) b = choose.one_in(2) ? std::byte{0} : static_cast<std::byte>(choose() & 0xffu);
        break;
      case 5:
        std::fill(part.data.begin(), part.data.end(), std::byte{0});
        break;
      default:
        break;  // new
    }
    if (!part.data.empty()) apply(bytes, part);
    at = stop;
  }
}

inline void disk::lose_power(random& choose) {
  for (const std::weak_ptr<node>& weak : nodes_) {
    const std::shared_ptr<node> n = weak.lock();
    if (n == nullptr) continue;
    for (const change& c : n->unsynced) {
      const std::uint64_t dice = choose.below(3);
      if (dice == 0) continue;
      if (dice == 1 || !c.is_write)
        apply(n->safe, c);
      else
        tear(n->safe, c, choose);
    }
  }
  for (const name_change& c : unsynced_names_)
    if (choose.one_in(2)) apply(safe_, c);
}

inline void disk::restart(std::uint64_t seed, aftermath what) {
  random choose(seed);
  if (what == aftermath::process_kill) {
    for (change& c : cut_change_) {
      if (c.is_write) c.data.resize(static_cast<std::size_t>(choose.below(c.data.size() + 1)));
      if ((c.is_write && c.data.empty()) || (!c.is_write && choose.one_in(2))) continue;
      apply(cut_node_->now, c);
      cut_node_->unsynced.push_back(std::move(c));
    }
    for (name_change& c : cut_names_) {
      if (choose.one_in(2)) continue;
      apply(now_, c);
      unsynced_names_.push_back(std::move(c));
    }
  } else {
    for (change& c : cut_change_) cut_node_->unsynced.push_back(std::move(c));
    for (name_change& c : cut_names_) unsynced_names_.push_back(std::move(c));
    if (what == aftermath::power_loss) lose_power(choose);
    for (const std::weak_ptr<node>& weak : nodes_)
      if (const std::shared_ptr<node> n = weak.lock()) {
        n->unsynced.clear();
        n->now = n->safe;
      }
    unsynced_names_.clear();
    // A name whose directory was lost is lost with it.
    std::erase_if(safe_, [&](const auto& entry) {
      for (std::string_view up = parent(entry.first); !up.empty(); up = parent(up))
        if (const auto it = safe_.find(up); it == safe_.end() || it->second != nullptr) return true;
      return false;
    });
    now_ = safe_;
  }
  std::erase_if(nodes_, [](const std::weak_ptr<node>& n) { return n.expired(); });
  cut_node_.reset();
  cut_change_.clear();
  cut_names_.clear();
  crashed_ = false;
  crash_at_ = fail_at_ = fail_read_at_ = 0;
  ++life_;
}

inline void disk::put(std::string_view path, byte_view bytes) {
  auto n = std::make_shared<node>();
  n->now.assign(bytes.begin(), bytes.end());
  n->safe = n->now;
  nodes_.push_back(n);
  now_[clean(path)] = safe_[clean(path)] = std::move(n);
}

inline std::vector<std::byte> disk::contents(std::string_view path) const {
  const node* n = file_at(clean(path));
  return n == nullptr ? std::vector<std::byte>() : n->now;
}

inline std::vector<std::string> disk::names() const {
  std::vector<std::string> out;
  for (const auto& [name, n] : now_)
    if (n != nullptr) out.push_back(name);
  return out;
}

}  // namespace frys::inline FRYS_ABI::sim

#endif  // FRYS_SIM_DISK_HPP
