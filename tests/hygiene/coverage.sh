#!/usr/bin/env bash
# Line coverage of include/frys by the test suite: builds with gcov, runs the promise tests, prints gcovr's table.
#   bash tests/hygiene/coverage.sh            fails below 80 %, and below the committed figure (coverage.txt) minus one point
#   bash tests/hygiene/coverage.sh --commit   writes the new figure to coverage.txt
#   bash tests/hygiene/coverage.sh --report   judges what the tests in build/coverage have left; tests/run.sh ran them
set -euo pipefail
cd "$(dirname "$0")/../.."
for tool in gcovr cmake g++; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed (apt: gcovr)"; exit 77; }
done
build=build/coverage
committed=tests/hygiene/coverage.txt
if [[ ${1:-} != --report ]]; then
  cmake --preset coverage >/dev/null
  cmake --build "$build" -j "$(nproc)"
  find "$build" -name '*.gcda' -delete
  ctest --test-dir "$build" -L 'promise|example' --output-on-failure -j "$(nproc)"
fi
gcovr --root . --filter 'include/frys/' --exclude-throw-branches --exclude-unreachable-branches \
  --gcov-ignore-parse-errors -j "$(nproc)" --object-directory "$build" --json-summary "$build/coverage.json" \
  --txt "$build/coverage.out" "$build"
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
