#!/usr/bin/env bash
# The .deb: built, read, unpacked into a scratch root, consumed from there.
. tests/package/lib.sh
command -v cpack >/dev/null && command -v dpkg-deb >/dev/null || skipped "cpack or dpkg-deb is missing"
run configure cmake "${generator[@]}" -S "$root" -B "$scratch/frys" -DFRYS_BUILD_TESTS=OFF -DFRYS_BUILD_BENCH=OFF \
  -DFRYS_BUILD_EXAMPLES=OFF || finish ""
run pack cpack --config "$scratch/frys/CPackConfig.cmake" -G DEB -B "$scratch/packages" || finish ""
deb=$(echo "$scratch"/packages/*.deb)
[ -f "$deb" ] || { bad "no .deb was made"; finish ""; }
[ "$(basename "$deb")" = libfrys-dev_0.1.0_all.deb ] || bad "its name is $(basename "$deb")"
dpkg-deb -I "$deb" >"$scratch/info"
expect "the control file" "$scratch/info" '^ Package: libfrys-dev$' '^ Architecture: all$' '^ Version: 0\.1\.0$' \
  '^ Recommends: libhwy-dev, liburing-dev$' '^ Suggests: libboost-dev, libjemalloc-dev, libmimalloc-dev$' '^ Section: libdevel$'
grep -q '^ Depends:' "$scratch/info" && bad "it depends on something"
dpkg-deb -c "$deb" | awk '{print $6}' | grep -v '/$' >"$scratch/files"
grep -vE '^\./usr/(include/frys|share/(cmake/frys|pkgconfig|doc/libfrys-dev))/' "$scratch/files" && bad "files where no Debian library has them"
expect "the files" "$scratch/files" '^\./usr/share/doc/libfrys-dev/copyright$' '^\./usr/include/frys/config\.hpp$'
mkdir -p "$scratch/image"
run unpack dpkg -x "$deb" "$scratch/image"
if have_components; then
  consume deb find_package -DCMAKE_PREFIX_PATH="$scratch/image/usr"
else
  echo "not built: the libraries of the components are not here"
fi
flags=$(PKG_CONFIG_PATH=$scratch/image/usr/share/pkgconfig pkg-config --cflags frys) || bad "pkg-config"
# shellcheck disable=SC2086
run pc g++ -std=c++20 $flags "$root/examples/consume/fetch_content/main.cpp" -o "$scratch/program" && "$scratch/program"
finish "$(basename "$deb"), $(wc -l <"$scratch/files") files"
