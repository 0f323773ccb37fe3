// reply_queue: the replies of one connection, in the order of its commands, each leaving when it may.
//
// A reply may have to wait: for the sync of the write it acknowledges, or for another core that makes it. What stands
// behind it waits too; what stands before it does not.
#ifndef FRYS_KERNEL_REPLY_QUEUE_HPP
#define FRYS_KERNEL_REPLY_QUEUE_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include <frys/core/intrusive_list.hpp>
#include <frys/memory/buffer.hpp>
#include <frys/memory/object_pool.hpp>

#include "memory.hpp"

namespace kernel {

// Where replies are written: a resp_sink (frys/net/resp_writer.hpp) over a chain of buffers that leaves without a copy.
class reply_output {
 public:
  // What is written from now on lies in buffers of `memory`, on whose thread alone it is written.
  void use(buffer_memory& memory) noexcept {
    memory_ = &memory;
    chain_.lease_from(memory.ordinary());
  }

  char* grow(std::size_t n) noexcept {
    if (n > buffer_memory::block && memory_ != nullptr) [[unlikely]]
      return grow_large(n);
    auto room = chain_.prepare(n);
    if (!room) return failed_ = true, nullptr;
    return reinterpret_cast<char*>(room->data());
  }
  void commit(std::size_t n) noexcept {
    if (large_.block() == nullptr) [[likely]]
      return chain_.commit(n);
    (void)large_.extend(n);
    failed_ |= !chain_.append(std::move(large_));
    large_.reset();
  }
  // By pointer, where that is less work than a copy.
  void append(const frys::buffer& bytes) noexcept {
    if (bytes.size() >= share_from) {
      failed_ |= !chain_.append(bytes);
    } else if (char* to = grow(bytes.size())) {
      std::memcpy(to, bytes.data(), bytes.size());
      commit(bytes.size());
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return chain_.size(); }
  [[nodiscard]] bool empty() const noexcept { return chain_.empty(); }
  // Out of memory; what was written before is whole, what came after is missing.
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  frys::buffer_chain take() noexcept { return chain_.take(); }
  frys::buffer_chain& chain() noexcept { return chain_; }

 private:
  static constexpr std::size_t share_from = 1024;

  // In a buffer of its own, for the next commit.
  FRYS_NOINLINE char* grow_large(std::size_t n) noexcept {
    auto made = memory_->acquire(n);
    if (!made) return failed_ = true, nullptr;
    large_ = *std::move(made);
    return reinterpret_cast<char*>(large_.data());
  }

  frys::buffer_chain chain_;
  buffer_memory* memory_ = nullptr;
  frys::buffer large_;
  bool failed_ = false;
};

class reply_queue {
 public:
  // A reply that another core makes. Whoever reserved it fills it, exactly once.
  struct place {
    place* next = nullptr;
    reply_output bytes;
    std::uint64_t after = 0;  // the log sequence number that must be durable first; 0: none
    bool missing = false;     // reserved and not filled
  };

  using place_pool = frys::object_pool<place>;

  // The replies are written into buffers of `memory`; both outlive this.
  reply_queue(buffer_memory& memory, place_pool& pool) noexcept : pool_(pool) { tail_.bytes.use(memory); }
  ~reply_queue() {
    while (place* p = places_.pop()) pool_.destroy(*p);
  }

  // Where the next reply is written.
  reply_output& tail() noexcept { return tail_.bytes; }

  // The reply that was written to tail() since its size was `mark` must not leave before `sequence` is durable. Replies
  // before it that wait for no more than `grouped`, a sync that comes earlier, do not wait with it.
  void hold(std::size_t mark, std::uint64_t sequence, std::uint64_t grouped) {
    if (mark != 0 && tail_.after <= grouped) {
      if (auto before = pool_.create()) {  // without memory they wait too
        (*before)->after = std::exchange(tail_.after, 0);
        move_front(mark, (*before)->bytes.chain());
        push(**before);
      }
    }
    if (sequence > tail_.after) tail_.after = sequence;
  }

  // Takes the memory that the next reserve needs. False: there is none.
  [[nodiscard]] bool can_reserve() noexcept { return pool_.reserve(pool_.size() + 2).has_value(); }
  // Keeps a place for the reply of the next command; good until it is filled and taken. nullptr: out of memory, nothing
  // has changed.
  place* reserve() noexcept {
    auto reserved = pool_.create();
    if (!reserved) return nullptr;
    if (!tail_.bytes.empty()) {
      auto before = pool_.create();
      if (!before) return pool_.destroy(**reserved), nullptr;
      (*before)->bytes = std::move(tail_.bytes);
      (*before)->after = std::exchange(tail_.after, 0);
      push(**before);
    }
    (*reserved)->missing = true;
    push(**reserved);
    return *reserved;
  }
  void fill(place& reserved, reply_output&& bytes) noexcept {
    reserved.bytes = std::move(bytes);
    reserved.missing = false;
    settled_ += reserved.bytes.size();
  }

  // Moves what may leave now, with the log durable up to `durable`, to `out`. False if there is nothing, or no memory.
  bool take(std::uint64_t durable, frys::buffer_chain& out) noexcept {
    while (!places_.empty() && !places_.front()->missing && places_.front()->after <= durable) {
      place* const p = places_.pop();
      settled_ -= p->bytes.size();
      failed_ |= p->bytes.failed() || !out.append(p->bytes.take());
      pool_.destroy(*p);
    }
    if (places_.empty() && tail_.after <= durable && !tail_.bytes.empty()) {
      failed_ |= tail_.bytes.failed();
      if (out.empty())
        out = tail_.bytes.take();
      else
        failed_ |= !out.append(tail_.bytes.take());
      tail_.after = 0;
    }
    return !out.empty();
  }
  [[nodiscard]] bool can_leave(std::uint64_t durable) const noexcept {
    if (const place* p = places_.front()) return !p->missing && p->after <= durable;
    return tail_.after <= durable && !tail_.bytes.empty();
  }
  [[nodiscard]] bool empty() const noexcept { return places_.empty() && tail_.bytes.empty(); }
  // Bytes that wait to leave.
  [[nodiscard]] std::size_t size() const noexcept { return settled_ + tail_.bytes.size(); }
  // A reply is missing bytes: there was no memory for it. The connection cannot go on.
  [[nodiscard]] bool failed() const noexcept { return failed_ || tail_.bytes.failed(); }

 private:
  void push(place& p) noexcept {
    settled_ += p.bytes.size();
    places_.push(p);
  }
  // The first `count` bytes of the tail, by pointer where a segment ends there, else as a slice.
  void move_front(std::size_t count, frys::buffer_chain& to) noexcept {
    frys::buffer_chain& from = tail_.bytes.chain();
    for (std::size_t left = count; left != 0;) {
      const frys::buffer part = from.segments().front().slice(0, left);
      left -= part.size();
      failed_ |= !to.append(part);
      from.consume(part.size());
    }
  }

  place_pool& pool_;
  frys::intrusive_queue<place> places_;
  place tail_;
  std::size_t settled_ = 0;
  bool failed_ = false;
};

}  // namespace kernel

#endif  // FRYS_KERNEL_REPLY_QUEUE_HPP
