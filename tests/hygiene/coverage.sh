#!/usr/bin/env bash
# Line coverage of include/frys by the test suite: builds with gcov, runs the promise tests, prints gcovr's table.
#   bash tests/hygiene/coverage.sh            fails below 80 %, and below the committed figure (coverage.txt) minus one point
#   bash tests/hygiene/coverage.sh --commit   writes the new figure to coverage.txt
# FRYS_BUILD_DIR (default build-coverage) keeps the build for the next time.
set -euo pipefail
cd "$(dirname "$0")/../.."
for tool in gcovr cmake g++; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed (apt: gcovr)"; exit 77; }
done
build=${FRYS_BUILD_DIR:-build-coverage}
committed=tests/hygiene/coverage.txt
cmake -S . -B "$build" -DCMAKE_CXX_COMPILER=g++ -DCMAKE_BUILD_TYPE=Debug -DFRYS_COVERAGE=ON -DFRYS_BUILD_TESTS=ON \
  -DFRYS_BUILD_EXAMPLES=OFF -DFRYS_BUILD_BENCH=OFF >/dev/null
cmake --build "$build" -j "${FRYS_JOBS:-2}"
find "$build" -name '*.gcda' -delete
ctest --test-dir "$build" -L promise --output-on-failure
gcovr --root . --filter 'include/frys/' --exclude-throw-branches --exclude-unreachable-branches \
  --gcov-ignore-parse-errors --object-directory "$build" --json-summary "$build/coverage.json" --txt "$build/coverage.out" "$build"
cat "$build/coverage.out"
percent=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["line_percent"])' "$build/coverage.json")
if [[ ${1:-} == --commit ]]; then echo "$percent" >"$committed"; fi
before=$(cat "$committed" 2>/dev/null || echo 0)
python3 - "$percent" "$before" <<'PY'
import sys
now, before = map(float, sys.argv[1:])
least = max(80.0, before - 1)
print(f"coverage: {now:.1f} % of lines; at least {least:.1f} % are wanted (80, or the committed {before:.1f} minus 1)")
sys.exit(now < least)
PY
