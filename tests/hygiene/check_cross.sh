#!/usr/bin/env bash
# The headers of floors 0 to 2 (core, memory, queue, simd) compile for Windows (mingw-w64), for 32 bit and for aarch64, warning-free.
# Compilers that are missing are named and left out; without any of them: skipped. --run also runs a test on qemu-aarch64.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d "${FRYS_BUILD_DIR:-${TMPDIR:-/tmp}}/cross.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
flags=(-std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wundef -Werror -Iinclude)

shopt -s nullglob
headers=(include/frys/config.hpp include/frys/policy.hpp)
for room in core memory queue simd; do headers+=(include/frys/$room/*.hpp); done
for h in "${headers[@]}"; do printf '#include <%s>\n' "${h#include/}"; done >"$scratch/all.cpp"
# A small test on top: what these floors promise, on another machine.
cat "$scratch/all.cpp" - >"$scratch/test.cpp" <<'CPP'
#include <cstdio>
int main() {
  int bad = 0;
  auto expect = [&](bool ok, const char* what) { if (!ok) { std::printf("FAILED: %s\n", what); ++bad; } };
  frys::spsc_ring<int, frys::policy::capacity<8>> spsc;
  frys::mpmc_ring<int, frys::policy::capacity<8>> mpmc;
  for (int i = 0; i < 8; ++i) expect(static_cast<bool>(spsc.try_push(int{i})) && static_cast<bool>(mpmc.try_push(int{i})), "eight fit");
  expect(!spsc.try_push(9) && !mpmc.try_push(9), "a ninth does not");
  int sum = 0;
  while (auto v = spsc.try_pop()) sum += *v;
  while (auto v = mpmc.try_pop()) sum += *v;
  expect(sum == 56, "all came out");
  expect(frys::simd::crc32c(frys::as_bytes("123456789")) == 0xE3069283u, "crc32c of the check text");
  float a[37], dot = 0;
  for (int i = 0; i < 37; ++i) a[i] = static_cast<float>(i), dot += a[i] * a[i];
  expect(frys::simd::dot(a, a) == dot, "dot");
  frys::parker<> parker;
  expect(!parker.park_until(frys::deadline::after<frys::clocks::steady>(frys::nanoseconds(1000000))), "a park ends at its deadline");
  parker.unpark();
  expect(parker.park_until(frys::deadline::never()), "a permit is kept");
  std::byte wire[8];
  frys::store_be(wire, std::uint32_t{0x01020304});
  expect(frys::load_be<std::uint32_t>(wire) == 0x01020304 && frys::load_le<std::uint32_t>(wire) == 0x04030201, "byte order");
  std::printf("%s, target %s\n", bad ? "failed" : "ok", std::string_view(frys::simd::target()).data());
  return bad != 0;
}
CPP

ran=0 failed=0 left_out=()
try() { # name compiler flags...
  local name=$1 compiler=$2
  shift 2
  if ! command -v "$compiler" >/dev/null || ! echo '#include <atomic>' | "$compiler" "$@" -std=c++20 -fsyntax-only -x c++ - 2>/dev/null; then
    left_out+=("$name")
    return 0
  fi
  ran=$((ran + 1))
  if "$compiler" "${flags[@]}" "$@" -fsyntax-only "$scratch/test.cpp" 2>"$scratch/log"; then
    echo "$name: ${#headers[@]} headers, ok"
  else
    failed=$((failed + 1))
    echo "FAILED: $name ($compiler $*)"
    grep -E 'error|warning' "$scratch/log" | head -12
  fi
}
try "Windows" x86_64-w64-mingw32-g++-posix
# -idirafter: the kernel headers of both word sizes are one set, which only the meta package links to a common place.
try "32 bit" g++ -m32 -idirafter "/usr/include/$(g++ -dumpmachine 2>/dev/null)"
try "aarch64" aarch64-linux-gnu-g++

if [[ ${1:-} == --run ]]; then
  if command -v qemu-aarch64 >/dev/null && command -v aarch64-linux-gnu-g++ >/dev/null; then
    aarch64-linux-gnu-g++ "${flags[@]}" -O2 -static "$scratch/test.cpp" -o "$scratch/test" -pthread
    qemu-aarch64 "$scratch/test" || failed=$((failed + 1))
  else
    left_out+=("the run on qemu-aarch64")
  fi
fi
for l in "${left_out[@]}"; do echo "skipped: $l, its tools are not installed"; done
((ran)) || exit 77
((!failed))
