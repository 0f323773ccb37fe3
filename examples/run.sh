#!/usr/bin/env bash
# Installs what is missing, builds the reference kernel and shows it at work on real data.
cd "$(dirname "$0")/.." || exit 1
set -u
. tests/lib/setup.sh

usage() {
  cat <<'TEXT'
usage: bash examples/run.sh [--once] [--port N] [--threads N] [--quick] [--no-install] [--clean]

Builds frys-kernel (a static binary), loads 10,000 real word vectors over RESP, asks for the nearest words, lets
redis-benchmark load it, kills it with -9 in the middle of writes, restarts it, and proves that every acknowledged write is
there. Closes with a table: each figure, its target, and the command that checks it.

  --once         stop the kernel at the end; exit non-zero if anything acknowledged was lost
  --port N       where it listens                                     8080
  --threads N    reactor cores                                        1
  --quick        fewer requests
  --no-install   install nothing
  --clean        start from an empty build directory
TEXT
}

demo=()
while [ $# -gt 0 ]; do
  case $1 in
    --once | --quick) demo+=("$1") ;;
    --port | --threads)
      [ $# -gt 1 ] || frys_stop "$1 needs a number"
      demo+=("$1" "$2")
      shift
      ;;
    --no-install) frys_install=0 ;;
    --clean) rm -rf build/demo ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; frys_stop "there is no option '$1'" ;;
  esac
  shift
done
mkdir -p $frys_logs

frys_packages g++ cmake ninja-build pkg-config python3 -- libhwy-dev liburing-dev redis-tools
frys_need_cmake
command -v python3 >/dev/null || frys_stop "python3 is missing (apt: python3)"
FRYS_TARGETS=frys-kernel frys_build kernel demo || exit 1
binary=build/demo/examples/frys-kernel
exec python3 examples/kernel/demo.py --binary "$binary" ${demo[@]+"${demo[@]}"}
