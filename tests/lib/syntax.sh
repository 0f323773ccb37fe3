#!/usr/bin/env bash
# Reads sources with a compiler that builds no program here: -fsyntax-only, all warnings, one precompiled header of the
# std headers and doctest for all of them.
#   usage: syntax.sh SCRATCH 'COMPILER FLAGS...' FILE...
scratch=$1
# shellcheck disable=SC2206
compiler=($2 -std=c++20 -Iinclude -Itests -Iexamples -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
  -Wold-style-cast -Wundef -Werror)
shift 2
[ $# -gt 0 ] || exit 0
rm -rf "$scratch"
mkdir -p "$scratch"
# Std headers only where every one of the compilers has them.
cat "$@" include/frys/core/*.hpp | sed -n 's/^#include \(<[a-z_]*>\).*/\1/p' | sort -u | grep -vE '<(coroutine|expected|format|unistd)>' |
  sed 's/^/#include /' >"$scratch/std.hpp"
echo '#include <doctest/doctest.h>' >>"$scratch/std.hpp"
if "${compiler[@]}" --version | grep -q clang; then
  pch=(-include-pch "$scratch/std.pch")
  "${compiler[@]}" -x c++-header "$scratch/std.hpp" -o "$scratch/std.pch" || exit 1
else
  pch=(-include "$scratch/std.hpp")
  "${compiler[@]}" -x c++-header "$scratch/std.hpp" -o "$scratch/std.hpp.gch" || exit 1
fi
printf '%s\0' "$@" | xargs -0 -P "$(nproc)" -I{} sh -c 'echo "{}"; f=$1; shift; exec "$@" -fsyntax-only "$f" 2>&1' sh {} \
  "${compiler[@]}" "${pch[@]}" -x c++
