#!/usr/bin/env bash
# Measures frys against its peers: bash bench/run.sh [module...] [--quick] [--no-build] [--no-write]
#   module      a room (core, memory, queue, simd, sched, storage, search, net) or kernel; all of them by default
#   --quick     a tenth of the work and 3 rounds: does it run, roughly; does not write results
#   --no-build  use what is built        --no-write  print the tables only
set -euo pipefail
cd "$(dirname "$0")/.."
quick=() build=1 write=() modules=()
for arg in "$@"; do
  case "$arg" in
    --quick) quick=(--quick) write=(--no-write) ;;
    --no-build) build=0 ;;
    --no-write) write=(--no-write) ;;
    --help | -h) sed -n '2,5s/^# //p' "$0"; exit 0 ;;
    -*) echo "bench/run.sh: unknown option $arg (--help)" >&2; exit 2 ;;
    *) modules+=("$arg") ;;
  esac
done
all=(core memory queue simd sched storage search net kernel)
[ ${#modules[@]} -gt 0 ] || modules=("${all[@]}")
for module in "${modules[@]}"; do
  [ -d "bench/$module" ] || { echo "bench/run.sh: no module $module; there are: ${all[*]}" >&2; exit 2; }
done

if [ "$build" = 1 ]; then
  cmake --preset bench >/dev/null || { echo "bench/run.sh: cmake --preset bench failed" >&2; exit 1; }
  targets=()
  for module in "${modules[@]}"; do
    if [ "$module" = kernel ]; then
      targets+=(frys-kernel)
    else
      for w in bench/"$module"/*/workload.hpp; do targets+=("bench_${module}_$(basename "$(dirname "$w")")"); done
    fi
  done
  echo "building ${#targets[@]} programs"
  cmake --build --preset bench --target "${targets[@]}" -- --quiet 2>&1 | grep -E 'error|warning:' || true
fi
build_dir=build/bench
kernel=$(ls "$build_dir"/examples/kernel/frys-kernel "$build_dir"/examples/frys-kernel 2>/dev/null | head -1 || true)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/frys-bench.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
status=0
for module in "${modules[@]}"; do
  rows=()
  if [ "$module" = kernel ]; then
    python3 bench/kernel/run.py "${quick[@]}" --kernel "$kernel" \
      --json "$scratch/kernel.json" || status=1
    [ ! -s "$scratch/kernel.json" ] || rows+=("$scratch/kernel.json")
  else
    for w in bench/"$module"/*/workload.hpp; do
      workload=$(basename "$(dirname "$w")")
      program="$build_dir/bench/$module/bench_${module}_$workload"
      [ -x "$program" ] || { echo "$module/$workload: not built" >&2; status=1; continue; }
      echo "running $module/$workload" >&2
      # In the build directory: workloads that write to the device must not find it to be memory.
      (cd "$build_dir" && exec "$OLDPWD/$program" "${quick[@]}" --json "$scratch/$module-$workload.json") || status=1
      rows+=("$scratch/$module-$workload.json")
    done
  fi
  [ ${#rows[@]} -eq 0 ] || python3 bench/report.py "$module" "${rows[@]}" "${write[@]}"
done
exit $status
