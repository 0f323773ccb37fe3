#!/usr/bin/env bash
# frys as a part of another project: the example builds, and nothing but targets came with it.
. tests/package/lib.sh
consume fetch fetch_content -DFETCHCONTENT_FULLY_DISCONNECTED=ON || finish ""

# The same project without frys, with its own tests and install rules, is what the parent looked like before.
mkdir -p "$scratch/parent"
cat >"$scratch/parent/CMakeLists.txt" <<TEXT
cmake_minimum_required(VERSION 3.22)
project(parent LANGUAGES CXX)
enable_testing()
add_test(NAME mine COMMAND \${CMAKE_COMMAND} -E true)
install(FILES CMakeLists.txt DESTINATION share/parent)
if(WITH_FRYS)
  add_subdirectory("$root" frys)
  get_property(targets DIRECTORY "$root" PROPERTY BUILDSYSTEM_TARGETS)
  message(STATUS "targets of frys: \${targets}")
endif()
message(STATUS "build type: '\${CMAKE_BUILD_TYPE}' flags: '\${CMAKE_CXX_FLAGS}' extensions: '\${CMAKE_CXX_EXTENSIONS}'")
message(STATUS "commands: '\${CMAKE_EXPORT_COMPILE_COMMANDS}' suffixes: '\${CMAKE_FIND_LIBRARY_SUFFIXES}'")
TEXT
for with in OFF ON; do
  run "parent-$with.log" cmake "${generator[@]}" -S "$scratch/parent" -B "$scratch/parent-$with" -DWITH_FRYS=$with || finish ""
  cmake -N -LA "$scratch/parent-$with" 2>/dev/null | sed -n 's/:.*//p' | grep -v '^WITH_FRYS\|^CMAKE_HOME' | sort >"$scratch/cache-$with"
  ctest --test-dir "$scratch/parent-$with" -N | grep 'Test *#' >"$scratch/tests-$with"
  run "install-$with" cmake --install "$scratch/parent-$with" --prefix "$scratch/out-$with"
  (cd "$scratch/out-$with" && find . -type f | sort) >"$scratch/files-$with"
  grep -E 'build type:|commands:' "$scratch/parent-$with.log" | sed 's/^-- //' >"$scratch/state-$with"
done
for what in cache tests files state; do
  diff "$scratch/$what-OFF" "$scratch/$what-ON" >"$scratch/diff" || { bad "frys changes the parent's $what:"; cat "$scratch/diff"; }
done
expect "the targets" "$scratch/parent-ON.log" 'targets of frys: frys$'
finish "only targets came with it"
