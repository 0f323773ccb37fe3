#!/usr/bin/env python3
"""atomics::real costs nothing: blocks written through the policy compile to the code of the same blocks with std::atomic.

A Treiber stack and a single-producer ring are written once, as templates over the atomics. Each compiler that is here
compiles their push and pop at -O2 with the policy and with std::atomic itself; objdump must show the same instructions.
--break adds an instruction to the policy's side: the check then fails. Each run makes sure of that with one compiler.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]

TEXT = r"""
#include <atomic>
#include <cstddef>
#include <frys/core/atomics.hpp>

// What the policy must be equal to.
struct direct {
  template <class T>
  using atomic = std::atomic<T>;
  template <class T>
  struct var {  // a plain T
    T value{};
    const T& get() const noexcept { return value; }
    T& ref() noexcept { return value; }
  };
  static void fence(std::memory_order order) noexcept { std::atomic_thread_fence(order); }
  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");
#endif
  }
};
#ifdef FRYS_BREAK
struct policy : frys::atomics::real {
  static void fence(std::memory_order order) noexcept {
    frys::atomics::real::fence(order);
    asm volatile("nop");
  }
};
#else
using policy = frys::atomics::real;
#endif

template <class A>
struct stack {
  struct node {
    typename A::template var<node*> next;
    typename A::template var<long> value;
  };
  typename A::template atomic<node*> head{nullptr};
  void push(node* n) noexcept {
    node* seen = head.load(std::memory_order_relaxed);
    do n->next.ref() = seen;
    while (!head.compare_exchange_weak(seen, n, std::memory_order_release, std::memory_order_relaxed));
  }
  node* pop() noexcept {
    node* seen = head.load(std::memory_order_acquire);
    while (seen != nullptr &&
           !head.compare_exchange_weak(seen, seen->next.get(), std::memory_order_acquire, std::memory_order_acquire))
      A::pause();
    return seen;
  }
};

template <class A>
struct ring {
  static constexpr std::size_t capacity = 64;
  alignas(64) typename A::template atomic<std::size_t> tail{0};
  alignas(64) typename A::template atomic<std::size_t> head{0};
  typename A::template var<long> slots[capacity];
  bool push(long value) noexcept {
    const std::size_t at = tail.load(std::memory_order_relaxed);
    if (at - head.load(std::memory_order_acquire) == capacity) return false;
    slots[at % capacity].ref() = value;
    tail.store(at + 1, std::memory_order_release);
    A::fence(std::memory_order_seq_cst);
    return true;
  }
  bool pop(long& value) noexcept {
    const std::size_t at = head.load(std::memory_order_relaxed);
    if (at == tail.load(std::memory_order_acquire)) return false;
    value = slots[at % capacity].get();
    head.store(at + 1, std::memory_order_release);
    return true;
  }
};

template <class A>
struct counter {
  typename A::template atomic<unsigned> value{0};
  unsigned take() noexcept { return value.fetch_add(1, std::memory_order_acq_rel) ^ value.exchange(7); }
};

#define BOTH(name, result, parameters, expression)                                                 \
  extern "C" result direct_##name parameters noexcept { using A = direct; return expression; }    \
  extern "C" result policy_##name parameters noexcept { using A = policy; return expression; }

BOTH(stack_push, void, (void* s, void* n), static_cast<stack<A>*>(s)->push(static_cast<stack<A>::node*>(n)))
BOTH(stack_pop, void*, (void* s), static_cast<stack<A>*>(s)->pop())
BOTH(ring_push, bool, (void* r, long v), static_cast<ring<A>*>(r)->push(v))
BOTH(ring_pop, bool, (void* r, long& v), static_cast<ring<A>*>(r)->pop(v))
BOTH(counter_take, unsigned, (void* c), static_cast<counter<A>*>(c)->take())
static_assert(sizeof(stack<direct>) == sizeof(stack<policy>) && sizeof(ring<direct>) == sizeof(ring<policy>));
"""


def functions(objdump, path):
    """The instructions of each function, with jumps told by their distance from its start."""
    listing = subprocess.run([objdump, "-d", "--no-show-raw-insn", str(path)], capture_output=True, text=True, check=True).stdout
    found, name, start = {}, None, 0
    for line in listing.splitlines():
        if m := re.match(r"([0-9a-f]+) <(\w+)>:", line):
            start, name = int(m.group(1), 16), m.group(2)
            found[name] = []
        elif name and (m := re.match(r"\s+([0-9a-f]+):\s+(.*)", line)):
            text = re.sub(r"\b(?:0x)?([0-9a-f]+) <\w+(?:\+0x[0-9a-f]+)?>", lambda t: f"+{int(t.group(1), 16) - start}", m.group(2))
            found[name].append(re.sub(r"\s+", " ", text.partition("#")[0] if "<" in m.group(2) and "rip" in text else text).strip())
    for code in found.values():  # what pads to the next function
        while code and re.match(r"(?:cs |data16 )*(?:nop|xchg %ax,%ax|udf)", code[-1]):
            code.pop()
    return found


def differences(cxx, objdump, scratch, flags):
    """One sentence for each function that differs, and the sizes of all."""
    source, binary = pathlib.Path(scratch, "costs.cpp"), pathlib.Path(scratch, "costs.o")
    source.write_text(TEXT)
    machine = subprocess.run([cxx, "-dumpmachine"], capture_output=True, text=True).stdout
    flags = [*flags, *(["-mno-outline-atomics"] if machine.startswith("aarch64") else []),  # else the calls' addresses differ
             *([] if "clang" in cxx else ["-fno-ipa-icf"])]  # else one may become a jump to the other
    subprocess.run([cxx, "-std=c++20", "-O2", "-I", str(TOP / "include"), *flags, "-c", str(source), "-o", str(binary)], check=True)
    code = functions(objdump, binary)
    names = sorted(n.removeprefix("direct_") for n in code if n.startswith("direct_"))
    out = [] if len(names) == 5 else [f"{len(names)} of 5 functions in the listing"]
    for name in names:
        ours, theirs = code[f"policy_{name}"], code[f"direct_{name}"]
        if not theirs or ours != theirs:
            first = next((f"`{a}` for `{b}`" for a, b in zip(ours, theirs) if a != b), "the end")
            out.append(f"{name}: {len(ours)} instructions through the policy, {len(theirs)} with std::atomic; first {first}")
    return out, ", ".join(f"{n} {len(code['policy_' + n])}" for n in names)


def main():
    wrong = ["-DFRYS_BREAK=1"]
    compilers = {}
    for cxx in [os.environ.get("CXX") or "g++", "g++", "clang++", "clang++-16", "aarch64-linux-gnu-g++"]:
        objdump = cxx.replace("g++", "objdump") if "-linux-gnu-" in cxx else "objdump"
        if shutil.which(cxx) and shutil.which(objdump):
            compilers.setdefault(subprocess.run([cxx, "--version"], capture_output=True, text=True).stdout, (cxx, objdump))
    if not compilers:
        print("skipped: no compiler with an objdump")
        return 77
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        for cxx, objdump in compilers.values():
            found, sizes = differences(cxx, objdump, scratch, wrong if "--break" in sys.argv else [])
            failures += len(found)
            print("\n".join([f"FAILED: {cxx}: {f}" for f in found] + [f"{cxx}: {sizes}"]))
        found, _ = differences(*next(iter(compilers.values())), scratch, wrong)
        if [f.partition(":")[0] for f in found] != ["ring_push"]:
            failures += 1
            print(f"FAILED: one instruction too many in ring_push was not what the check saw: {found}")
    print(f"real costs: {len(compilers)} compilers, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
