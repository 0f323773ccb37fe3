// generator<Ref, V, Allocator>: a coroutine that yields a sequence, read as a range; async_generator<T>: one that may
// wait in between.
//
// Use when  a sequence is easier to write as a loop than as an iterator: a tree walked in order, the pages of a reply.
// Not when  the loop is two lines in its only caller, or the values are there already (a span).
// Threads   one at a time: the body runs on the thread that asks for the next element. An async_generator's goes on
//           where what it waits for calls it, and the consumer goes on there.
// Cost      one frame per generator, from frame_memory or from the allocator given. An element: one resume, no copy:
//           the consumer gets a reference to what stands in the body. The same through elements_of, however deep: the
//           innermost body is resumed, none of those on the way.
// Lifetime  the generator owns the frame, and an element stands in it until the next one is asked for. Destroying it
//           destroys the body where it stands. What was passed by reference must live until then.
// Errors    an exception that leaves the body comes out of begin(), ++ or next(); one that leaves an inner generator
//           first comes out of the co_yield in the outer one. std::bad_alloc for the frame.
//
// generator<T> yields T&&; generator<T&> and generator<const T&> what they say. V: the value type, where Ref is a
// proxy. Allocator: the only one it takes; void: any, given as f(std::allocator_arg, allocator, ...). An input range,
// to be walked once; it moves.
//
// Source    P2502 (C. Jabot, L. Baker), in the shape of whose std::generator it is.
#ifndef FRYS_SCHED_GENERATOR_HPP
#define FRYS_SCHED_GENERATOR_HPP

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "cancel.hpp"
#include "frame_cache.hpp"

namespace frys::inline FRYS_ABI {

template <class Ref, class V = void, class Allocator = void>
class generator;

// `co_yield elements_of(range)`: yields what `range` has. Of a generator that yields the same type: at no cost per
// element; of any other range: through a loop in a coroutine of its own.
template <class Range>
struct elements_of {
  constexpr explicit elements_of(Range&& r) noexcept : range(static_cast<Range&&>(r)) {}
  Range&& range;
};
template <class Range>
elements_of(Range&&) -> elements_of<Range&&>;

namespace detail {

// A generator's frame, and behind it who takes its memory back: nullptr where that is frame_memory, otherwise a
// function that finds the allocator behind itself.
class generator_memory {
  using give_back = void (*)(void* frame, std::size_t size) noexcept;
  struct alignas(__STDCPP_DEFAULT_NEW_ALIGNMENT__) unit {
    unsigned char bytes[__STDCPP_DEFAULT_NEW_ALIGNMENT__];
  };
  static constexpr std::size_t round_up(std::size_t n, std::size_t to) noexcept { return (n + to - 1) / to * to; }
  static constexpr std::size_t after_frame(std::size_t size) noexcept { return round_up(size, alignof(give_back)); }
  static void* at(void* frame, std::size_t offset) noexcept { return static_cast<unsigned char*>(frame) + offset; }

  template <class A>
  struct with {
    using allocator = typename std::allocator_traits<A>::template rebind_alloc<unit>;
    using traits = std::allocator_traits<allocator>;
    static_assert(std::is_pointer_v<typename traits::pointer>,
                  "frys::generator: the allocator must answer plain pointers");
    static_assert(alignof(allocator) <= alignof(unit),
                  "frys::generator: the allocator object asks for more than the default alignment");

    static constexpr std::size_t place(std::size_t size) noexcept {
      return round_up(after_frame(size) + sizeof(give_back), alignof(allocator));
    }
    static constexpr std::size_t units(std::size_t size) noexcept {
      return round_up(place(size) + sizeof(allocator), sizeof(unit)) / sizeof(unit);
    }
    static void release(void* frame, std::size_t size) noexcept {
      auto* const kept = static_cast<allocator*>(at(frame, place(size)));
      allocator to(std::move(*kept));
      std::destroy_at(kept);
      traits::deallocate(to, static_cast<unit*>(frame), units(size));
    }
    // Not inlined: g++ 12 takes the allocator's operator new for one that our operator delete does not fit.
    static FRYS_NOINLINE void* allocate(const A& given, std::size_t size) {
      allocator from(given);
      void* const frame = traits::allocate(from, units(size));
      ::new (at(frame, after_frame(size))) give_back(&release);
      ::new (at(frame, place(size))) allocator(std::move(from));
      return frame;
    }
  };

 protected:
  static void* by_frame_memory(std::size_t size) {
    void* const frame = frame_memory::allocate(after_frame(size) + sizeof(give_back));
    ::new (at(frame, after_frame(size))) give_back(nullptr);
    return frame;
  }
  template <class A>
  static void* by(const A& given, std::size_t size) {
    return with<A>::allocate(given, size);
  }

 public:
  static void operator delete(void* frame, std::size_t size) noexcept {
    if (const give_back release = *static_cast<give_back*>(at(frame, after_frame(size))))
      release(frame, size);
    else
      frame_memory::release(frame, after_frame(size) + sizeof(give_back));
  }
};

// Which allocators are taken.
template <class Allocator>
class generator_allocation : public generator_memory {
 public:
  static void* operator new(std::size_t size) requires std::default_initializable<Allocator> {
    return by(Allocator(), size);
  }
  template <class A, class... Args>
  requires std::convertible_to<const A&, Allocator>
  static void* operator new(std::size_t size, std::allocator_arg_t, const A& given, const Args&...) {
    return by(static_cast<Allocator>(given), size);
  }
  template <class This, class A, class... Args>
  requires std::convertible_to<const A&, Allocator>
  static void* operator new(std::size_t size, const This&, std::allocator_arg_t, const A& given, const Args&...) {
    return by(static_cast<Allocator>(given), size);
  }
};
template <>
class generator_allocation<void> : public generator_memory {
 public:
  static void* operator new(std::size_t size) { return by_frame_memory(size); }
  template <class A, class... Args>
  static void* operator new(std::size_t size, std::allocator_arg_t, const A& given, const Args&...) {
    return by(given, size);
  }
  template <class This, class A, class... Args>
  static void* operator new(std::size_t size, const This&, std::allocator_arg_t, const A& given, const Args&...) {
    return by(given, size);
  }
};

// What generators have in common that yield the same type, whatever their values and allocators. Generators that yield
// each other's elements stand on each other: the outermost, the root, knows the innermost and the element, each other
// one knows the root and who waits for its end.
template <class Yielded>
class generator_promise {
 public:
  using pointer = std::add_pointer_t<Yielded>;

  generator_promise() = default;
  generator_promise(const generator_promise&) = delete;
  generator_promise& operator=(const generator_promise&) = delete;

  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct back_to_outer {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      generator_promise& p = ended.promise();
      if (p.outer_ == nullptr) return std::noop_coroutine();
      p.root_->innermost_ = p.outer_;
      return p.outer_;
    }
    void await_resume() const noexcept {}
  };
  back_to_outer final_suspend() const noexcept { return {}; }

  std::suspend_always yield_value(Yielded element) noexcept {
    root_->element_ = std::addressof(element);
    return {};
  }

  // Where T&& is yielded, what is not to be moved from is copied.
  class copied_element {
   public:
    template <class U>
    explicit copied_element(generator_promise& root, U&& of) : root_(&root), copy_(std::forward<U>(of)) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) noexcept { root_->element_ = std::addressof(copy_); }
    void await_resume() const noexcept {}

   private:
    generator_promise* root_;
    std::remove_cvref_t<Yielded> copy_;
  };
  copied_element yield_value(const std::remove_reference_t<Yielded>& element) requires(
      std::is_rvalue_reference_v<Yielded>&&
          std::constructible_from<std::remove_cvref_t<Yielded>, const std::remove_reference_t<Yielded>&>) {
    return copied_element(*root_, element);
  }

  // A generator whose elements are yielded here.
  template <class Inner>
  class inner_elements {
   public:
    explicit inner_elements(Inner&& inner) noexcept : inner_(std::move(inner)) {}
    bool await_ready() const noexcept { return !inner_.body_ || inner_.body_.done(); }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> outer) noexcept {
      generator_promise& p = inner_.body_.promise();
      generator_promise& root = *static_cast<generator_promise&>(outer.promise()).root_;
      p.root_ = &root;
      p.outer_ = outer;
      root.innermost_ = inner_.body_;
      return inner_.body_;
    }
    void await_resume() {
      if (inner_.body_) static_cast<generator_promise&>(inner_.body_.promise()).rethrow();
    }

   private:
    Inner inner_;
  };
  template <class R, class V, class A>
  requires std::same_as<typename generator<R, V, A>::yielded, Yielded>
  auto yield_value(elements_of<generator<R, V, A>&&> inner) noexcept {
    return inner_elements<generator<R, V, A>>(std::move(inner.range));
  }
  template <class Range>
  auto yield_value(elements_of<Range> inner) {
    auto each = [](Range&& range) -> generator<Yielded, std::remove_cvref_t<Yielded>> {
      for (auto&& element : range) co_yield static_cast<Yielded>(std::forward<decltype(element)>(element));
    };
    return yield_value(elements_of(each(std::forward<Range>(inner.range))));
  }

  // A generator does not wait: async_generator does.
  void await_transform() = delete;
  void return_void() const noexcept {}
  // Not rethrown here: clang 16 destroys the locals of a body that is left so a second time, with its frame.
  void unhandled_exception() noexcept { failure_ = std::current_exception(); }

  // Of the root.
  [[nodiscard]] pointer element() const noexcept { return element_; }
  void next() {
    innermost_.resume();
    rethrow();
  }
  void begin(std::coroutine_handle<> self) {
    innermost_ = self;
    next();
  }

 private:
  void rethrow() {
    if (failure_ != nullptr) [[unlikely]]
      std::rethrow_exception(std::exchange(failure_, nullptr));
  }

  generator_promise* root_ = this;
  std::coroutine_handle<> outer_ = nullptr;      // who yields our elements
  std::coroutine_handle<> innermost_ = nullptr;  // the root's
  pointer element_ = nullptr;                    // the root's
  std::exception_ptr failure_ = nullptr;
};

}  // namespace detail

template <class Ref, class V, class Allocator>
class [[nodiscard]] generator {
 public:
  using value_type = std::conditional_t<std::is_void_v<V>, std::remove_cvref_t<Ref>, V>;
  using reference = std::conditional_t<std::is_void_v<V>, Ref&&, Ref>;
  // What co_yield takes.
  using yielded = std::conditional_t<std::is_reference_v<reference>, reference, const reference&>;
  static_assert(std::is_object_v<value_type> && std::same_as<value_type, std::remove_cv_t<value_type>>,
                "frys::generator<Ref, V>: the value type must be an object type without const; name it as V");

  class promise_type : public detail::generator_promise<yielded>, public detail::generator_allocation<Allocator> {
   public:
    generator get_return_object() noexcept {
      return generator(std::coroutine_handle<promise_type>::from_promise(*this));
    }
  };

  class iterator {
   public:
    using value_type = generator::value_type;
    using difference_type = std::ptrdiff_t;
    iterator(iterator&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
    iterator& operator=(iterator&& other) noexcept {
      body_ = std::exchange(other.body_, nullptr);
      return *this;
    }
    reference operator*() const noexcept { return static_cast<reference>(*body_.promise().element()); }
    iterator& operator++() {
      body_.promise().next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept { return it.body_.done(); }

   private:
    friend generator;
    explicit iterator(std::coroutine_handle<promise_type> body) noexcept : body_(body) {}
    std::coroutine_handle<promise_type> body_;
  };

  generator(generator&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  generator& operator=(generator&& other) noexcept {
    if (this != &other) {
      reset();
      body_ = std::exchange(other.body_, nullptr);
    }
    return *this;
  }
  ~generator() { reset(); }

  // Runs the body up to its first element. Once.
  [[nodiscard]] iterator begin() {
    FRYS_ASSERT(body_ != nullptr, "generator: one that was moved from has no elements");
    body_.promise().begin(body_);
    return iterator(body_);
  }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return std::default_sentinel; }

 private:
  template <class>
  friend class detail::generator_promise;

  explicit generator(std::coroutine_handle<promise_type> body) noexcept : body_(body) {}
  void reset() noexcept {
    if (body_ != nullptr) std::exchange(body_, nullptr).destroy();
  }

  std::coroutine_handle<promise_type> body_;
};

template <class T>
class [[nodiscard]] async_generator {
  static_assert(std::is_object_v<T>,
                "frys::async_generator<T>: T must be an object type; next() answers a pointer to one");

 public:
  using value_type = std::remove_cv_t<T>;

  class promise_type {
   public:
    static void* operator new(std::size_t size) { return frame_memory::allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { frame_memory::release(memory, size); }

    async_generator get_return_object() noexcept { return async_generator(handle::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }

    // Runs who asked for the element.
    struct to_consumer {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> from) const noexcept {
        return from.promise().consumer_;
      }
      void await_resume() const noexcept {}
    };
    to_consumer final_suspend() noexcept {
      element_ = nullptr;
      return {};
    }
    to_consumer yield_value(T& element) noexcept {
      element_ = std::addressof(element);
      return {};
    }
    to_consumer yield_value(T&& element) noexcept { return yield_value(static_cast<T&>(element)); }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { failure_ = std::current_exception(); }
    // That of who asks for the element.
    [[nodiscard]] stop_token get_stop_token() const noexcept { return token_; }

   private:
    friend async_generator;
    T* element_ = nullptr;
    std::coroutine_handle<> consumer_ = nullptr;
    stop_token token_;
    std::exception_ptr failure_ = nullptr;
  };

  async_generator(async_generator&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  async_generator& operator=(async_generator&& other) noexcept {
    if (this != &other) {
      reset();
      body_ = std::exchange(other.body_, nullptr);
    }
    return *this;
  }
  ~async_generator() { reset(); }

 private:
  struct awaiter {
    std::coroutine_handle<promise_type> body;
    bool await_ready() const noexcept { return body.done(); }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> consumer) const noexcept {
      promise_type& p = body.promise();
      p.consumer_ = consumer;
      p.token_ = stop_token_of(consumer);
      return body;
    }
    T* await_resume() const {
      promise_type& p = body.promise();
      if (p.failure_ != nullptr) std::rethrow_exception(std::exchange(p.failure_, nullptr));
      return p.element_;
    }
  };

 public:
  // co_await: a pointer to the next element, which stands until the next next(); nullptr when there is none any more.
  // One consumer at a time. What the body waits for meanwhile is stopped by the consumer's token.
  [[nodiscard]] auto next() noexcept {
    FRYS_ASSERT(body_ != nullptr, "async_generator: one that was moved from has no elements");
    return awaiter{body_};
  }

 private:
  using handle = std::coroutine_handle<promise_type>;
  explicit async_generator(handle body) noexcept : body_(body) {}
  void reset() noexcept {
    if (body_ != nullptr) std::exchange(body_, nullptr).destroy();
  }

  handle body_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_GENERATOR_HPP
