#!/usr/bin/env bash
# find_package: the example with its components; each component with its library hidden; versions; unknown components.
. tests/package/lib.sh
install_frys "$scratch/prefix" || finish ""
prefix=(-DCMAKE_PREFIX_PATH="$scratch/prefix")
if have_components; then
  consume find_package find_package "${prefix[@]}"
else
  echo "not built: the libraries of the components are not here"
fi

# ask LOG FIND_PACKAGE_ARGUMENTS CMAKE_ARGUMENT...: a project that only asks.
ask() {
  local log=$scratch/$1 arguments=$2
  shift 2
  mkdir -p "$scratch/ask"
  cat >"$scratch/ask/CMakeLists.txt" <<TEXT
cmake_minimum_required(VERSION 3.22)
project(ask LANGUAGES NONE)
find_package(frys $arguments)
message(STATUS "frys_FOUND=\${frys_FOUND}")
foreach(target IN ITEMS frys::frys frys::highway frys::uring frys::boost_lockfree frys::asio frys::jemalloc frys::mimalloc)
  if(TARGET \${target})
    message(STATUS "target \${target}")
  endif()
endforeach()
TEXT
  rm -rf "$scratch/ask/build"
  cmake "${generator[@]}" -S "$scratch/ask" -B "$scratch/ask/build" "${prefix[@]}" "$@" >"$log" 2>&1
}
hidden=-DCMAKE_IGNORE_PATH="/usr/include;/usr/local/include;/usr/lib;/usr/lib/$(g++ -print-multiarch);/lib/$(g++ -print-multiarch)"

ask hw "0.1 CONFIG REQUIRED COMPONENTS highway" "$hidden" && bad "highway was found although it is hidden"
tr -s '\n ' ' ' <"$scratch/hw" >"$scratch/hw1"
expect "the error for highway" "$scratch/hw1" "component 'highway' needs the header hwy/highway.h" "apt install libhwy-dev" \
  "vcpkg install highway"
ask ur "0.1 CONFIG REQUIRED COMPONENTS uring" "$hidden" && bad "uring was found although it is hidden"
tr -s '\n ' ' ' <"$scratch/ur" >"$scratch/ur1"
expect "the error for uring" "$scratch/ur1" "component 'uring' needs the header liburing.h" "apt install liburing-dev" \
  "vcpkg install liburing"
ask bl "0.1 CONFIG REQUIRED COMPONENTS boost_lockfree" "$hidden" && bad "boost_lockfree was found although it is hidden"
tr -s '\n ' ' ' <"$scratch/bl" >"$scratch/bl1"
expect "the error for boost_lockfree" "$scratch/bl1" "component 'boost_lockfree' needs the header boost/lockfree/queue.hpp" \
  "apt install libboost-dev" "vcpkg install boost-lockfree \(feature 'boost-lockfree'"
ask as "0.1 CONFIG REQUIRED COMPONENTS asio" "$hidden" && bad "asio was found although it is hidden"
tr -s '\n ' ' ' <"$scratch/as" >"$scratch/as1"
expect "the error for asio" "$scratch/as1" "component 'asio' needs the header asio/async_result.hpp" "apt install libasio-dev" \
  "vcpkg install asio"
for malloc in jemalloc/jemalloc.h mimalloc.h; do
  name=${malloc##*/} name=${name%.h}
  ask ml "0.1 CONFIG REQUIRED COMPONENTS $name" "$hidden" && bad "$name was found although it is hidden"
  tr -s '\n ' ' ' <"$scratch/ml" >"$scratch/ml1"
  expect "the error for $name" "$scratch/ml1" "component '$name' needs the header $malloc" "apt install lib$name-dev" "vcpkg install $name"
done
ask none "0.1 CONFIG REQUIRED" "$hidden" || bad "the core needs a library"
expect "the core alone" "$scratch/none" "target frys::frys"
grep -q "target frys::highway" "$scratch/none" && bad "a component that nobody asked for"
ask optional "0.1 CONFIG REQUIRED OPTIONAL_COMPONENTS highway" "$hidden" || bad "an optional component is required"
expect "the optional component" "$scratch/optional" "frys_FOUND=1|frys_FOUND=TRUE" "libhwy-dev"
ask unknown "0.1 CONFIG REQUIRED COMPONENTS warp" && bad "an unknown component was found"
tr -s '\n ' ' ' <"$scratch/unknown" >"$scratch/unknown1"
expect "an unknown component" "$scratch/unknown1" "no component 'warp'; it has: highway, uring, boost_lockfree, asio, jemalloc, mimalloc"
ask newer "0.2 CONFIG REQUIRED" && bad "0.1.0 answers for 0.2"
ask older "0.0.9 CONFIG REQUIRED" && bad "0.1.0 answers for 0.0.9"
ask exact "0.1.0 CONFIG REQUIRED" || bad "0.1.0 does not answer for 0.1.0"
finish "components, messages and versions are right"
