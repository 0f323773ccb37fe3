// Measures what a contender makes resident, each in a process of its own.
#pragma once
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <new>

#include "harness.hpp"

// Resident bytes of this process that are no file's: code that runs for the first time is none of a heap's. Exact,
// which the counters of statm are not, and without a block from any heap.
inline double resident_bytes() {
  std::array<char, 1024> text{};
  const int file = ::open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t n = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  const char* at = n > 0 ? std::strstr(text.data(), "Anonymous:") : nullptr;
  return at != nullptr ? 1024.0 * std::strtod(at + 10, nullptr) : 0;
}

// Memory that a child writes and its parent reads; none of a heap.
template <class T>
class shared_array {
 public:
  explicit shared_array(std::size_t count) : count_(count) {
    void* p = ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<T*>(p);
  }
  ~shared_array() { ::munmap(data_, count_ * sizeof(T)); }
  shared_array(const shared_array&) = delete;
  shared_array& operator=(const shared_array&) = delete;
  T* data() { return data_; }

 private:
  T* data_;
  std::size_t count_;
};

// Runs f() in a child of this process and answers what it answered. The parent has allocated from no contender's heap
// but the program's own, so each child finds its heap new.
template <class F>
auto in_child(F f) {
  using answer = decltype(f());
  shared_array<answer> shared(1);
  ::malloc_trim(0);  // the program's own heap has little else to start with than what it holds
  const pid_t child = ::fork();
  if (child == 0) {
    *shared.data() = f();
    ::_exit(0);
  }
  int status = 0;
  bench::check(child > 0 && ::waitpid(child, &status, 0) == child && status == 0, "the child ended well");
  return *shared.data();
}
