#!/usr/bin/env bash
# The overlay port through the real vcpkg, offline: its libraries are the system's, by empty ports. Skipped where there
# is no vcpkg: none is in Debian.
. tests/package/lib.sh
vcpkg_root=${VCPKG_ROOT:-${VCPKG_INSTALLATION_ROOT:-}}
if [ -z "$vcpkg_root" ] && command -v vcpkg >/dev/null; then vcpkg_root=$(dirname "$(readlink -f "$(command -v vcpkg)")"); fi
toolchain=$vcpkg_root/scripts/buildsystems/vcpkg.cmake
[ -n "$vcpkg_root" ] && [ -f "$toolchain" ] || skipped "no vcpkg: neither on PATH nor in VCPKG_ROOT"
have_components || skipped "the libraries of the components are not here"
export VCPKG_ROOT=$vcpkg_root VCPKG_FORCE_SYSTEM_BINARIES=1 VCPKG_BINARY_SOURCES=clear VCPKG_DISABLE_METRICS=1
for port in highway liburing boost-lockfree jemalloc mimalloc; do
  mkdir -p "$scratch/system/$port"
  echo '{"name": "'$port'", "version": "0"}' >"$scratch/system/$port/vcpkg.json"
  echo 'set(VCPKG_POLICY_EMPTY_PACKAGE enabled)' >"$scratch/system/$port/portfile.cmake"
done
cp -r examples/consume/vcpkg "$scratch/consumer-source"
sed -i "s|\"../ports\"|\"$root/examples/consume/ports\", \"$scratch/system\"|" "$scratch/consumer-source/vcpkg-configuration.json"
run configure configure -S "$scratch/consumer-source" -B "$scratch/consumer" -DCMAKE_TOOLCHAIN_FILE="$toolchain" &&
  run build cmake --build "$scratch/consumer" && run consumer.log "$scratch/consumer/consumer" && cat "$scratch/consumer.log"
finish "the real vcpkg installs the port and the example builds"
