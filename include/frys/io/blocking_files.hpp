// blocking_files: POSIX files for a loop that must go on while a sync runs: syncs wait on a thread of a pool, and their
// coroutine goes on in the loop.
//
// Use when  a loop without io_uring writes a log that others wait for.
// Not when  nobody else is served meanwhile (posix_files), or there is io_uring (uring_reactor::files).
// Threads   the loop's, all of it; the pool's threads call fdatasync and nothing else.
// Cost      sync: a block of the allocator's thread cache, a hand-over to the pool and a post back, some 50 us beside
//           what the disk takes. The rest as posix_files: writes go to the page cache, on the loop's thread.
// Errors    those of posix_files, and those of the pool when it takes no more (see blocking_pool).
// Lifetime  the pool, the loop and a file outlive its syncs. A coroutine that is destroyed while it waits is forgotten;
//           the sync goes on.
#ifndef FRYS_IO_BLOCKING_FILES_HPP
#define FRYS_IO_BLOCKING_FILES_HPP

#include <coroutine>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "../config.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../core/work.hpp"
#include "../memory/process_heap.hpp"
#include "posix_files.hpp"

#if FRYS_OS_POSIX

namespace frys::inline FRYS_ABI {

// Pool: submit(f) runs f() on a thread that may block and answers a result<void>, as blocking_pool's. Loop: an
// executor.
template <class Pool, executor Loop>
class blocking_files {
 public:
  using file = posix_files::file;
  using buffer = posix_files::buffer;

  // Paths are relative to the working directory, or to `root`, which must exist.
  blocking_files(Pool& pool, Loop& loop, std::string_view root = {}) noexcept
      : files_(root), pool_(&pool), loop_(&loop) {}
  [[nodiscard]] result<void> status() const noexcept { return files_.status(); }

  result<file> open(std::string_view path, open_mode mode) noexcept { return files_.open(path, mode); }
  result<void> remove(std::string_view path) noexcept { return files_.remove(path); }
  result<void> rename(std::string_view from, std::string_view to) noexcept { return files_.rename(from, to); }
  result<void> make_directory(std::string_view path) noexcept { return files_.make_directory(path); }
  result<void> sync_directory(std::string_view path) noexcept { return files_.sync_directory(path); }
  result<void> list(std::string_view path, void (*name)(void*, std::string_view), void* argument) {
    return files_.list(path, name, argument);
  }
  result<std::uint64_t> size(file& f) noexcept { return files_.size(f); }
  result<void> truncate(file& f, std::uint64_t bytes) noexcept { return files_.truncate(f, bytes); }
  auto write(file& f, buffer data, std::uint64_t offset) noexcept { return files_.write(f, std::move(data), offset); }
  auto read(file& f, buffer into, std::uint64_t offset) noexcept { return files_.read(f, std::move(into), offset); }

  // Data, and what is needed to find them again.
  [[nodiscard]] auto sync(file& f) noexcept { return sync_wait(*this, f); }

 private:
  // Between begin and the post back it is the pool's, then the loop's again.
  struct operation : work {
    explicit operation(blocking_files& o, file& f) noexcept : work(&came_back), of(o), what(f) {}
    static void came_back(work& w) noexcept {
      auto& self = static_cast<operation&>(w);
      self.is_done = true;
      if (self.waiting != nullptr)
        self.waiting.resume();
      else
        release(&self);  // nobody waits any more
    }
    static void release(operation* o) noexcept {
      std::destroy_at(o);
      process_heap::deallocate(o, sizeof(operation), alignof(operation));
    }
    blocking_files& of;
    file& what;
    std::coroutine_handle<> waiting = nullptr;
    bool is_done = false;
    result<void> outcome;
  };

  class [[nodiscard]] sync_wait {
   public:
    sync_wait(blocking_files& of, file& f) noexcept : of_(of), file_(f) {}
    sync_wait(const sync_wait&) = delete;
    sync_wait& operator=(const sync_wait&) = delete;
    ~sync_wait() {
      if (operation_ == nullptr) return;
      operation_->waiting = nullptr;
      if (operation_->is_done) operation::release(operation_);
    }
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) noexcept {
      const auto memory = process_heap::allocate(sizeof(operation), alignof(operation));
      if (!memory) return refused_ = memory.error(), false;
      operation_ = ::new (*memory) operation(of_, file_);
      operation_->waiting = waiting;
      operation* const o = operation_;
      const result<void> begun = of_.pool_->submit([o]() noexcept {
        o->outcome = o->of.files_.sync(o->what).await_resume();
        o->of.loop_->post(*o);
      });
      if (begun) return true;
      refused_ = begun.error();
      operation::release(std::exchange(operation_, nullptr));
      return false;
    }
    result<void> await_resume() const noexcept { return operation_ != nullptr ? operation_->outcome : refused_; }

   private:
    blocking_files& of_;
    file& file_;
    operation* operation_ = nullptr;
    result<void> refused_;
  };

  posix_files files_;
  Pool* pool_;
  Loop* loop_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_OS_POSIX

#endif  // FRYS_IO_BLOCKING_FILES_HPP
