// buffer, buffer_chain: bytes that are handed on without copying: a ref-counted slice, and a sequence of them to
// gather.
//
// Use when  bytes travel between owners: from a socket to a decoder to a log, into an operation and back.
// Not when  they stay in one function (std::vector, arena), or only look at somebody's memory (byte_view).
// Threads   one buffer object: one thread at a time. Two buffers of the same block may live on different threads; the
//           count is shared safely, the bytes are the callers' to order (a hand-over through a queue does).
// Cost      24 bytes. A copy or slice is one relaxed increment; a release by the only owner is one load, no
//           read-modify-write. Blocks carry their release function, so pools, mapped files and rings add no allocation.
// Errors    allocate, copy_of, wrap, unshare, compact_if, coalesce: errc::out_of_memory; with an allocator, its own.
// Lifetime  the block is released by its last buffer, on that buffer's thread. A slice keeps its whole
//           block: compact_if lets go of a large one, unshare of one that others have.
//
// Policies: policy::atomics<A>, default atomics::standard. `buffer`, `buffer_block` and `buffer_chain` are the
// defaults.
#ifndef FRYS_MEMORY_BUFFER_HPP
#define FRYS_MEMORY_BUFFER_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

// The head of memory that buffers share. A memory source embeds or derives it, fills it, and gives it away by
// buffer::adopt; `release` is called once, by the last buffer, on any thread.
template <class... Policies>
struct basic_buffer_block {
  using accepted = policy::keys<policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::basic_buffer: unknown policy; it takes policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::basic_buffer: a policy is given twice; name each at most once");
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::basic_buffer: policy::atomics wants an atomics model, see core/atomics.hpp");
  using release_function = void (*)(basic_buffer_block&) noexcept;

  basic_buffer_block() = default;
  basic_buffer_block(std::byte* first, std::size_t bytes, release_function r) noexcept
      : data(first), size(bytes), release(r) {}

  std::byte* data = nullptr;                                        // the first byte
  std::size_t size = 0;                                             // all bytes there are
  release_function release = nullptr;                               // gives the block back to where it came from
  typename atomics_type::template atomic<std::uint32_t> owners{0};  // buffers that share it
};
using buffer_block = basic_buffer_block<>;

namespace detail {
inline constexpr error buffer_refused{errc::out_of_memory, domain::memory, "no memory for a buffer", 0};
}

template <class... Policies>
class basic_buffer {
 public:
  using block_type = basic_buffer_block<Policies...>;
  using atomics_type = typename block_type::atomics_type;
  // For wrap: gives `memory` back. Any thread.
  using foreign_release = void (*)(void* context, byte_span memory) noexcept;

  // Empty, owns nothing.
  basic_buffer() noexcept = default;

  // `size` uninitialised bytes from the heap, in one piece with their block.
  static result<basic_buffer> allocate(std::size_t size) noexcept {
    if (size > detail::most_bytes - heap_header) return detail::buffer_refused;
    void* memory = ::operator new(heap_header + size, std::nothrow);
    if (memory == nullptr) return detail::buffer_refused;
    auto* block = ::new (memory) block_type(static_cast<std::byte*>(memory) + heap_header, size, &release_heap);
    return adopt(*block, size);
  }

  // The same out of `from` (memory that dies together, a heap of one's own), which must outlive the block, unless it is
  // an empty type. The last owner gives the block back on its thread, where `from` must allow that.
  template <class A>
  static result<basic_buffer> allocate_from(A& from, std::size_t size) noexcept {
    static_assert(raw_allocator<A>,
                  "frys::buffer::allocate_from: the memory must come from a raw_allocator, see core/concepts.hpp");
    using block = allocated_block<A>;
    if (size > detail::most_bytes - block::header) return detail::buffer_refused;
    result<void*> memory = from.allocate(block::header + size, block::alignment);
    if (!memory) return memory.error();
    auto* b = ::new (*memory) block(static_cast<std::byte*>(*memory) + block::header, size, &release_allocated<A>);
    b->from.set(from);
    return adopt(*b, size);
  }

  // A copy of `bytes`, from the heap.
  static result<basic_buffer> copy_of(byte_view bytes) noexcept { return filled(allocate(bytes.size()), bytes); }
  // A copy of `bytes`, out of `from`; as allocate_from.
  template <class A>
  static result<basic_buffer> copy_from(A& from, byte_view bytes) noexcept {
    return filled(allocate_from(from, bytes.size()), bytes);
  }

  // The first and only owner of `block`; the buffer shows its first `size` bytes.
  static basic_buffer adopt(block_type& block, std::size_t size) noexcept {
    FRYS_ASSERT(size <= block.size, "buffer::adopt: more bytes than the block has");
    block.owners.store(1, std::memory_order_relaxed);  // relaxed: nobody else has the block
    return basic_buffer(&block, block.data, size);
  }

  // Memory of somebody else: `release(argument, memory)` is called when no buffer shows it any more. On an error it is
  // not called, and the memory stays the caller's.
  static result<basic_buffer> wrap(std::byte* data, std::size_t size, foreign_release release,
                                   void* argument) noexcept {
    auto* block = new (std::nothrow) foreign_block;
    if (block == nullptr) return detail::buffer_refused;
    block->data = data;
    block->size = size;
    block->release = &release_foreign;
    block->release_memory = release;
    block->context = argument;
    return adopt(*block, size);
  }

  basic_buffer(const basic_buffer& other) noexcept : block_(other.block_), data_(other.data_), size_(other.size_) {
    // relaxed: `other` keeps the block alive during this; what the copy's thread reads is ordered by how it got it.
    if (block_ != nullptr) block_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  basic_buffer(basic_buffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  basic_buffer& operator=(const basic_buffer& other) noexcept {
    basic_buffer copy(other);
    swap(copy);
    return *this;
  }
  basic_buffer& operator=(basic_buffer&& other) noexcept {
    basic_buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~basic_buffer() {
    if (block_ != nullptr) drop(*block_);
  }
  void swap(basic_buffer& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  // The bytes may be written through any owner; who shares a block agrees on who writes what.
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] byte_view view() const noexcept { return {data_, size_}; }
  [[nodiscard]] byte_span span() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const noexcept { return as_text(view()); }

  // True if no other buffer shares the block (or there is none); then nobody can start to.
  [[nodiscard]] bool is_unique() const noexcept {
    // sync(buffer.owners): acquire; what former owners did with the bytes is over before we use them as our own.
    return block_ == nullptr || block_->owners.load(std::memory_order_acquire) == 1;
  }
  // Bytes from data() to the end of the block.
  [[nodiscard]] std::size_t capacity() const noexcept {
    return block_ == nullptr ? 0 : block_->size - static_cast<std::size_t>(data_ - block_->data);
  }
  // Shows `count` more bytes of the block, behind the last. False, and nothing changes, if the block is shared or has
  // not so many.
  bool extend(std::size_t count) noexcept {
    if (count > capacity() - size_ || !is_unique()) return false;
    size_ += count;
    return true;
  }

  // Copy on write: after this no other buffer shares the block. If one does, the bytes move to a block of their own,
  // out of the heap or `from`; that one has them for itself. On an error nothing changes.
  result<void> unshare() noexcept { return is_unique() ? result<void>() : become(copy_of(view())); }
  template <class A>
  result<void> unshare(A& from) noexcept {
    return is_unique() ? result<void>() : become(copy_from(from, view()));
  }

  // If less than `ratio` of the block is shown (0.25: a quarter), the bytes move to a block of their own, so that they
  // do not keep the large one. Answers whether they did. On an error nothing changes.
  result<bool> compact_if(double ratio) noexcept {
    if (!shows_less_than(ratio)) return false;
    if (result<void> moved = become(copy_of(view())); !moved) return moved.error();
    return true;
  }
  template <class A>
  result<bool> compact_if(double ratio, A& from) noexcept {
    if (!shows_less_than(ratio)) return false;
    if (result<void> moved = become(copy_from(from, view())); !moved) return moved.error();
    return true;
  }
  // Whether compact_if(ratio) would move the bytes. Not asked of other owners: each counts for itself.
  [[nodiscard]] bool shows_less_than(double ratio) const noexcept {
    return block_ != nullptr && static_cast<double>(size_) < ratio * static_cast<double>(block_->size);
  }

  // Another owner that shows `count` bytes from `offset`; fewer where there are not so many.
  [[nodiscard]] basic_buffer slice(std::size_t offset,
                                   std::size_t count = (std::numeric_limits<std::size_t>::max)()) const noexcept {
    FRYS_ASSERT(offset <= size_, "buffer::slice: the offset is behind the end");
    basic_buffer part(*this);
    part.data_ += offset;
    part.size_ = (std::min)(count, size_ - offset);
    return part;
  }
  // Shows no longer the first `count` bytes.
  void remove_prefix(std::size_t count) noexcept {
    FRYS_ASSERT(count <= size_, "buffer::remove_prefix: more bytes than there are");
    data_ += count;
    size_ -= count;
  }
  // Shows only the first `count` bytes.
  void truncate(std::size_t count) noexcept {
    FRYS_ASSERT(count <= size_, "buffer::truncate: more bytes than there are");
    size_ = count;
  }
  // Becomes empty and gives up the block.
  void reset() noexcept {
    if (block_ != nullptr) drop(*std::exchange(block_, nullptr));
    data_ = nullptr;
    size_ = 0;
  }

  // The block, or nullptr: for memory sources that know their own blocks (registered buffers of a ring).
  [[nodiscard]] block_type* block() const noexcept { return block_; }

 private:
  struct foreign_block : block_type {
    foreign_release release_memory = nullptr;
    void* context = nullptr;
  };
  // So that the bytes are aligned as operator new's memory is.
  static constexpr std::size_t heap_header =
      detail::round_up(sizeof(block_type), (std::max)(alignof(block_type), alignof(std::max_align_t)));

  basic_buffer(block_type* block, std::byte* data, std::size_t size) noexcept
      : block_(block), data_(data), size_(size) {}

  // A block that knows its allocator; of an empty type there is nothing to know.
  template <class A>
  struct allocator_of {
    A* at = nullptr;
    void set(A& a) noexcept { at = &a; }
    A& get() noexcept { return *at; }
  };
  template <class A>
  requires(std::is_empty_v<A>&& std::is_default_constructible_v<A>) struct allocator_of<A> {
    void set(A&) noexcept {}
    A get() noexcept { return A(); }
  };
  template <class A>
  struct allocated_block : block_type {
    static constexpr std::size_t alignment = (std::max)(alignof(block_type), alignof(std::max_align_t));
    static constexpr std::size_t header = detail::round_up(sizeof(block_type) + sizeof(void*), alignment);
    using block_type::block_type;
    allocator_of<A> from;
  };
  template <class A>
  static void release_allocated(block_type& released) noexcept {
    using block = allocated_block<A>;
    static_assert(sizeof(block) <= block::header);
    auto* b = static_cast<block*>(&released);
    auto from = b->from;
    const std::size_t whole = block::header + b->size;
    std::destroy_at(b);
    auto&& a = from.get();
    a.deallocate(b, whole, block::alignment);
  }

  static result<basic_buffer> filled(result<basic_buffer> out, byte_view bytes) noexcept {
    if (out && !bytes.empty()) std::memcpy(out->data(), bytes.data(), bytes.size());
    return out;
  }
  // Takes the place of what it copies.
  result<void> become(result<basic_buffer> copy) noexcept {
    if (!copy) return copy.error();
    swap(*copy);
    return {};
  }

  static void release_heap(block_type& block) noexcept {
    std::destroy_at(&block);
    ::operator delete(static_cast<void*>(&block));
  }
  static void release_foreign(block_type& block) noexcept {
    auto* foreign = static_cast<foreign_block*>(&block);
    foreign->release_memory(foreign->context, byte_span(foreign->data, foreign->size));
    delete foreign;
  }

  static void drop(block_type& block) noexcept {
    // sync(buffer.owners): acquire; the only owner has no rival: no read-modify-write. What the others did with the
    // bytes before they left is over before the memory is used again; with relaxed it might not be.
    if (block.owners.load(std::memory_order_acquire) != 1 &&
        // sync(buffer.owners): acq_rel; release for those who leave, acquire for the last.
        block.owners.fetch_sub(1, std::memory_order_acq_rel) != 1)
      return;
    block.release(block);
  }

  block_type* block_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};
using buffer = basic_buffer<>;

// A sequence of buffers, to be written by one gather (writev, sendmsg, a ring) and consumed from the front.
//
// append takes a buffer as it is; append_copy, prepare and commit gather small pieces in a tail buffer of the chain's
// own, from the heap or, after lease_from or allocate_from, from elsewhere. A chain keeps its list of up to eight
// segments inside itself; a longer one is on the heap and kept by clear().
template <class... Policies>
class basic_buffer_chain {
 public:
  using buffer_type = basic_buffer<Policies...>;
  // The size of the chain's own tail buffers, their block included.
  static constexpr std::size_t tail_size = 4096;

  basic_buffer_chain() noexcept = default;
  basic_buffer_chain(basic_buffer_chain&& other) noexcept : acquire_(other.acquire_), pool_(other.pool_) {
    take_from(other);
  }
  basic_buffer_chain& operator=(basic_buffer_chain&& other) noexcept {
    if (this == &other) return *this;
    clear();
    release_list();
    take_from(other);
    acquire_ = other.acquire_;
    pool_ = other.pool_;
    return *this;
  }
  basic_buffer_chain(const basic_buffer_chain&) = delete;  // share the segments one by one where that is meant
  basic_buffer_chain& operator=(const basic_buffer_chain&) = delete;
  ~basic_buffer_chain() {
    clear();
    release_list();
  }

  // Bytes in all segments.
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return bytes_ == 0; }
  // The buffers in order, none of them empty. Valid until the chain changes.
  [[nodiscard]] std::span<const buffer_type> segments() const noexcept { return {list_ + first_, count_ - first_}; }

  // Puts a buffer at the end, by pointer. On an error (out_of_memory) the chain is as before.
  result<void> append(buffer_type piece) noexcept {
    if (piece.empty()) return {};
    const std::size_t more = piece.size();
    if (!push(std::move(piece))) return detail::buffer_refused;
    bytes_ += more;
    own_tail_ = false;
    return {};
  }

  // Puts all of `other` at the end. On an error both chains are as before.
  result<void> append(basic_buffer_chain&& other) noexcept {
    if (other.empty()) return {};
    if (!make_room(other.count_ - other.first_)) return detail::buffer_refused;
    for (std::uint32_t i = other.first_; i < other.count_; ++i) (void)push(std::move(other.list_[i]));
    bytes_ += other.bytes_;
    own_tail_ = other.own_tail_;
    other.clear();
    return {};
  }

  // Copies `bytes` to the end. On an error (out_of_memory) the chain is as before.
  result<void> append_copy(byte_view bytes) noexcept {
    if (bytes.empty()) return {};
    result<byte_span> room = prepare(bytes.size());
    if (!room) return room.error();
    std::memcpy(room->data(), bytes.data(), bytes.size());
    commit(bytes.size());
    return {};
  }
  result<void> append_copy(std::string_view text) noexcept { return append_copy(as_bytes(text)); }

  // At least `least` bytes in one piece, to be filled in place and committed; append nothing else in between.
  result<byte_span> prepare(std::size_t least) noexcept {
    if (byte_span room = tail_room(); room.size() >= least && !room.empty()) return room;
    if (acquire_ != nullptr) {
      result<buffer_type> leased = acquire_(pool_, least);
      if (leased && leased->capacity() >= least) return prepare_in(*std::move(leased));
    }
    result<buffer_type> fresh = buffer_type::allocate((std::max)(least, tail_size - overhead));
    if (!fresh) return fresh.error();
    return prepare_in(*std::move(fresh));
  }
  // Makes the first `count` bytes of what prepare answered part of the chain.
  void commit(std::size_t count) noexcept {
    if (count == 0) return;
    if (spare_.block() != nullptr) {
      // prepare left room for it in the list
      spare_.truncate(0);
      (void)spare_.extend(count);
      (void)push(std::move(spare_));
      spare_.reset();
      own_tail_ = true;
    } else {
      const bool extended = own_tail_ && count_ != first_ && list_[count_ - 1].extend(count);
      FRYS_ASSERT(extended, "buffer_chain::commit: more bytes than prepare answered");
      if (!extended) return;
    }
    bytes_ += count;
  }
  // Lets the chain's tail buffers come from `pool` (memory/buffer_pool.hpp), whose owner thread alone may append then;
  // a piece larger than a block, or a pool that is full, still goes to the heap. The pool must outlive the appending.
  template <class Pool>
  void lease_from(Pool& pool) noexcept {
    pool_ = &pool;
    acquire_ = [](void* p, std::size_t) noexcept -> result<buffer_type> { return static_cast<Pool*>(p)->acquire(); };
  }
  // Lets them come from `from`, as buffer::allocate_from does; where it refuses, from the heap.
  template <class A>
  void allocate_from(A& from) noexcept {
    pool_ = &from;
    acquire_ = [](void* p, std::size_t least) noexcept -> result<buffer_type> {
      return buffer_type::allocate_from(*static_cast<A*>(p), (std::max)(least, tail_size - overhead));
    };
  }

  // All bytes in one piece: what parsers of foreign libraries want. Nothing is copied if they are. On an error
  // (out_of_memory) the chain is as before. The view is good until the chain changes.
  result<byte_view> coalesce() noexcept {
    if (count_ - first_ > 1) {
      result<std::uint32_t> joined = join(first_, count_, size());
      if (!joined) return joined.error();
    }
    return empty() ? byte_view() : list_[first_].view();
  }
  // Segments that show less than `ratio` of their block move to blocks of their own, neighbours together, so that a few
  // bytes do not keep large blocks; the tail that the chain is filling stays. Answers how many moved. On an error the
  // chain has the same bytes, some of them moved.
  result<std::size_t> compact_if(double ratio) noexcept {
    std::size_t moved = 0;
    for (std::uint32_t i = first_; i < count_; ++i) {
      std::uint32_t end = i;
      std::size_t bytes = 0;
      for (; end < count_ && !(own_tail_ && end + 1 == count_) && list_[end].shows_less_than(ratio); ++end)
        bytes += list_[end].size();
      if (end == i) continue;
      result<std::uint32_t> joined = join(i, end, bytes);
      if (!joined) return joined.error();
      moved += *joined;
    }
    return moved;
  }

  // Drops `count` bytes from the front, and the buffers that are empty then.
  void consume(std::size_t count) noexcept {
    FRYS_ASSERT(count <= bytes_, "buffer_chain::consume: more bytes than there are");
    count = (std::min)(count, bytes_);
    bytes_ -= count;
    while (count != 0) {
      buffer_type& front = list_[first_];
      if (count < front.size()) {
        front.remove_prefix(count);
        return;
      }
      count -= front.size();
      front.reset();
      ++first_;
    }
    if (first_ == count_) first_ = count_ = 0, own_tail_ = false;
  }

  // Gives up all buffers.
  void clear() noexcept {
    for (std::uint32_t i = first_; i < count_; ++i) list_[i].reset();
    first_ = count_ = 0;
    bytes_ = 0;
    own_tail_ = false;
    spare_.reset();
  }

  // All bytes, as a chain that leases from no pool and so may go to another thread; this one is empty after.
  [[nodiscard]] basic_buffer_chain take() noexcept {
    basic_buffer_chain out;
    out.take_from(*this);
    return out;
  }

  // Copies all bytes to `out`, which has size() of them.
  void copy_to(std::byte* out) const noexcept {
    for (const buffer_type& b : segments()) out = std::copy_n(b.data(), b.size(), out);
  }

 private:
  static constexpr std::uint32_t inside = 8;
  static constexpr std::size_t overhead = 64;  // of a tail's block: its head, so that the whole is one size class

  // Segments [begin, end), which have `bytes`, become one, in a block of their own. Answers how many they were.
  result<std::uint32_t> join(std::uint32_t begin, std::uint32_t end, std::size_t bytes) noexcept {
    result<buffer_type> whole = buffer_type::allocate(bytes);
    if (!whole) return whole.error();
    std::byte* out = whole->data();
    for (std::uint32_t i = begin; i < end; ++i) out = std::copy_n(list_[i].data(), list_[i].size(), out);
    if (end == count_) own_tail_ = false;
    list_[begin] = *std::move(whole);
    std::move(list_ + end, list_ + count_, list_ + begin + 1);
    for (std::uint32_t i = count_ - (end - begin) + 1; i < count_; ++i) list_[i].reset();
    count_ -= end - begin - 1;
    return end - begin;
  }

  // What may still be written behind the last byte.
  byte_span tail_room() noexcept {
    if (spare_.block() != nullptr) return {spare_.data(), spare_.capacity()};
    if (!own_tail_ || count_ == first_) return {};
    buffer_type& last = list_[count_ - 1];
    if (!last.is_unique()) return {};  // somebody kept a copy of the segment
    return {last.data() + last.size(), last.capacity() - last.size()};
  }
  result<byte_span> prepare_in(buffer_type fresh) noexcept {
    if (!make_room(1)) return detail::buffer_refused;
    spare_ = std::move(fresh);
    return byte_span(spare_.data(), spare_.capacity());
  }

  bool push(buffer_type piece) noexcept {
    if (!make_room(1)) return false;
    list_[count_++] = std::move(piece);
    return true;
  }
  // Room for `more` further segments.
  bool make_room(std::uint32_t more) noexcept {
    if (room_ - count_ >= more) return true;
    const std::uint32_t live = count_ - first_;
    if (room_ - live >= more && first_ >= live) {  // enough was consumed: move down, at a constant cost per segment
      std::move(list_ + first_, list_ + count_, list_);
    } else {
      if (live > (std::numeric_limits<std::uint32_t>::max)() / 4 - more) return false;
      const std::uint32_t wanted = (std::max)(room_ * 2, live + more);
      auto* list = new (std::nothrow) buffer_type[wanted];
      if (list == nullptr) return false;
      std::move(list_ + first_, list_ + count_, list);
      release_list();
      list_ = list;
      room_ = wanted;
    }
    first_ = 0;
    count_ = live;
    return true;
  }
  void release_list() noexcept {
    if (list_ != inside_) delete[] list_;
    list_ = inside_;
    room_ = inside;
  }
  // We are empty and have our list inside.
  void take_from(basic_buffer_chain& other) noexcept {
    if (other.list_ == other.inside_) {
      std::move(other.inside_ + other.first_, other.inside_ + other.count_, inside_ + other.first_);
    } else {
      list_ = std::exchange(other.list_, other.inside_);
      room_ = std::exchange(other.room_, inside);
    }
    first_ = std::exchange(other.first_, 0);
    count_ = std::exchange(other.count_, 0);
    bytes_ = std::exchange(other.bytes_, 0);
    own_tail_ = std::exchange(other.own_tail_, false);
    other.spare_.reset();  // prepared, never committed
  }

  buffer_type* list_ = inside_;
  std::uint32_t room_ = inside;
  std::uint32_t first_ = 0;  // list_[first_, count_) are the segments
  std::uint32_t count_ = 0;
  bool own_tail_ = false;  // the last segment is ours to extend
  std::size_t bytes_ = 0;
  result<buffer_type> (*acquire_)(void* pool, std::size_t least) noexcept = nullptr;
  void* pool_ = nullptr;
  buffer_type spare_;  // prepared, not yet a segment
  buffer_type inside_[inside];
};
using buffer_chain = basic_buffer_chain<>;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_BUFFER_HPP
