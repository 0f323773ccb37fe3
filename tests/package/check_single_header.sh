#!/usr/bin/env bash
# The single header beside a source, with no include path, under its own and under another name, on each compiler.
. tests/package/lib.sh
[ -f single_include/frys/frys.hpp ] || skipped "there is no single_include/frys/frys.hpp"
for compiler in g++ clang++-16; do
  command -v $compiler >/dev/null || continue
  for name in frys.hpp blocks.h; do
    mkdir -p "$scratch/$compiler/$name"
    cp single_include/frys/frys.hpp "$scratch/$compiler/$name/$name"
    sed "s/\"frys.hpp\"/\"$name\"/" examples/consume/single_header/main.cpp >"$scratch/$compiler/$name/main.cpp"
    # shellcheck disable=SC2086
    (cd "$scratch/$compiler/$name" && $compiler -std=c++20 $strict main.cpp -o program) >"$scratch/log" 2>&1 &&
      "$scratch/$compiler/$name/program" || { bad "$compiler, $name"; head -n 20 "$scratch/log"; }
  done
done
finish "the single header works under two names"
