// ring: one io_uring: set up as well as the kernel allows, submissions that never get lost, lent receive buffers.
// frys: real model
#ifndef FRYS_IO_DETAIL_RING_HPP
#define FRYS_IO_DETAIL_RING_HPP

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <new>
#include <utility>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/deadline.hpp"
#include "../../core/result.hpp"
#include "../../memory/buffer.hpp"
#include "../os_error.hpp"
#include "liburing.hpp"

#if FRYS_WITH_URING
#include <pthread.h>

namespace frys::inline FRYS_ABI::detail {

// Why this process has no io_uring, in words for people who have to change that.
inline error uring_refused(int number) noexcept {
  switch (number) {
    case EPERM:
    case EACCES:
      return os_error(number, "io_uring is forbidden here: a seccomp filter (containers) or kernel.io_uring_disabled");
    case ENOSYS:
      return os_error(number, "this kernel has no io_uring, or a seccomp filter hides it");
    case ENOMEM:
      return os_error(number, "no memory for an io_uring: RLIMIT_MEMLOCK (ulimit -l) or a memory limit is too small");
    case EINVAL:
      return {errc::unsupported, domain::io, "this kernel's io_uring is too old for frys", number};
    case EMFILE:
    case ENFILE:
      return os_error(number, "no descriptor is left for an io_uring");
    default:
      return os_error(number, "io_uring cannot be set up");
  }
}

class ring {
 public:
  ring() noexcept = default;
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ~ring() {
    if (open_) ::io_uring_queue_exit(&ring_);
  }

  // Takes the best flags that the kernel accepts, and fewer entries where memory is short.
  result<void> open(unsigned entries) noexcept {
    // Best first; each step gives up what older kernels lack (6.1, 6.0, 5.19, 5.18).
    constexpr unsigned base = IORING_SETUP_R_DISABLED | IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;
    constexpr unsigned ladder[] = {
        base | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        base | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN |
            IORING_SETUP_TASKRUN_FLAG,
        base | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        base | IORING_SETUP_SUBMIT_ALL,
        base,
    };
    entries = std::bit_ceil((std::min)((std::max)(entries, 64u), 8192u));
    int rc = -EINVAL;
    std::size_t step = 0;
    while (step < std::size(ladder)) {
      ::io_uring_params p{};
      p.flags = ladder[step];
      p.cq_entries = entries * 4;  // completions may come faster than they are read
      rc = ::io_uring_queue_init_params(entries, &ring_, &p);
      if (rc == 0) {
        flags_ = ladder[step];
        open_ = true;
        return usable(p);
      }
      if (rc == -EINVAL)
        ++step;
      else if (rc == -ENOMEM && entries > 64)
        entries /= 2;
      else
        break;
    }
    return uring_refused(-rc);
  }

  // The first call makes the calling thread the ring's owner.
  result<void> enable() noexcept {
    if (enabled_) return {};
    const int rc = ::io_uring_register(static_cast<unsigned>(ring_.ring_fd), IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    if (rc < 0) return os_error(-rc, "the io_uring cannot be enabled on this thread");
    enabled_ = true;
    owner_ = ::pthread_self();
    static_cast<void>(::io_uring_register_ring_fd(&ring_));  // only saves time; older kernels refuse
    return {};
  }

  // A free entry, or nullptr if even submitting makes no room: then keep the operation and come again.
  ::io_uring_sqe* entry() noexcept {
    if (::io_uring_sqe* e = ::io_uring_get_sqe(&ring_)) return e;
    submit();
    return ::io_uring_get_sqe(&ring_);
  }
  // Hands what was prepared to the kernel. Before the ring is enabled, it stays prepared.
  int submit() noexcept { return enabled_ ? ::io_uring_submit(&ring_) : -EBADFD; }

  // Submits, and waits for a completion for at most `timeout` (negative: for ever; zero: not at all).
  void enter(nanoseconds timeout) noexcept {
    if (timeout.count() == 0) {
      static_cast<void>(::io_uring_submit_and_get_events(&ring_));
      return;
    }
    ::io_uring_cqe* first = nullptr;
    ::__kernel_timespec t{};
    t.tv_sec = timeout.count() / 1'000'000'000;
    t.tv_nsec = timeout.count() % 1'000'000'000;
    static_cast<void>(
        ::io_uring_submit_and_wait_timeout(&ring_, &first, 1, timeout.count() < 0 ? nullptr : &t, nullptr));
  }

  struct completion {
    std::uint64_t number;
    std::int32_t result;
    std::uint32_t flags;
  };
  // Takes up to `most` completions off the queue.
  unsigned take(completion* out, unsigned most) noexcept {
    ::io_uring_cqe* found[batch];
    const unsigned n = ::io_uring_peek_batch_cqe(&ring_, found, (std::min)(most, batch));
    for (unsigned i = 0; i < n; ++i) out[i] = {found[i]->user_data, found[i]->res, found[i]->flags};
    if (n != 0) ::io_uring_cq_advance(&ring_, n);
    return n;
  }
  static constexpr unsigned batch = 64;

  ::io_uring& native() noexcept { return ring_; }
  [[nodiscard]] bool is_open() const noexcept { return open_; }
  [[nodiscard]] bool is_enabled() const noexcept { return enabled_; }
  // Whether this is the thread that enabled it. Without SINGLE_ISSUER too: the kernel ties requests to their thread.
  [[nodiscard]] bool is_owner() const noexcept { return enabled_ && ::pthread_equal(owner_, ::pthread_self()) != 0; }
  [[nodiscard]] unsigned flags() const noexcept { return flags_; }

 private:
  // Probes what the reactor uses: a filter may allow the set-up and nothing else.
  result<void> usable(const ::io_uring_params& p) noexcept {
    if ((p.features & IORING_FEAT_EXT_ARG) == 0 || (p.features & IORING_FEAT_NODROP) == 0) return uring_refused(EINVAL);
    ::io_uring_probe* probe = ::io_uring_get_probe_ring(&ring_);
    if (probe == nullptr) return uring_refused(EPERM);
    bool all = true;
    for (const int op :
         {IORING_OP_RECV, IORING_OP_POLL_ADD, IORING_OP_READ, IORING_OP_WRITE, IORING_OP_FSYNC, IORING_OP_ASYNC_CANCEL})
      all = all && ::io_uring_opcode_supported(probe, op) != 0;
    ::io_uring_free_probe(probe);
    if (!all) return uring_refused(EINVAL);
    return {};
  }

  ::io_uring ring_{};
  unsigned flags_ = 0;
  bool open_ = false;
  bool enabled_ = false;
  ::pthread_t owner_{};
};

// The receive buffers that the kernel may fill. It picks one when data are there, so a connection that waits costs
// none. Small on purpose: it hands them out in turn, and few buffers stay warm in the cache.
template <class Pool, class Pages>
class lent_buffers {
 public:
  static constexpr int group = 0;

  lent_buffers() noexcept = default;
  lent_buffers(const lent_buffers&) = delete;
  lent_buffers& operator=(const lent_buffers&) = delete;
  // Only when the kernel does not write any more.
  ~lent_buffers() {
    if (!memory_.empty()) Pages::release(memory_);
  }

  result<void> open(ring& r, Pool& pool, unsigned count) noexcept {
    count_ = std::bit_ceil((std::min)((std::max)(count, 1u), 4096u));
    result<byte_span> memory = Pages::allocate(count_ * sizeof(::io_uring_buf));
    if (!memory) return memory.error();
    memory_ = *memory;
    slots_ = reinterpret_cast<::io_uring_buf_ring*>(memory_.data());
    buffers_.reset(new (std::nothrow) buffer[count_]);
    if (buffers_ == nullptr) return error{errc::out_of_memory, domain::io, "no memory for the receive buffers", 0};
    ::io_uring_buf_reg reg{};
    reg.ring_addr = reinterpret_cast<std::uintptr_t>(memory_.data());
    reg.ring_entries = count_;
    reg.bgid = group;
    if (const int rc = ::io_uring_register_buf_ring(&r.native(), &reg, 0); rc < 0) return uring_refused(-rc);
    ::io_uring_buf_ring_init(slots_);
    for (unsigned i = 0; i < count_; ++i) lend(pool, i);
    publish();
    return lent_ == 0 ? result<void>(refusal_) : result<void>();
  }

  // The buffer that a completion names, filled with `count` bytes; another one is lent in its place.
  buffer take(Pool& pool, std::uint32_t flags, std::size_t count) noexcept {
    const unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
    FRYS_ASSERT(id < count_, "uring_reactor: the kernel names a buffer that does not exist");
    buffer out = std::move(buffers_[id]);
    static_cast<void>(out.extend(count));
    --lent_;
    lend(pool, id);
    return out;
  }
  // Tries to lend again where the pool refused before. Number of buffers that the kernel can fill.
  unsigned refill(Pool& pool) noexcept {
    if (lent_ != count_)
      for (unsigned i = 0; i < count_; ++i)
        if (buffers_[i].block() == nullptr && !lend(pool, i)) break;
    publish();
    return lent_;
  }
  void publish() noexcept {
    if (added_ == 0) return;
    ::io_uring_buf_ring_advance(slots_, static_cast<int>(std::exchange(added_, 0u)));  // a release store of the tail
  }
  // Why the pool refused last.
  [[nodiscard]] const error& refusal() const noexcept { return refusal_; }
  // The kernel may still write: keeps the buffers and their ring for ever.
  void abandon() noexcept {
    static_cast<void>(buffers_.release());
    memory_ = {};
  }

 private:
  bool lend(Pool& pool, unsigned id) noexcept {
    result<buffer> leased = pool.acquire();
    if (!leased) {
      refusal_ = leased.error();
      return false;
    }
    buffers_[id] = *std::move(leased);
    ::io_uring_buf_ring_add(slots_, buffers_[id].data(), static_cast<unsigned>(buffers_[id].capacity()),
                            static_cast<unsigned short>(id), ::io_uring_buf_ring_mask(count_),
                            static_cast<int>(added_++));
    ++lent_;
    return true;
  }

  byte_span memory_;
  ::io_uring_buf_ring* slots_ = nullptr;
  std::unique_ptr<buffer[]> buffers_;
  unsigned count_ = 0;
  unsigned lent_ = 0;   // in the kernel's hands, or on the way back
  unsigned added_ = 0;  // not yet published
  error refusal_{};
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_WITH_URING
#endif  // FRYS_IO_DETAIL_RING_HPP
