// shared_ring: a ring in memory that two processes share.
//
// Use when  one process hands values to another without a system call for each: map the same memory into both, create()
//           in one, attach() in the other, and use the ring as between threads.
// Not when  both ends are threads of one process (the ring itself), or they are on two machines.
// Ring      an spsc_ring in each of its forms of fixed capacity (counted, lazy, niche, overwriting), or an mpmc_ring.
//           Its T: trivially copyable and no pointer, for an address means nothing in the other process; a pointer
//           inside T is the caller's error. Atomics: std::atomic's, and free of locks. Both processes name the very
//           same type; what the memory cannot tell (a niche, the meaning of T's bytes) is theirs to agree on.
// Roles     the ring's, over all processes: an spsc_ring has one producer among all of them. Each process has its own
//           handle; handles are pointers and may be copied.
// Progress  the ring's. A process that dies between operations leaves the ring whole: another may attach and take its
//           role over. One that dies within a push or pop of an spsc_ring has not done it (or has, if it was at the
//           last store); in an mpmc_ring its slot stays taken, and what stands behind it hidden.
// Cost      the ring's; create and attach look at one line.
// Ordering  the ring's.
// Trust     the other process writes where it likes. What it writes can make values wrong, lost or doubled, and a pop
//           find nothing, or keep it trying while it goes on writing; it cannot make an operation of the ring reach
//           outside the memory. Take a T of which every bit pattern is a value, then.
// Waiting   there is none here: poll, or tell the other side through an eventfd, a pipe or a futex of your own.
// Lifetime  the ring ends with the memory. Nobody destroys it; T needs no destructor. close() as in the ring.
// Errors    create: invalid_argument, the memory is too small (number: the bytes it needs) or not aligned (number: the
//           alignment); already_exists, a ring lives there (zero the memory to start again). attach: invalid_argument,
//           as above; not_found, nobody has created a ring there yet; corrupt, something else lies there;
//           version_mismatch, a ring of another form, element size, capacity or frys.
// Policies  the ring's.
// Source    the ring's; that it holds indices and no address is Lamport's form, TOPLAS 5(2), 1983.
#ifndef FRYS_QUEUE_SHARED_RING_HPP
#define FRYS_QUEUE_SHARED_RING_HPP

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/cache_line.hpp"
#include "../core/error.hpp"
#include "../core/result.hpp"

namespace frys::inline FRYS_ABI {

// What may be shared: its slots lie in it, and it holds no address.
template <class Ring>
concept shareable_ring = requires {
  typename Ring::value_type;
  typename Ring::atomics_type;
  { Ring::capacity } -> std::convertible_to<std::size_t>;
  requires Ring::shared_form != 0;
};

template <class Ring>
class shared_ring {
  static_assert(shareable_ring<Ring>,
                "frys::shared_ring<Ring>: Ring must be an spsc_ring or mpmc_ring whose capacity is a number");

 public:
  using ring_type = Ring;
  using value_type = typename Ring::value_type;

 private:
  static_assert(std::is_trivially_copyable_v<value_type> && !std::is_pointer_v<value_type>,
                "frys::shared_ring<Ring>: the element must be trivially copyable and no pointer, since it goes to "
                "another process");
  template <class U>
  using atomic = typename Ring::atomics_type::template atomic<U>;
  static_assert(atomic<std::uint64_t>::is_always_lock_free && atomic<std::size_t>::is_always_lock_free &&
                    atomic<std::uint8_t>::is_always_lock_free,
                "frys::shared_ring<Ring>: this machine's atomics have locks, which two processes do not share");

  // What both sides must agree on. Written before `ready`, and never again.
  struct shape {
    std::uint32_t layout_version = 1;  // grows when a ring's layout changes
    std::uint32_t form = Ring::shared_form;
    std::uint64_t ring_bytes = sizeof(Ring);
    std::uint64_t element_bytes = sizeof(value_type);
    std::uint64_t capacity = Ring::capacity;

    friend bool operator==(const shape&, const shape&) = default;
  };
  static constexpr std::uint64_t magic = 0x676e'6972'7379'7266;  // "frysring"
  struct place {
    atomic<std::uint64_t> ready;  // the magic once the rest is there
    typename Ring::atomics_type::template var<shape> agreed;
    alignas(2 * cache_line) Ring ring;
  };

 public:
  // What the memory must have, the same in both processes. Pages of mmap are aligned.
  static constexpr std::size_t bytes = sizeof(place);
  static constexpr std::size_t alignment = alignof(place);

  // A new ring in `memory`, whose bytes are zero or anything but a ring.
  [[nodiscard]] static result<shared_ring> create(byte_span memory) noexcept {
    if (auto fit = check(memory); !fit) return fit.error();
    // Not through the atomic, which may not be there yet. Two that create at once are the caller's error.
    std::uint64_t found = 0;
    std::memcpy(&found, memory.data(), sizeof(found));
    if (found == magic) return error{errc::already_exists, domain::queue, "a ring lives in this memory", 0};
    place* const p = std::construct_at(reinterpret_cast<place*>(memory.data()));
    // sync(shared_ring.ready): release; who finds the magic finds the ring.
    p->ready.store(magic, std::memory_order_release);
    return shared_ring(*p);
  }
  // The ring that another process has created in `memory`, or this one elsewhere.
  [[nodiscard]] static result<shared_ring> attach(byte_span memory) noexcept {
    if (auto fit = check(memory); !fit) return fit.error();
    auto* const p = std::launder(reinterpret_cast<place*>(memory.data()));
    // sync(shared_ring.ready): acquire; then all that create wrote is there.
    const std::uint64_t found = p->ready.load(std::memory_order_acquire);
    if (found == 0) return error{errc::not_found, domain::queue, "nobody has created a ring in this memory yet", 0};
    if (found != magic) return error{errc::corrupt, domain::queue, "what lies in this memory is no ring", 0};
    if (!(p->agreed.get() == shape{}))
      return error{errc::version_mismatch, domain::queue, "the ring in this memory is of another type or version", 0};
    return shared_ring(*p);
  }

  // The ring's operations.
  Ring& operator*() const noexcept { return *ring_; }
  Ring* operator->() const noexcept { return ring_; }

 private:
  explicit shared_ring(place& p) noexcept : ring_(&p.ring) {}

  static result<void> check(byte_span memory) noexcept {
    if (reinterpret_cast<std::uintptr_t>(memory.data()) % alignment != 0)
      return error{errc::invalid_argument, domain::queue, "the memory of a shared ring is not aligned",
                   static_cast<std::int64_t>(alignment)};
    if (memory.size() < bytes)
      return error{errc::invalid_argument, domain::queue, "the memory of a shared ring is too small",
                   static_cast<std::int64_t>(bytes)};
    return {};
  }

  Ring* ring_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_SHARED_RING_HPP
