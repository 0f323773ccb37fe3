#!/usr/bin/env bash
# Records the traces of bench/memory/heap_traces: bash record.sh BUILD   (a build directory with the examples in it)
#   compiler    cc1plus, of examples/02_search/main.cpp with -O0
#   index       examples/02_search: 10,000 vectors, three searches
#   kernel      frys-kernel under the load of examples/kernel/demo.py --quick
# Each is one process' requests in their order, of all its threads. The format stands in recorder.cpp.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd) root=$(cd "$(dirname "$0")/../../../.." && pwd)
build=$(cd "${1:?usage: record.sh BUILD}" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/frys-record.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
g++ -std=c++20 -O2 -fPIC -shared -fno-builtin "$here/recorder.cpp" -o "$scratch/recorder.so"
keep() {  # the largest trace of a name
  mkdir -p "$here/../traces"
  xz -9e -c "$(ls -S "$scratch/$1".* | head -1)" >"$here/../traces/$1.xz"
}
recorded() { FRYS_TRACE="$scratch/$1" LD_PRELOAD="$scratch/recorder.so" "${@:2}"; }

recorded compiler g++ -std=c++20 -O0 -I"$root/include" -c "$root/examples/02_search/main.cpp" -o "$scratch/main.o"
keep compiler
recorded index "$build/examples/example_02_search" "$root/examples/data/glove-100d-10k.bin"
keep index
cat >"$scratch/frys-kernel" <<END
#!/bin/sh
FRYS_TRACE=$scratch/kernel LD_PRELOAD=$scratch/recorder.so exec "$build/examples/frys-kernel" "\$@"
END
chmod +x "$scratch/frys-kernel"
python3 "$root/examples/kernel/demo.py" --once --quick --port 18099 --binary "$scratch/frys-kernel" --dir "$scratch/data"
keep kernel
ls -l "$here/../traces"
