#!/usr/bin/env bash
# What cmake --install leaves: headers and share/ only, no architecture, no absolute path, nothing missing.
. tests/package/lib.sh
install_frys "$scratch/prefix" || finish ""
cd "$scratch/prefix" || exit 1
find . -type f | sort >"$scratch/manifest"
(cd "$root/include" && find . -type f | sed 's|^\.|./include|') | sort >"$scratch/headers"
comm -13 "$scratch/manifest" "$scratch/headers" | while read -r f; do echo "$f"; done >"$scratch/missing"
[ -s "$scratch/missing" ] && bad "not installed: $(tr '\n' ' ' <"$scratch/missing")"
expect "the manifest" "$scratch/manifest" '^./share/cmake/frys/frysConfig.cmake$' '^./share/pkgconfig/frys.pc$' \
  '^./share/cmake/frys/frysConfigVersion.cmake$' '^./share/cmake/frys/frysTargets.cmake$'
[ ! -f "$root/single_include/frys/frys.hpp" ] || expect "the manifest" "$scratch/manifest" '^./include/frys/single/frys.hpp$'
grep -vE '^\./(include/frys|share/(cmake/frys|pkgconfig|doc/libfrys-dev))/' "$scratch/manifest" >"$scratch/strange" &&
  bad "installed, and no header, no package file: $(tr '\n' ' ' <"$scratch/strange")"
grep -rlE "$scratch|$root" share >"$scratch/absolute" && bad "paths of this machine in: $(cat "$scratch/absolute")"
cat >"$scratch/asked.cmake" <<'TEXT'
cmake_minimum_required(VERSION 3.22)
set(PACKAGE_FIND_VERSION 0.1)
set(PACKAGE_FIND_VERSION_MAJOR 0)
set(PACKAGE_FIND_VERSION_MINOR 1)
set(CMAKE_SIZEOF_VOID_P 4)
include(share/cmake/frys/frysConfigVersion.cmake)
if(NOT PACKAGE_VERSION_COMPATIBLE OR PACKAGE_VERSION_UNSUITABLE)
  message(FATAL_ERROR "refused")
endif()
TEXT
run asked cmake -P "$scratch/asked.cmake" || bad "a machine of 32 bit refuses the package"

# It works from where it was moved to, by pkg-config.
mv "$scratch/prefix" "$scratch/moved"
if command -v pkg-config >/dev/null; then
  flags=$(PKG_CONFIG_PATH=$scratch/moved/share/pkgconfig pkg-config --cflags frys) || bad "pkg-config"
  [ "$(PKG_CONFIG_PATH=$scratch/moved/share/pkgconfig pkg-config --modversion frys)" = 0.1.0 ] || bad "frys.pc's version"
  # shellcheck disable=SC2086
  run pc g++ -std=c++20 $strict $flags "$root/examples/consume/fetch_content/main.cpp" -o "$scratch/pc-program" &&
    "$scratch/pc-program"
fi
finish "$(wc -l <"$scratch/manifest") files installed"
