// memory: what the requests of one core live in: frys blocks, so that no request asks the general heap.
//
//   buffer_memory   replies, messages, commands that a buffer's end has cut: pools of a few sizes
//   scratch         an arena for what a command needs while it runs
//   request_memory  arenas for what a command keeps while it waits for other cores
//   cut_command     the bytes of a command that is not whole yet
//
// Threads  their core's. A buffer may be released on any thread.
#ifndef FRYS_KERNEL_MEMORY_HPP
#define FRYS_KERNEL_MEMORY_HPP

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <frys/core/intrusive_list.hpp>
#include <frys/memory/arena.hpp>
#include <frys/memory/buffer.hpp>
#include <frys/memory/buffer_pool.hpp>
#include <frys/memory/object_pool.hpp>
#include <frys/memory/std_allocator.hpp>

namespace kernel {

using scratch = frys::arena<>;
template <class T>
using scratch_vector = std::vector<T, frys::arena_allocator<T>>;
using scratch_string = std::basic_string<char, std::char_traits<char>, frys::arena_allocator<char>>;

// Forgets what a command needed; a crowd's worth of memory is given back, an ordinary command's is kept.
inline void tidy(scratch& memory) noexcept {
  if (memory.reserved() > std::size_t{1} << 20)
    memory.release();
  else
    memory.reset();
}

class buffer_memory {
 public:
  static constexpr std::size_t block = 4096;

  // An empty buffer with room for `least` bytes; above the largest pool's size from the heap.
  frys::result<frys::buffer> acquire(std::size_t least) noexcept {
    if (least <= half_block) return half_.acquire();
    if (least <= block) return ordinary_.acquire();
    if (least <= middle_block) return middle_.acquire();
    if (least <= large_block) return large_.acquire();
    auto made = frys::buffer::allocate(least);
    if (made) made->truncate(0);
    return made;
  }
  // The pool of the ordinary blocks, for chains that lease their tails.
  frys::buffer_pool<>& ordinary() noexcept { return ordinary_; }

 private:
  static constexpr std::size_t half_block = block / 2, middle_block = 16 * 1024, large_block = 64 * 1024;

  frys::buffer_pool<> half_{half_block};
  frys::buffer_pool<> ordinary_{block};
  frys::buffer_pool<> middle_{middle_block};
  frys::buffer_pool<> large_{large_block};
};

// Arenas that are handed out and come back.
class request_memory {
  struct spare : frys::list_hook<> {
    scratch memory;
  };

 public:
  // Owns an arena and returns it.
  class lease {
   public:
    lease(lease&& other) noexcept : of_(other.of_), held_(std::exchange(other.held_, nullptr)) {}
    lease& operator=(lease&&) = delete;
    ~lease() {
      if (held_ != nullptr) of_->give_back(*held_);
    }
    scratch& operator*() const noexcept { return held_->memory; }

   private:
    friend request_memory;
    lease(request_memory& of, spare& held) noexcept : of_(&of), held_(&held) {}
    request_memory* of_;
    spare* held_;
  };

  request_memory() = default;
  request_memory(const request_memory&) = delete;
  request_memory& operator=(const request_memory&) = delete;
  ~request_memory() {
    while (spare* s = spares_.pop_front()) pool_.destroy(*s);
  }

  frys::result<lease> take() noexcept {
    if (spare* s = spares_.pop_front()) return lease(*this, *s);
    auto made = pool_.create();
    if (!made) return made.error();
    return lease(*this, **made);
  }

 private:
  void give_back(spare& s) noexcept {
    tidy(s.memory);
    spares_.push_front(s);
  }

  frys::object_pool<spare> pool_;
  frys::intrusive_list<spare> spares_;
};

// Owns no memory while it is empty.
class cut_command {
 public:
  explicit cut_command(buffer_memory& memory) noexcept : memory_(memory) {}

  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] frys::byte_view view() const noexcept { return bytes_.view(); }
  // False: out of memory, nothing changed.
  [[nodiscard]] bool append(frys::byte_view more) noexcept {
    const std::size_t before = bytes_.size();
    if (!bytes_.extend(more.size())) {
      auto larger = memory_.acquire((std::max)(before + more.size(), bytes_.capacity() * 2));
      if (!larger || !larger->extend(before + more.size())) return false;
      if (before != 0) std::memcpy(larger->data(), bytes_.data(), before);
      bytes_ = *std::move(larger);
    }
    if (!more.empty()) std::memcpy(bytes_.data() + before, more.data(), more.size());
    return true;
  }
  // Drops bytes from the front.
  void consume(std::size_t count) noexcept {
    bytes_.remove_prefix(count);
    if (bytes_.empty()) bytes_.reset();
  }

 private:
  buffer_memory& memory_;
  frys::buffer bytes_;
};

}  // namespace kernel

#endif  // FRYS_KERNEL_MEMORY_HPP
