// recorder: what a program asks of malloc, as a trace. Built as a shared library and preloaded (record.sh); each
// process writes $FRYS_TRACE.<pid>.
//
// A trace is a row of numbers of seven bits a byte, the lowest first, the eighth bit set where more follow: 2 * size
// for an allocation, 2 * distance + 1 for a release; the distance counts the allocations since the released one was
// made. realloc is a release and an allocation. Memory is carved off a mapping and never used again: the header of a
// block knows its number until the end.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

struct header {
  std::uint64_t number;
  std::uint64_t size;
};

constexpr std::size_t mapped = std::size_t{1} << 36;  // of address space
std::atomic_flag busy;
char* next = nullptr;
char* end = nullptr;
int file = -2;  // -2: not opened; -1: there is none
std::uint64_t made = 0;
std::array<unsigned char, 4096> buffer;  // a killed program loses what is in it
std::size_t filled = 0;

struct guard {
  guard() {
    while (busy.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~guard() { busy.clear(std::memory_order_release); }
};

void write_out() {
  if (file >= 0) (void)!::write(file, buffer.data(), filled);
  filled = 0;
}

char* append(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

void open_file() {
  const char* prefix = std::getenv("FRYS_TRACE");
  file = -1;
  if (prefix == nullptr || std::strlen(prefix) > 1000) return;
  std::array<char, 1100> name{};
  std::array<char, 24> digits{};
  char* digit = digits.data() + digits.size();
  for (auto pid = static_cast<unsigned>(::getpid()); pid != 0; pid /= 10) *--digit = static_cast<char>('0' + pid % 10);
  char* at = append(append(name.data(), prefix), ".");
  append(at, {digit, static_cast<std::size_t>(digits.data() + digits.size() - digit)});
  file = ::open(name.data(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

void note(std::uint64_t value) {
  if (filled + 10 > buffer.size()) write_out();
  for (; value >= 128; value /= 128) buffer[filled++] = static_cast<unsigned char>(value % 128 + 128);
  buffer[filled++] = static_cast<unsigned char>(value);
}

void* make(std::size_t size, std::size_t alignment = 16) {
  const guard g;
  if (next == nullptr) {
    void* p = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) std::abort();
    next = static_cast<char*>(p), end = next + mapped;
  }
  if (file == -2) open_file();
  auto at = (reinterpret_cast<std::uintptr_t>(next) + sizeof(header) + alignment - 1) & ~(alignment - 1);
  if (size > reinterpret_cast<std::uintptr_t>(end) - at) return nullptr;
  next = reinterpret_cast<char*>(at + size);
  auto* h = reinterpret_cast<header*>(at) - 1;
  h->number = made++, h->size = size;
  note(2 * size);
  return reinterpret_cast<void*>(at);
}

void drop(void* p) {
  if (p == nullptr) return;
  const guard g;
  note(2 * (made - (static_cast<header*>(p) - 1)->number) + 1);
}

[[gnu::destructor]] void finish() {
  const guard g;
  write_out();
}

}  // namespace

extern "C" {
void* malloc(std::size_t n) { return make(n); }
void free(void* p) { drop(p); }
void* calloc(std::size_t n, std::size_t size) { return make(n * size); }  // fresh pages are zeros
void* realloc(void* p, std::size_t n) {
  drop(p);
  void* to = make(n);
  if (p != nullptr && to != nullptr) {
    const std::size_t old = (static_cast<header*>(p) - 1)->size;
    std::memcpy(to, p, old < n ? old : n);
  }
  return to;
}
void* memalign(std::size_t alignment, std::size_t n) { return make(n, alignment < 16 ? 16 : alignment); }
void* aligned_alloc(std::size_t alignment, std::size_t n) { return memalign(alignment, n); }
int posix_memalign(void** out, std::size_t alignment, std::size_t n) {
  *out = memalign(alignment, n);
  return *out == nullptr ? ENOMEM : 0;
}
std::size_t malloc_usable_size(void* p) { return p == nullptr ? 0 : (static_cast<header*>(p) - 1)->size; }
}
