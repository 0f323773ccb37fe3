# Shared by tests/package/check_*.sh. They run in the repository root; what they make lies in a scratch directory.
set -u
root=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
problems=0
bad() {
  echo "wrong: $*"
  problems=1
}
finish() {
  [ $problems = 0 ] && echo "$1"
  exit $problems
}
skipped() {
  echo "skipped: $*"
  exit 77
}
# expect WHAT FILE REGEX...: FILE has a line for each REGEX.
expect() {
  local what=$1 file=$2 pattern
  shift 2
  for pattern in "$@"; do
    grep -qE -- "$pattern" "$file" || {
      bad "$what: nothing says '$pattern' in:"
      sed 's/^/  | /' "$file" | tail -n 30
    }
  done
}
# run LOG COMMAND...: a command that must work.
run() {
  local log=$scratch/$1
  shift
  "$@" >"$log" 2>&1 || {
    bad "$*"
    tail -n 30 "$log" | sed 's/^/  | /'
    return 1
  }
}
generator=()
command -v ninja >/dev/null && generator=(-G Ninja)
strict="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wundef -Werror"
configure() { cmake "${generator[@]}" -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS=$strict" "$@"; }
# install_frys PREFIX: configured as a package builder does.
install_frys() {
  run frys-configure cmake "${generator[@]}" -S "$root" -B "$scratch/frys" -DCMAKE_INSTALL_PREFIX="$1" \
    -DFRYS_BUILD_TESTS=OFF -DFRYS_BUILD_BENCH=OFF -DFRYS_BUILD_EXAMPLES=OFF &&
    run frys-install cmake --install "$scratch/frys"
}
# consume NAME EXAMPLE ARGUMENT...: builds an example of examples/consume as it stands and runs it.
consume() {
  local name=$1 example=$2
  shift 2
  run "$name-configure" configure -S "$root/examples/consume/$example" -B "$scratch/$name" "$@" &&
    run "$name-build" cmake --build "$scratch/$name" -j 2 &&
    run "$name-run" "$scratch/$name/consumer" && cat "$scratch/$name-run"
}
have_components() {
  local probe
  for probe in hwy/highway.h liburing.h boost/lockfree/queue.hpp jemalloc/jemalloc.h mimalloc.h; do
    echo "#include <$probe>" | g++ -std=c++20 -x c++ -fsyntax-only - 2>/dev/null || return 1
  done
}
