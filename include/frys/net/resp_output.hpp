// resp_output: a growing run of bytes that replies are written into and that leaves in one piece.
//
// Use when  a connection gathers its replies and sends them once per loop; take() hands them to a reactor as a buffer.
// Threads   one owner.
// Cost      amortised O(1) per byte; the memory is kept over clear(), up to `keep` bytes.
// Errors    out of memory sets failed(), and grow answers nullptr until clear(); what was written before stays.
#ifndef FRYS_NET_RESP_OUTPUT_HPP
#define FRYS_NET_RESP_OUTPUT_HPP

#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/result.hpp"
#include "../memory/buffer.hpp"

namespace frys::inline FRYS_ABI {

class resp_output {
 public:
  resp_output() noexcept = default;
  resp_output(resp_output&& other) noexcept { swap(other); }
  resp_output& operator=(resp_output&& other) noexcept {
    resp_output taken(std::move(other));
    swap(taken);
    return *this;
  }
  void swap(resp_output& other) noexcept {
    block_.swap(other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(failed_, other.failed_);
  }

  // Room for at least n more bytes; nullptr when out of memory. Valid until the next call of grow.
  [[nodiscard]] char* grow(std::size_t n) noexcept {
    if (capacity_ - size_ < n) [[unlikely]]
      if (!enlarge(n)) return nullptr;
    return data_ + size_;
  }
  // Says that n bytes of the room were written.
  void commit(std::size_t n) noexcept {
    FRYS_ASSERT(n <= capacity_ - size_, "resp_output::commit of more than grow gave");
    size_ += n;
  }
  void append(std::string_view bytes) noexcept {
    char* const to = grow(bytes.size());
    if (to == nullptr || bytes.empty()) return;
    std::memcpy(to, bytes.data(), bytes.size());
    commit(bytes.size());
  }

  [[nodiscard]] std::string_view text() const noexcept { return {data_, size_}; }
  [[nodiscard]] byte_view view() const noexcept { return as_bytes(text()); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  // Takes back what was written behind `size` bytes.
  void truncate(std::size_t size) noexcept {
    if (size < size_) size_ = size;
  }
  // Empty again. More than `keep` bytes of memory go back.
  void clear(std::size_t keep = std::size_t{64} << 10) noexcept {
    size_ = 0;
    failed_ = false;
    if (capacity_ > keep) forget();
  }
  // All that was written, without a copy; this is empty then and owns nothing.
  [[nodiscard]] buffer take() noexcept {
    buffer out = std::move(block_);
    out.truncate(size_);
    forget();
    size_ = 0;
    return out;
  }

 private:
  void forget() noexcept {
    block_.reset();
    data_ = nullptr;
    capacity_ = 0;
  }
  FRYS_NOINLINE bool enlarge(std::size_t n) noexcept {
    const std::size_t most = static_cast<std::size_t>(-1) / 2;
    if (!failed_ && n < most - size_ && size_ < most / 2) {
      std::size_t wanted = capacity_ < 256 ? 512 : capacity_ * 2;
      if (wanted < size_ + n) wanted = size_ + n;
      if (result<buffer> bigger = buffer::allocate(wanted)) {
        char* const data = reinterpret_cast<char*>(bigger->data());
        if (size_ != 0) std::memcpy(data, data_, size_);
        block_ = std::move(*bigger);
        data_ = data;
        capacity_ = wanted;
        return true;
      }
    }
    failed_ = true;
    return false;
  }

  buffer block_;  // owns what data_ points at
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  bool failed_ = false;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_NET_RESP_OUTPUT_HPP
