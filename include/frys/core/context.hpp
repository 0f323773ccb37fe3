// context: a flow of control on its own stack, entered and left by a switch of a few nanoseconds. What fibers, and the
// threads of a model checker, are made of.
//
// Use when  code that was written as plain calls must stop in the middle and go on later, on the same thread or
//           another.
// Not when  the code may be a coroutine (sched/task.hpp): that needs no stack of its own.
// Roles     switch_to: the thread that runs on `from`. make and the destructor: anybody while the context is suspended.
//           Nothing here is synchronised: a context that another thread goes on with is handed over by the caller.
// Cost      machine_switch: 18 instructions inline, no system call, no allocation; 32 bytes here and 120 bytes of the
//           stack. Half of the time goes to the floating-point control. ucontext_switch: system calls for the signal
//           mask, a fraction of a microsecond.
// Kept      callee-saved registers, the rounding and exception control of floating point (mxcsr and the x87 control
//           word; fpcr). Not kept: the signal mask (ucontext_switch keeps it) and errno.
//
// Rules     1. The entry function never returns: it ends with context::leave_to. A return ends the program. One that
//              answers a context returns, and that is where the thread goes on.
//           2. No exception leaves the entry function (std::terminate). Do not switch inside a catch block or while an
//              exception unwinds, if the other side may throw or catch before it comes back: those lists are the
//              thread's.
//           3. A context that goes on in another thread must hold no addresses of thread_local objects over a switch;
//              compilers keep such an address over the switch even where the text names the variable again.
//           4. What lies on an abandoned stack is not destroyed; make() may be called again over it.
//           5. x86 shadow stacks (CET SHSTK) know one flow of control only: programs that turn them on take
//              basic_context<ucontext_switch>. Indirect branch tracking and Arm's BTI and PAC are fine.
//
// Models    machine_switch   x86-64 (System V) and AArch64, all compilers with GNU asm
//           quick_switch     the same without the floating-point control, which then is the thread's: 1.3 for 6 ns
//           ucontext_switch  POSIX elsewhere
// `context` takes the first that this machine has; with FRYS_CONTEXT_UCONTEXT 1, the same for a whole program, the
// last. FRYS_HAS_CONTEXT is 0 where there is none (Windows). AddressSanitizer and ThreadSanitizer are told of each
// switch.
// frys: real model
#ifndef FRYS_CORE_CONTEXT_HPP
#define FRYS_CORE_CONTEXT_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "bytes.hpp"
#include "result.hpp"

#ifndef FRYS_CONTEXT_UCONTEXT
#define FRYS_CONTEXT_UCONTEXT 0
#endif
#if FRYS_OS_POSIX && ((defined(__x86_64__) && !defined(__ILP32__)) || (defined(__aarch64__) && !defined(__ILP32__)))
#define FRYS_HAS_MACHINE_SWITCH 1
#else
#define FRYS_HAS_MACHINE_SWITCH 0
#endif
#if FRYS_OS_POSIX && !defined(__APPLE__)
#define FRYS_HAS_UCONTEXT_SWITCH 1
#else
#define FRYS_HAS_UCONTEXT_SWITCH 0
#endif
#define FRYS_HAS_CONTEXT FRYS_OS_POSIX

#if FRYS_OS_POSIX
#include <sys/mman.h>
#include <unistd.h>
#endif
#if FRYS_HAS_UCONTEXT_SWITCH
#include <ucontext.h>
#endif
#if FRYS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if FRYS_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace frys::inline FRYS_ABI {

#if FRYS_HAS_MACHINE_SWITCH
// The instructions of the switch. A branch target needs a landing pad where the build asks for them.
#if defined(__x86_64__)
#if defined(__CET__) && (__CET__ & 1)
#define FRYS_DETAIL_LANDING ".byte 0xf3, 0x0f, 0x1e, 0xfa\n\t"  // endbr64
#else
#define FRYS_DETAIL_LANDING
#endif
#if defined(__AVX512F__)
#define FRYS_DETAIL_MORE_REGISTERS                                                                                     \
  "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", \
      "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7",
#else
#define FRYS_DETAIL_MORE_REGISTERS
#endif
#define FRYS_DETAIL_SWITCH(save_control, load_control)                                                                \
  asm volatile(                                                                                                       \
      "leaq -128(%%rsp), %%rsp\n\t" /* over the red zone, where the compiler may keep variables */                    \
      "leaq 1f(%%rip), %%rax\n\t"                                                                                     \
      "pushq %%rax\n\t"                                                                                               \
      "pushq %%rbp\n\t"                                                                                               \
      "pushq %%rbx\n\t"                                                                                               \
      "leaq -8(%%rsp), %%rsp\n\t" save_control                                                                        \
      "movq %%rsp, (%%rdx)\n\t"                                                                                       \
      "movq %%rdi, %%rsp\n\t" load_control                                                                            \
      "leaq 8(%%rsp), %%rsp\n\t"                                                                                      \
      "popq %%rbx\n\t"                                                                                                \
      "popq %%rbp\n\t"                                                                                                \
      "popq %%rax\n\t"                                                                                                \
      "jmp *%%rax\n"                                                                                                  \
      "1:\n\t" FRYS_DETAIL_LANDING "leaq 128(%%rsp), %%rsp"                                                           \
      : "+D"(target), "+S"(passed), "+d"(save)                                                                        \
      :                                                                                                               \
      : "rax", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "st", "st(1)", "st(2)", "st(3)", "st(4)", \
        "st(5)", "st(6)", "st(7)", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",    \
        "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", FRYS_DETAIL_MORE_REGISTERS "cc", "memory")
#else
#if defined(__ARM_FEATURE_BTI_DEFAULT)
#define FRYS_DETAIL_LANDING "hint #38\n\t"  // bti jc
#else
#define FRYS_DETAIL_LANDING
#endif
#if defined(__APPLE__)
#define FRYS_DETAIL_RED_ZONE "128"
#else
#define FRYS_DETAIL_RED_ZONE "0"
#endif
#if defined(__APPLE__) || defined(__ANDROID__)
#define FRYS_DETAIL_X18  // the platform's own there
#else
#define FRYS_DETAIL_X18 "x18",
#endif
#if defined(__ARM_FEATURE_SVE)
#define FRYS_DETAIL_MORE_REGISTERS \
  FRYS_DETAIL_X18 "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14", "p15",
#else
#define FRYS_DETAIL_MORE_REGISTERS FRYS_DETAIL_X18
#endif
#define FRYS_DETAIL_SWITCH(save_control, load_control)                                                                \
  asm volatile("sub sp, sp, #48 + " FRYS_DETAIL_RED_ZONE                                                              \
               "\n\t"                                                                                                 \
               "adr x9, 1f\n\t"                                                                                       \
               "stp x29, x30, [sp]\n\t"                                                                               \
               "stp x19, x9, [sp, #16]\n\t" save_control                                                              \
               "mov x11, sp\n\t"                                                                                      \
               "str x11, [x2]\n\t"                                                                                    \
               "mov sp, x0\n\t" load_control                                                                          \
               "ldp x29, x30, [sp]\n\t"                                                                               \
               "ldp x19, x16, [sp, #16]\n\t"                                                                          \
               "add sp, sp, #48\n\t"                                                                                  \
               "br x16\n"                                                                                             \
               "1:\n\t" FRYS_DETAIL_LANDING "add sp, sp, #" FRYS_DETAIL_RED_ZONE                                      \
               : "+r"(target), "+r"(passed), "+r"(save)                                                               \
               :                                                                                                      \
               : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",    \
                 "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "v0", "v1", "v2", "v3", "v4", "v5",   \
                 "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", \
                 "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",                         \
                 FRYS_DETAIL_MORE_REGISTERS "cc", "memory")
#endif

// A model of the switch under basic_context. `pass` travels with the switch: jump answers what the next jump to us
// passes, and a new flow gets it as its second argument. A flow that returns answers where to go on. It should, where
// it can: then calls and returns come in pairs over the switch, as processors guess them.
template <bool KeepsFloatControl>
class basic_machine_switch {
 public:
  using flow = basic_machine_switch* (*)(void* argument, void* pass);

  // `top` is aligned to 64; below it lies the stack.
  void make(std::byte*, std::byte* top, flow run, void* argument) noexcept {
    auto* f = std::construct_at(reinterpret_cast<frame*>(top - sizeof(frame)));
    f->resume = &start;
    f->run = run;
    f->argument = argument;
    if constexpr (KeepsFloatControl) {
#if defined(__x86_64__)
      asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(f->control[0]), "=m"(f->control[1]));
#else
      asm volatile("mrs %0, fpcr" : "=r"(f->control));
#endif
    }
    sp_ = f;
  }

  // Inline, so that the compiler saves only what is alive here. It is told that the switch destroys every register but
  // rbx and rbp (x19, x29), which may not be named there, as a frame may hang on them: those are saved by hand.
  FRYS_ALWAYS_INLINE static void* jump(basic_machine_switch& from, basic_machine_switch& to, void* pass) noexcept {
#if defined(__x86_64__)
    void* target = to.sp_;
    void* passed = pass;
    void** save = &from.sp_;
    if constexpr (KeepsFloatControl)
      FRYS_DETAIL_SWITCH("stmxcsr (%%rsp)\n\tfnstcw 4(%%rsp)\n\t", "ldmxcsr (%%rsp)\n\tfldcw 4(%%rsp)\n\t");
    else
      FRYS_DETAIL_SWITCH("", "");
#else
    register void* target asm("x0") = to.sp_;
    register void* passed asm("x1") = pass;
    register void** save asm("x2") = &from.sp_;
    if constexpr (KeepsFloatControl)  // to write fpcr costs more than all the rest; mostly it holds the value already
      FRYS_DETAIL_SWITCH("mrs x10, fpcr\n\tstr x10, [sp, #32]\n\t",
                         "ldr x11, [sp, #32]\n\tcmp x11, x10\n\tb.eq 2f\n\tmsr fpcr, x11\n2:\n\t");
    else
      FRYS_DETAIL_SWITCH("", "");
#endif
    return passed;
  }

 private:
  // What a switch leaves on the stack it suspends, lowest address first; behind it what `start` reads. The sizes make
  // `start` find the stack aligned as after a call.
#if defined(__x86_64__)
  struct frame {
    std::uint32_t control[2] = {};  // mxcsr, x87 control word
    void* rbx = nullptr;
    void* rbp = nullptr;  // 0: the last frame, for whoever walks them
    void (*resume)(frame*, void*) noexcept = nullptr;
    void* return_address = nullptr;  // 0 likewise
    flow run = nullptr;
    void* argument = nullptr;
  };
  static_assert(sizeof(frame) == 56);
#else
  struct frame {
    void* x29 = nullptr;
    void* x30 = nullptr;
    void* x19 = nullptr;
    void (*resume)(frame*, void*) noexcept = nullptr;
    std::uint64_t control = 0;  // fpcr
    std::uint64_t unused = 0;
    flow run = nullptr;
    void* argument = nullptr;
  };
  static_assert(sizeof(frame) == 64);
#endif

  // Where the first jump to a new context arrives, with the jump's registers as arguments.
  static void start(frame* self, void* pass) noexcept {
    basic_machine_switch* const to = self->run(self->argument, pass);
    basic_machine_switch nowhere;
    (void)jump(nowhere, *to, nullptr);
    std::abort();
  }

  void* sp_ = nullptr;
};
#undef FRYS_DETAIL_SWITCH
#undef FRYS_DETAIL_MORE_REGISTERS
#undef FRYS_DETAIL_LANDING
#undef FRYS_DETAIL_RED_ZONE
#undef FRYS_DETAIL_X18

using machine_switch = basic_machine_switch<true>;
using quick_switch = basic_machine_switch<false>;
#endif  // FRYS_HAS_MACHINE_SWITCH

#if FRYS_HAS_UCONTEXT_SWITCH
// The same by the system's swapcontext.
class ucontext_switch {
 public:
  using flow = ucontext_switch* (*)(void* argument, void* pass);

  void make(std::byte* low, std::byte* top, flow run, void* argument) noexcept {
    run_ = run;
    argument_ = argument;
    ::getcontext(&saved_);
    saved_.uc_stack.ss_sp = low;
    saved_.uc_stack.ss_size = static_cast<std::size_t>(top - low);
    saved_.uc_link = nullptr;
    const std::uint64_t self = reinterpret_cast<std::uintptr_t>(this);  // makecontext passes on ints only
    ::makecontext(&saved_, reinterpret_cast<void (*)()>(&start), 2, static_cast<unsigned>(self >> 32),
                  static_cast<unsigned>(self & 0xffff'ffffu));
  }
  static void* jump(ucontext_switch& from, ucontext_switch& to, void* pass) noexcept {
    to.pass_ = pass;
    ::swapcontext(&from.saved_, &to.saved_);
    return from.pass_;
  }

 private:
  static void start(unsigned high, unsigned low) noexcept {
    const std::uint64_t address = std::uint64_t{high} << 32 | low;
    auto* self = reinterpret_cast<ucontext_switch*>(static_cast<std::uintptr_t>(address));
    ucontext_switch* const to = self->run_(self->argument_, self->pass_);
    to->pass_ = nullptr;
    ::setcontext(&to->saved_);
    std::abort();
  }

  ::ucontext_t saved_{};
  flow run_ = nullptr;
  void* argument_ = nullptr;
  void* pass_ = nullptr;
};
#endif  // FRYS_HAS_UCONTEXT_SWITCH

#if FRYS_HAS_CONTEXT
// A suspended flow of control, or the place where a running one will be saved. Stays where it is while in use.
template <class Switch>
class basic_context {
 public:
  using switch_type = Switch;
  using entry_function = void (*)(void* argument);
  // The same, and its return is the leave_to: cheaper, as all its calls have returned by then.
  using leaving_function = basic_context& (*)(void* argument);

  // The least stack for an entry that calls nothing deep. Signals and printf want 16 KiB and more.
  static constexpr std::size_t least_stack = 4096;

  // For a flow that runs already, such as the thread's own: switch_to saves it here. Such a context belongs to its
  // thread.
  basic_context() noexcept = default;
  basic_context(byte_span stack, entry_function entry, void* argument) noexcept { make(stack, entry, argument); }
  basic_context(const basic_context&) = delete;
  basic_context& operator=(const basic_context&) = delete;
  // Not while it runs.
  ~basic_context() { forget(); }

  // A flow that will begin with entry(argument) on `stack` at the first switch to it, with the caller's floating-point
  // control. The stack is the caller's and must stay until the flow has ended or is given up. Also over a context that
  // has ended, or that is suspended and given up.
  void make(byte_span stack, entry_function entry, void* argument) noexcept {
    FRYS_ASSERT(entry != nullptr, "context::make: the entry function is null");
    make_first(stack, &begin, argument)->entry = entry;
  }
  void make(byte_span stack, leaving_function entry, void* argument) noexcept {
    FRYS_ASSERT(entry != nullptr, "context::make: the entry function is null");
    make_first(stack, &begin_leaving, argument)->leaving = entry;
  }

  // Suspends the flow that runs now in `from` and goes on with `to`. Returns when somebody switches to `from`.
  FRYS_ALWAYS_INLINE static void switch_to(basic_context& from, basic_context& to) noexcept {
#if FRYS_ASAN
    __sanitizer_start_switch_fiber(&from.hook_, to.low_, to.size_);
    void* before = Switch::jump(from.switch_, to.switch_, &from);
    arrived(from, before);
#else
#if FRYS_TSAN
    from.hook_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to.hook_, 0);
#endif
    (void)Switch::jump(from.switch_, to.switch_, nullptr);
#endif
  }

  // Ends the flow that runs now and goes on with `to`. Nothing on its stack is destroyed; from then on the stack is
  // free for another use. The flow's own context may be made anew or destroyed.
  [[noreturn]] static void leave_to(basic_context& to) noexcept {
#if FRYS_ASAN
    // Not on this stack: the next line takes the sanitizer's fake frames away, and what lies in them.
    static thread_local Switch nowhere;
    __sanitizer_start_switch_fiber(nullptr, to.low_, to.size_);
#else
    Switch nowhere;
#endif
#if FRYS_TSAN
    __tsan_switch_to_fiber(to.hook_, 0);
#endif
    (void)Switch::jump(nowhere, to.switch_, nullptr);
    std::abort();
  }

 private:
  struct alignas(64) first {  // at the upper end of the stack; make writes all of it that is read
    basic_context* self;
    void* argument;
    entry_function entry;
    leaving_function leaving;
  };

  FRYS_ALWAYS_INLINE first* make_first(byte_span stack, typename Switch::flow flow, void* argument) noexcept {
    FRYS_ASSERT(stack.size() >= least_stack, "context::make: the stack is smaller than least_stack");
    forget();
    low_ = stack.data();
    size_ = stack.size();
    auto end = reinterpret_cast<std::uintptr_t>(stack.data()) + stack.size();
    std::byte* top = stack.data() + (stack.size() - end % 64) - sizeof(first);
#if FRYS_ASAN
    __asan_unpoison_memory_region(stack.data(), stack.size());  // of the frames that a given-up flow has left
#endif
#if FRYS_TSAN
    hook_ = __tsan_create_fiber(0);
#endif
    auto* f = ::new (static_cast<void*>(top)) first;
    f->self = this;
    f->argument = argument;
    switch_.make(stack.data(), top, flow, f);
    return f;
  }

  static Switch* begin_leaving(void* at, void* before) noexcept {
    auto* f = static_cast<first*>(at);
#if FRYS_ASAN
    arrived(*f->self, before);
#else
    (void)before;
#endif
    basic_context& to = f->leaving(f->argument);
#if FRYS_ASAN || FRYS_TSAN
    leave_to(to);  // what is told to the sanitizers must be the last thing on this stack
#else
    return &to.switch_;
#endif
  }
  static Switch* begin(void* at, void* before) noexcept {
    auto* f = static_cast<first*>(at);
#if FRYS_ASAN
    arrived(*f->self, before);
#else
    (void)before;
#endif
    f->entry(f->argument);
    FRYS_ASSERT(false, "context: the entry function has returned; end it with context::leave_to");
    std::abort();
  }

#if FRYS_ASAN
  // On the new stack: tells the sanitizer, and learns from it where the stack lies that we came from.
  static void arrived(basic_context& here, void* before) noexcept {
    auto* b = static_cast<basic_context*>(before);
    if (b != nullptr)
      __sanitizer_finish_switch_fiber(here.hook_, &b->low_, &b->size_);
    else
      __sanitizer_finish_switch_fiber(here.hook_, nullptr, nullptr);
    here.hook_ = nullptr;
  }
#endif

  void forget() noexcept {
#if FRYS_TSAN
    if (size_ != 0) __tsan_destroy_fiber(hook_);
#endif
    size_ = 0;
  }

  Switch switch_;
  // For the sanitizers; here in every build, so that objects of different builds agree.
  const void* low_ = nullptr;
  std::size_t size_ = 0;  // not 0: made
  void* hook_ = nullptr;  // AddressSanitizer's fake stack, or ThreadSanitizer's fiber
};

#if FRYS_HAS_MACHINE_SWITCH && !FRYS_CONTEXT_UCONTEXT
using context = basic_context<machine_switch>;
using quick_context = basic_context<quick_switch>;
#else
using context = basic_context<ucontext_switch>;
using quick_context = context;
#endif

// Memory for a stack, from mmap, with an unreadable page below it: an overflow is a fault, not a corruption. Pages come
// at first touch, so a large stack costs address space only. Linux lets a process have some 32,000 of them
// (vm.max_map_count counts two each).
class stack_memory {
 public:
  stack_memory() noexcept = default;
  stack_memory(stack_memory&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)),
        guard_(std::exchange(other.guard_, 0)),
        size_(std::exchange(other.size_, 0)) {}
  stack_memory& operator=(stack_memory&& other) noexcept {
    stack_memory old(std::move(other));
    std::swap(base_, old.base_);
    std::swap(guard_, old.guard_);
    std::swap(size_, old.size_);
    return *this;
  }
  ~stack_memory() {
    if (base_ == nullptr) return;
#if FRYS_ASAN
    __asan_unpoison_memory_region(base_, guard_ + size_);  // the addresses may come back as something else
#endif
    ::munmap(base_, guard_ + size_);
  }

  // At least `bytes`, rounded up to whole pages, and the guard page on top of that. errc::invalid_argument for 0,
  // errc::out_of_memory when the system refuses.
  static result<stack_memory> allocate(std::size_t bytes) noexcept {
    if (bytes == 0) return error{errc::invalid_argument, domain::core, "a stack of zero bytes was asked for", 0};
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t whole = (bytes + page - 1) & ~(page - 1);
    constexpr std::size_t most = SIZE_MAX / 2;
    const error refused{errc::out_of_memory, domain::core, "the system refused the memory of a stack",
                        static_cast<std::int64_t>(bytes < most ? bytes : most)};
    if (whole < bytes || whole > most) return refused;
    int flags = MAP_PRIVATE;
#if defined(MAP_ANONYMOUS)
    flags |= MAP_ANONYMOUS;
#else
    flags |= MAP_ANON;
#endif
#if defined(MAP_NORESERVE)
    flags |= MAP_NORESERVE;
#endif
#if defined(MAP_STACK)
    flags |= MAP_STACK;
#endif
    void* base = ::mmap(nullptr, page + whole, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (base == reinterpret_cast<void*>(std::intptr_t{-1})) return refused;  // MAP_FAILED, uncast
    stack_memory made;
    made.base_ = static_cast<std::byte*>(base);
    made.guard_ = page;
    made.size_ = whole;
    if (::mprotect(base, page, PROT_NONE) != 0) return refused;
    return made;
  }

  // The stack, without its guard page; empty after a move.
  [[nodiscard]] byte_span span() const noexcept { return {base_ + guard_, size_}; }

 private:
  std::byte* base_ = nullptr;  // of the guard page
  std::size_t guard_ = 0;
  std::size_t size_ = 0;
};
#endif  // FRYS_HAS_CONTEXT

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_CONTEXT_HPP
