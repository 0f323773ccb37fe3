// concepts: what blocks ask of the world: an executor, a reactor, a file system, pages, randomness.
//
// The models live on higher floors (io/, sim/) or with the user; a block names only the concept.
#ifndef FRYS_CORE_CONCEPTS_HPP
#define FRYS_CORE_CONCEPTS_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../config.hpp"
#include "awaitable.hpp"
#include "bytes.hpp"
#include "deadline.hpp"
#include "result.hpp"
#include "work.hpp"

namespace frys::inline FRYS_ABI {

// Runs work. post: any thread, never fails, never runs the work before it returns.
template <class E>
concept executor = requires(E& e, work& w) {
  { e.post(w) }
  noexcept;
};

// Random 64-bit numbers; need not be secret. Own it per thread.
template <class R>
concept random_source = requires(R& r) {
  { r() } -> std::same_as<std::uint64_t>;
};

// Memory by the page. allocate answers zeroed, page-aligned memory of at least `size` bytes; release gives back exactly
// what allocate answered, with the same size. Any thread.
template <class P>
concept page_source = requires(std::size_t size, byte_span memory) {
  { P::allocate(size) } -> std::same_as<result<byte_span>>;
  { P::release(memory) }
  noexcept;
};

// A page source that also places and empties its memory. allocate(size, alignment): as allocate(size), and the first
// byte lies at a multiple of `alignment`, a power of two (page_size at least, or it is taken for that); release takes
// it back as any other. discard: the content of `memory`, a part of what was allocated, may go, and with it the machine
// memory behind its whole pages; the addresses stay. Afterwards those bytes read as zeros, or as before, each page for
// itself.
template <class P>
concept region_source = page_source<P> && requires(std::size_t size, std::size_t alignment, byte_span memory) {
  { P::allocate(size, alignment) } -> std::same_as<result<byte_span>>;
  { P::discard(memory) }
  noexcept;
};

// Memory by the piece. allocate answers at least `size` uninitialised bytes (a pointer that is not null for size 0
// too), aligned to `alignment`, a power of two; deallocate gives back exactly what allocate answered, with the same
// size and alignment. Who may call is the model's to say.
template <class A>
concept raw_allocator = requires(A& a, std::size_t size, std::size_t alignment, void* memory) {
  { a.allocate(size, alignment) } -> std::same_as<result<void*>>;
  { a.deallocate(memory, size, alignment) }
  noexcept;
};
// One that can tell its own memory from everybody else's, which fallback needs.
template <class A>
concept owning_allocator = raw_allocator<A> && requires(const A& a, const void* memory) {
  { a.owns(memory) } -> std::same_as<bool>;
};

// One without objects: its functions are static, as those of the program's heap. Adaptors hold no pointer to it.
template <class A>
concept stateless_allocator = raw_allocator<A> && requires(std::size_t size, std::size_t alignment, void* memory) {
  { A::allocate(size, alignment) } -> std::same_as<result<void*>>;
  { A::deallocate(memory, size, alignment) }
  noexcept;
};

// How a file is opened.
enum class open_mode : std::uint8_t {
  read,        // must exist
  read_write,  // must exist
  create,      // created if missing, read and write
  create_new,  // must not exist, read and write
};

// Files. Paths are relative to nothing but the model's own root or working directory, separated by '/'.
//
// Directory and size operations answer at once; write, read and sync are awaited. `write` writes all of `data` at
// `offset` or fails; `read` fills `into` from `offset` and answers it shortened to what there was (empty: end of file);
// both own their buffer until they are done, even if the awaiting coroutine is destroyed. After `sync` the file's data
// survive power loss; after `sync_directory` so do its names.
template <class F>
concept file_system = requires(F& fs, typename F::file& file, typename F::buffer data, std::string_view path,
                               open_mode mode, std::uint64_t n, void (*name)(void*, std::string_view), void* argument) {
  requires std::movable<typename F::file>;
  { fs.open(path, mode) } -> std::same_as<result<typename F::file>>;
  { fs.remove(path) } -> std::same_as<result<void>>;
  { fs.rename(path, path) } -> std::same_as<result<void>>;
  { fs.make_directory(path) } -> std::same_as<result<void>>;  // ok if it exists
  { fs.sync_directory(path) } -> std::same_as<result<void>>;
  { fs.list(path, name, argument) } -> std::same_as<result<void>>;  // calls name(argument, entry) for each plain file
  { fs.size(file) } -> std::same_as<result<std::uint64_t>>;
  { fs.truncate(file, n) } -> std::same_as<result<void>>;
  { fs.write(file, std::move(data), n) } -> awaitable_of<result<std::size_t>>;
  { fs.read(file, std::move(data), n) } -> awaitable_of<result<typename F::buffer>>;
  { fs.sync(file) } -> awaitable_of<result<void>>;
};

// One thread's event loop. All but post and stop: the owning thread only.
//
// accept, recv, send and sleep_until are awaited and complete in the loop. recv answers a leased buffer (empty: the
// peer has finished); send writes all of its chain or fails; both own their memory until the kernel is done with it,
// even if the awaiting coroutine is destroyed. Closing a socket completes what waits on it with errc::cancelled.
template <class R>
concept reactor = executor<R> && requires(R& r, typename R::socket& s, typename R::listener& l, typename R::buffer b,
                                          typename R::buffer_chain c, deadline until) {
  requires std::movable<typename R::socket>;
  { r.accept(l) } -> awaitable_of<result<typename R::socket>>;
  { r.recv(s) } -> awaitable_of<result<typename R::buffer>>;
  { r.send(s, std::move(b)) } -> awaitable_of<result<std::size_t>>;
  { r.send(s, std::move(c)) } -> awaitable_of<result<std::size_t>>;
  { r.sleep_until(until) } -> awaitable_of<result<void>>;
  { r.run_once(until) } -> std::same_as<std::size_t>;  // completions handled; waits for one at most until `until`
  r.run();                                             // until stop
  { r.stop() }
  noexcept;  // any thread
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_CONCEPTS_HPP
