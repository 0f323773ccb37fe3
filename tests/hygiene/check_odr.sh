#!/usr/bin/env bash
# One program out of translation units that see frys in different ways: tree and single form, NDEBUG on and off, hardened,
# without exceptions, other -m flags, and a second version. Linked with -flto -Wodr -Werror=odr, then run: all agree.
set -euo pipefail
cd "$(dirname "$0")/../.."
cxx=g++
command -v "$cxx" >/dev/null || { echo "skipped: link-time ODR checks need g++"; exit 77; }
scratch=$(mktemp -d "${FRYS_BUILD_DIR:-${TMPDIR:-/tmp}}/odr.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# The same text as another version: only the namespace's name and the macros that guard headers differ.
mkdir -p "$scratch/v2"
sed -e 's/\bv0_1/v0_2/g' -e 's/frys 0\.1/frys 0.2/' single_include/frys/frys.hpp >"$scratch/v2/frys.hpp"
cp single_include/frys/frys.hpp "$scratch/renamed.h"

flags=(-std=c++20 -O1 -flto -Wall -Wextra -Wodr -Werror)
jobs=()
functions=()
unit() { # name flags...
  local name=$1
  shift
  functions+=("$name")
  printf '#include "tests/hygiene/odr_unit.inc"\n' >"$scratch/$name.cpp"
  "$cxx" "${flags[@]}" -I. "-DFRYS_ODR_NAME=$name" "$@" -c "$scratch/$name.cpp" -o "$scratch/$name.o" &
  jobs+=($!)
  if ((${#jobs[@]} == 2)); then
    wait "${jobs[0]}"
    wait "${jobs[1]}"
    jobs=()
  fi
}
single() { printf -- '-DFRYS_ODR_HEADER="%s"' "$1"; }

unit tree -Iinclude
unit tree_ndebug -Iinclude -DNDEBUG
unit single_form "$(single "$PWD/single_include/frys/frys.hpp")"
unit single_renamed_ndebug "$(single "$scratch/renamed.h")" -DNDEBUG -DFRYS_WITH_ALL=1
unit second_version "$(single "$scratch/v2/frys.hpp")"
unit hardened -Iinclude -DFRYS_HARDENED=1
unit no_exceptions -Iinclude -fno-exceptions -fno-rtti
machine=$(uname -m)
if [[ $machine == x86_64 ]]; then
  # Built for another baseline, called only where the machine has it; what it leaves in the program must not reach the others.
  unit wide -Iinclude -mavx2 -mfma
  unit wide_single "$(single "$PWD/single_include/frys/frys.hpp")" -mavx2
fi
if ((${#jobs[@]})); then wait "${jobs[0]}"; fi

{
  for f in "${functions[@]}"; do echo "long $f();"; done
  echo '#include <cstdio>'
  echo 'int main() {'
  echo '  const long expected = tree(); int bad = 0;'
  for f in "${functions[@]}"; do
    guard=
    [[ $f == wide* ]] && guard='__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && '
    echo "  if (${guard}$f() != expected) { std::printf(\"$f differs\\n\"); ++bad; }"
  done
  echo '  return bad; }'
} >"$scratch/main.cpp"
"$cxx" "${flags[@]}" -c "$scratch/main.cpp" -o "$scratch/main.o"
link() { # program objects...: fails on an ODR warning
  local out
  out=$("$cxx" -O1 -flto=2 -Wodr -Werror=odr -Werror=lto-type-mismatch "${@:2}" -o "$1" -pthread 2>&1) || { echo "$out"; return 1; }
  [[ $out != *warning* ]] || { echo "$out"; return 1; }
}
link "$scratch/program" "$scratch"/*.o
"$scratch/program"

# The check itself: two different types of one name must be refused.
echo 'namespace x { struct s { int a; }; } int f(x::s); int f(x::s v) { return v.a; } int main() { return f({0}); }' >"$scratch/bad1.cc"
echo 'namespace x { struct s { long a; virtual ~s(); }; } x::s* g(); x::s* g() { return nullptr; } x::s::~s() {}' >"$scratch/bad2.cc"
for n in 1 2; do "$cxx" -std=c++20 -O1 -flto -c "$scratch/bad$n.cc" -o "$scratch/bad$n.obj"; done
if link "$scratch/bad" "$scratch/bad1.obj" "$scratch/bad2.obj" >/dev/null; then
  echo "the linker did not see a broken one-definition rule"
  exit 1
fi
echo "odr: ${#functions[@]} translation units in one program agree"
