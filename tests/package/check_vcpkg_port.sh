#!/usr/bin/env bash
# The overlay port without vcpkg: port.cmake stands in for the helpers a portfile calls; the consumer builds against what
# they install. check_vcpkg_real.sh runs the real tool where there is one.
. tests/package/lib.sh
run port cmake -DPORT="$root/examples/consume/ports/frys" -DWORK="$scratch/vcpkg" -P tests/package/port.cmake || finish ""
grep '^--' "$scratch/port"
if have_components; then
  consume consumer vcpkg -DCMAKE_PREFIX_PATH="$scratch/vcpkg/installed"
  consume components find_package -DCMAKE_PREFIX_PATH="$scratch/vcpkg/installed"
else
  echo "not built: the libraries of the components are not here"
fi

# One list: the port's features, the package's components, the headers of with/.
features=$(python3 -c 'import json, sys; print(*sorted(json.load(open(sys.argv[1]))["features"]))' examples/consume/ports/frys/vcpkg.json |
  tr - _)  # vcpkg knows no underscores
components=$(sed -n 's/^set(frys_components \(.*\))$/\1/p' CMakeLists.txt | tr ' ' '\n' | sort | xargs)
headers=$(find include/frys/with -name '*.hpp' -not -name 'fwd.hpp' -printf '%f\n' | sed 's/\.hpp$//' | sort | xargs)
[ "$features" = "$components" ] || bad "features of the port: $features; components of the package: $components"
[ "$headers" = "$components" ] || bad "headers of frys/with: $headers; components of the package: $components"
version=$(sed -n 's/^#define FRYS_VERSION "\(.*\)"/\1/p' include/frys/config.hpp)
grep -q "\"version-semver\": \"$version\"" examples/consume/ports/frys/vcpkg.json || bad "the port is not version $version"
grep -q "^  VERSION $version$" CMakeLists.txt || bad "CMakeLists.txt is not version $version"
finish "the port installs and is consumed; components: $components"
