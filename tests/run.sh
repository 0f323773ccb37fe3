#!/usr/bin/env bash
# Installs what is missing, builds frys in all its forms and runs every test. The last line is `N passed, N failed`.
cd "$(dirname "$0")/.." || exit 1
set -u
. tests/lib/setup.sh

usage() {
  cat <<'TEXT'
usage: bash tests/run.sh [--no-install] [--clean] [--ci] [--long] [STAGE...]

  --no-install   install nothing; what lacks its tool is skipped and said so
  --clean        start from an empty build directory
  --ci           no terminal, a hard end after 60 minutes (it takes about 27 on two quiet cores)
  --long         also: fuzzers for 10 minutes each, 100 kills per setting, foreign machines under qemu, an npm client

FRYS_PATIENCE=3 in the environment gives every step three times as long, for a slow machine.

Stages, in this order; without a name all of them run:
  tree       the tests and examples on include/, with g++; the lines of include/frys that they run are counted
  hygiene    floors, lint, headers, budgets, compile-fail twins
  package    install, find_package, FetchContent, .deb, vcpkg
  kernel     the reference kernel against its judges
  single     the same tests on the single header, under the address and undefined behaviour sanitizers; of the model's
             the checker's own, without (--long: all on the single header without them too, and all on the tree with them)
  tsan       thread sanitizer, what has threads
  clang      clang 16 reads everything and runs what is labelled smoke; clang 14 reads floors 0 to 2
  noexcept   without exceptions and RTTI, likewise                  (--long builds and runs all of clang and noexcept)
  fuzz       the parsers, seconds each
TEXT
}

ci=0 long=0 clean=0
all_stages=(tree hygiene package kernel single tsan clang noexcept fuzz)
chosen=()
for argument in "$@"; do
  case $argument in
    --no-install) frys_install=0 ;;
    --clean) clean=1 ;;
    --ci) ci=1 ;;
    --long) long=1 ;;
    --help | -h) usage; exit 0 ;;
    *)
      [[ " ${all_stages[*]} " == *" $argument "* ]] || { usage >&2; frys_stop "there is no stage or option '$argument'"; }
      chosen+=("$argument")
      ;;
  esac
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${all_stages[@]}")
[ $clean = 0 ] || rm -rf build
mkdir -p $frys_logs
export FRYS_LONG=$long

passed=0 failed=0 skipped=0
notes=() minutes=()
patience=${FRYS_PATIENCE:-1}
deadline=$((SECONDS + patience * 60 * 60))
export CMAKE_GENERATOR=Ninja

slug() { printf %s "$1" | tr -cs 'a-z0-9' -; }
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); notes+=("failed: $1"); }
skip() { skipped=$((skipped + 1)); notes+=("skipped: $1"); echo "skipped: $1"; }

# Runs tests of a build directory and adds up what they say.
count_tests() {
  local label=$1 directory=$2 junit p f s
  shift 2
  junit=$PWD/$frys_logs/$(slug "$label").xml
  rm -f "$junit"
  frys_watch "$label" "$frys_logs/$(slug "$label").log" timeout -k 10 "$frys_limit" \
    ctest --test-dir "$directory" --output-on-failure --no-tests=ignore --output-junit "$junit" \
    --test-output-size-passed 1000000 --test-output-size-failed 1000000 -LE '^long$' "$@"
  local status=$?
  if [ ! -s "$junit" ]; then fail "$label: ctest did not finish"; return; fi
  { read -r p f s; while read -r note; do [ -z "$note" ] || { notes+=("$label: $note"); echo "  $note"; }; done; } \
    < <(python3 tests/lib/count.py "$junit")
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  echo "$label: $p passed, $f failed, $s skipped"
  [ $status = 0 ] || [ "$f" -gt 0 ] || fail "$label: ctest answered $status"
}

# What clang 14 can read: the headers and tests of floors 0 to 2 without coroutines.
lower_floor_sources() {
  { find include/frys/{core,memory,queue,simd} -name '*.hpp' -not -path '*/detail/*'; find tests/{core,memory,queue,simd} -name '*_test.cpp'; } 2>/dev/null |
    sort | xargs -r grep -LE 'co_await|co_return|frys/(sched|io|storage|net|search)/|include <coroutine>'
}
all_sources() { find tests examples -name '*.cpp' -not -path '*/compile_fail/*' -not -path '*/fuzz/*' -not -path '*/consume/*' | sort; }
syntax() {
  local label=$1 files
  mapfile -t files <<<"$3"
  if frys_watch "$label" "$frys_logs/$(slug "$label").log" timeout -k 10 "$frys_limit" \
    python3 tests/lib/syntax.py "build/syntax-$(slug "$label")" "$2" "${files[@]}"; then
    pass
  else
    fail "$label"
  fi
}

# The gates that this machine can open, as compiler flags.
gates() {
  local gate
  for gate in HIGHWAY:libhwy URING:liburing JEMALLOC:jemalloc; do
    ! pkg-config --exists "${gate#*:}" 2>/dev/null || printf ' -DFRYS_WITH_%s=1' "${gate%:*}"
  done
  # These have no .pc file.
  for gate in BOOST_LOCKFREE:boost/lockfree/queue.hpp ASIO:asio/async_result.hpp MIMALLOC:mimalloc.h; do
    ! echo "#include <${gate#*:}>" | g++ -std=c++20 -x c++ -fsyntax-only - 2>/dev/null || printf ' -DFRYS_WITH_%s=1' "${gate%%:*}"
  done
}

# Reads everything with a compiler or a set of flags, and builds and runs the rooms labelled smoke; with --long, all.
read_and_smoke() {
  local stage=$1 reader=$2
  if [ $long = 1 ]; then
    frys_build "$stage" "$stage" || fail "$stage: the build"
    count_tests "$stage: tests" "build/$stage" -L promise
    return
  fi
  syntax "$stage: all sources" "$reader$(gates)" "$(all_sources)"
  FRYS_TARGETS=frys_smoke frys_build "$stage" "$stage" || fail "$stage: the build"
  count_tests "$stage: smoke" "build/$stage" -L smoke -j "$frys_cores"
}

stage_tree() {
  frys_build tree coverage || fail "tree: the build"
  find build/coverage -name '*.gcda' -delete 2>/dev/null
  # Units that an earlier build had and this one has not: gcovr would take them for code that nobody runs.
  ninja -C build/coverage -t cleandead >/dev/null 2>&1
  find build/coverage -name '*.gcno' 2>/dev/null | while read -r note; do [ -e "${note%.gcno}.o" ] || rm -f "$note"; done
  count_tests "tree: tests" build/coverage -L 'promise|example|model' -j "$frys_cores"
  command -v gcovr >/dev/null || { skip "coverage: gcovr is missing (apt: gcovr)"; return; }
  if frys_watch "coverage" $frys_logs/coverage.log timeout -k 10 "$frys_limit" bash tests/hygiene/coverage.sh --report build/coverage; then
    pass
    tail -n 1 $frys_logs/coverage.log
  else
    fail "coverage"
  fi
}

stage_hygiene() {
  [ -d build/test ] || cmake --preset test >/dev/null || { fail "hygiene: configure"; return; }
  count_tests "hygiene: checks" build/test -L 'hygiene|compile_fail' -E '^model[.]orders$'
}

stage_package() {
  [ -d build/test ] || cmake --preset test >/dev/null || { fail "package: configure"; return; }
  count_tests "package: consumers" build/test -L package
}

stage_single() {
  [ -f single_include/frys/frys.hpp ] || { skip "single: there is no single_include/frys/frys.hpp"; return; }
  local preset presets=(single-asan)
  [ $long = 0 ] || presets+=(single asan-ubsan)
  for preset in "${presets[@]}"; do
    frys_build "$preset" "$preset" || fail "$preset: the build"
    ASAN_OPTIONS=detect_stack_use_after_return=1 count_tests "$preset: tests" "build/$preset" -L promise -j "$frys_cores"
  done
}

stage_kernel() {
  [ -f examples/kernel/main.cpp ] || { skip "kernel: there is no examples/kernel/main.cpp"; return; }
  FRYS_TARGETS="frys-kernel frys-kernel-counted" frys_build kernel demo || { fail "kernel: the build"; return; }
  [ -d build/test ] || cmake --preset test >/dev/null || { fail "kernel: configure"; return; }
  export FRYS_KERNEL=$PWD/build/demo/examples/frys-kernel
  count_tests "kernel: judges" build/test -L '^kernel$'
  if [ $long = 1 ]; then
    frys_watch "kernel: 100 kills per setting" $frys_logs/kills.log python3 tests/kernel/check_kill.py --rounds 100 &&
      pass || fail "kernel: 100 kills"
  fi
}

stage_tsan() {
  frys_build tsan tsan || fail "tsan: the build"
  TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1" count_tests "tsan: tests" build/tsan -L promise -j "$frys_cores"
}

stage_clang() {
  if ! command -v clang++-16 >/dev/null; then
    skip "clang: clang++-16 is missing (apt: clang-16)"
  else
    read_and_smoke clang clang++-16
  fi
  if command -v clang++-14 >/dev/null; then
    syntax "clang 14: floors 0 to 2" "clang++-14 -Wno-pragma-once-outside-header -Wno-unused-function" "$(lower_floor_sources)"
  else
    skip "clang 14: clang++-14 is missing (apt: clang-14)"
  fi
}

stage_noexcept() {
  read_and_smoke noexcept "g++ -fno-exceptions -fno-rtti -DDOCTEST_CONFIG_NO_EXCEPTIONS_BUT_WITH_ALL_ASSERTS"
}

fuzz_one() {
  local source=$1 name=$2 seconds=$3
  timeout 300 clang++-16 -std=c++20 -g1 -O1 -Iinclude -Iexamples -fsanitize=fuzzer,address,undefined \
    -fno-sanitize-recover=all "$source" -o "build/fuzz/$name" -lpthread || { echo "ERROR: $name does not build"; return 1; }
  mkdir -p "build/fuzz/$name.corpus" "build/fuzz/$name.findings" "tests/fuzz/corpus/$name"
  timeout -k 10 $((seconds + 120)) "build/fuzz/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
    -artifact_prefix="build/fuzz/$name.findings/" "build/fuzz/$name.corpus" "tests/fuzz/corpus/$name"
}

stage_fuzz() {
  local source name seconds=10
  [ $long = 0 ] || seconds=600
  if ! command -v clang++-16 >/dev/null; then skip "fuzz: clang++-16 is missing (apt: clang-16)"; return; fi
  mkdir -p build/fuzz
  # All at once, as many as there are cores.
  export -f fuzz_one
  export frys_logs
  printf '%s\n' tests/fuzz/*_fuzz.cpp >build/fuzz/sources
  # shellcheck disable=SC2016
  frys_watch "fuzz: each parser for ${seconds}s" $frys_logs/fuzz.log xargs -a build/fuzz/sources -P "$frys_cores" -n 1 bash -c '
    name=$(basename "$1" _fuzz.cpp)
    if fuzz_one "$1" "$name" "$0" >"$frys_logs/fuzz-$name.log" 2>&1; then echo "$name: passed"; else echo "$name: failed"; exit 1; fi' $seconds
  for source in tests/fuzz/*_fuzz.cpp; do
    name=$(basename "$source" _fuzz.cpp)
    if grep -qx "$name: passed" $frys_logs/fuzz.log; then
      pass
    else
      fail "fuzz: $name; the input lies in build/fuzz/$name.findings"
      tail -n 20 "$frys_logs/fuzz-$name.log"
    fi
  done
}

stage_long() {
  count_tests "long: scripts" build/test -L '^long$' -LE '^none$'
}

# ---------------------------------------------------------------------------------------------------------------------
# Seconds of processor time of everything this script has run.
cpu_seconds() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%d", ($14 + $15) / hz }' /proc/$$/stat; }
start=$SECONDS cpu=0
compiler_major=$(g++ -dumpversion 2>/dev/null | cut -d. -f1)
[ -n "$compiler_major" ] || compiler_major=$(apt-cache depends g++ 2>/dev/null | sed -n 's/.*Depends: g++-\([0-9]*\)$/\1/p' | head -n 1)
optional=(libhwy-dev liburing-dev libboost-dev libasio-dev libjemalloc-dev libmimalloc-dev clang-16 libclang-rt-16-dev clang-14 redis-server redis-tools gcovr graphviz dpkg-dev file
  # g++-multilib itself refuses to stand beside a cross compiler; the versioned package does not.
  "g++-${compiler_major:-12}-multilib" g++-mingw-w64-x86-64-posix g++-aarch64-linux-gnu)
[ $long = 0 ] || optional+=(qemu-user npm)
frys_packages g++ cmake ninja-build pkg-config doctest-dev python3 git -- "${optional[@]}"
frys_need_cmake
minutes+=("packages|$((SECONDS - start))|0")

# How long one step of a stage may take, in seconds; generous, for a busy machine with two cores.
step_limit=$((patience * (long == 1 ? 7200 : 1200)))

number=0
for stage in "${chosen[@]}"; do
  number=$((number + 1))
  printf '\n== %d/%d %s\n' $number ${#chosen[@]} "$stage"
  left=$((deadline - SECONDS))
  if [ $ci = 1 ] && [ $left -lt 20 ]; then
    fail "$stage: no time is left"
    continue
  fi
  frys_limit=$step_limit
  [ $ci = 0 ] || [ "$frys_limit" -lt $left ] || frys_limit=$left
  start=$SECONDS cpu=$(cpu_seconds)
  "stage_$stage"
  minutes+=("$stage|$((SECONDS - start))|$(($(cpu_seconds) - cpu))")
done
if [ $long = 1 ] && [ ${#chosen[@]} = ${#all_stages[@]} ]; then
  printf '\n== long\n'
  start=$SECONDS cpu=$(cpu_seconds)
  stage_long
  minutes+=("long|$((SECONDS - start))|$(($(cpu_seconds) - cpu))")
fi

printf '\n'
if [ ${#notes[@]} -gt 0 ]; then
  printf '%s\n' "${notes[@]}"
  printf '\n'
fi
for entry in "${minutes[@]}" "all|$SECONDS|$(cpu_seconds)"; do
  IFS='|' read -r name wall cpu <<<"$entry"
  printf '  %-10s %s  (processor: %s)\n' "$name" "$(frys_minutes "$wall")" "$(frys_minutes "$cpu")"
done
if [ $skipped -gt 0 ]; then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
[ $failed = 0 ] && [ $passed -gt 0 ]
