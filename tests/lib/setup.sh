# What tests/run.sh and examples/run.sh share: packages, progress, the build. Sourced by bash with the repository root
# as the working directory; sets nothing but frys_* names and functions.

frys_install=1                   # 0: --no-install
frys_cores=$(nproc 2>/dev/null || echo 2)
frys_logs=build/logs

frys_stop() {
  printf 'frys: %s\n' "$*" >&2
  exit 1
}

frys_minutes() { awk -v s="$1" 'BEGIN { printf "%.1f min", s / 60 }'; }

# frys_watch LABEL LOG COMMAND...: runs COMMAND with its output in LOG and shows that it moves: on a terminal one line
# with the last step, elsewhere a line every half minute. Answers the command's exit status; a failure shows the log.
frys_watch() {
  local label=$1 log=$2 start=$SECONDS job status line shown=$SECONDS
  shift 2
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 </dev/null &
  job=$!
  while kill -0 "$job" 2>/dev/null; do
    sleep 0.2
    line=$(tail -c 400 "$log" 2>/dev/null | tr '\r' '\n' | grep -a . | tail -n 1 | tr -cd '[:print:]' | cut -c 1-80)
    if [ -t 1 ]; then
      printf '\r\033[K%s  %ds  %s' "$label" $((SECONDS - start)) "$line"
    elif [ $((SECONDS - shown)) -ge 30 ]; then
      printf '%s  %ds  %s\n' "$label" $((SECONDS - start)) "$line"
      shown=$SECONDS
    fi
  done
  wait "$job"
  status=$?
  [ -t 1 ] && printf '\r\033[K'
  if [ $status -eq 0 ]; then
    printf '%s: done in %ds\n' "$label" $((SECONDS - start))
  else
    [ $status -eq 124 ] && printf '%s: stopped, it ran out of time\n' "$label"
    printf '%s: FAILED (exit %d) after %ds; the end of %s:\n' "$label" $status $((SECONDS - start)) "$log"
    grep -aE -A 4 'error:|ERROR|FAILED:|CMake Error' "$log" | head -n 40 | sed 's/^/  | /'
    tail -n 15 "$log" | sed 's/^/  | /'
  fi
  return $status
}

frys_have_package() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# frys_packages REQUIRED... [-- OPTIONAL...]: installs by apt what is missing. Without a required package the script
# stops and says what to type; without an optional one the checks that need it are skipped, and say so.
frys_packages() {
  local required=() optional=() missing=() absent=() optional_now=0 p known=build/.packages-absent
  for p in "$@"; do
    if [ "$p" = -- ]; then optional_now=1; continue; fi
    if [ $optional_now = 1 ]; then optional+=("$p"); else required+=("$p"); fi
  done
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "packages: this is not Debian or Ubuntu; taking what is here (needed: ${required[*]})"
    return 0
  fi
  for p in "${required[@]}" "${optional[@]}"; do
    frys_have_package "$p" && continue
    # What the archive did not have the last time is not asked for again, within a day.
    if [[ " ${optional[*]} " == *" $p "* ]] && [ -n "$(find "$known" -mmin -1440 2>/dev/null)" ] &&
      grep -qx "$p" "$known"; then continue; fi
    missing+=("$p")
  done
  if [ ${#missing[@]} = 0 ]; then
    echo "packages: everything is installed"
    return 0
  fi
  if [ "$frys_install" = 0 ]; then
    for p in "${required[@]}"; do
      frys_have_package "$p" || absent+=("$p")
    done
    echo "packages: not installed, by --no-install: ${missing[*]}"
    [ ${#absent[@]} = 0 ] || echo "packages: needed, unless they are here by another way: ${absent[*]}"
    return 0
  fi

  local root=()
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
      root=(sudo)
    else
      frys_stop "packages are missing, and this is neither root nor is there a sudo to ask. Type as root:
  apt-get install ${missing[*]}
or run this script with --no-install to go on with what is here."
    fi
  fi
  echo "packages: ${#missing[@]} to install: ${missing[*]}"
  local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  frys_watch "packages: lists" $frys_logs/apt-update.log "${apt[@]}" update ||
    echo "packages: the lists could not be renewed; going on with the old ones"
  local install=()
  : >"$known"
  for p in "${missing[@]}"; do
    if apt-get install -s --no-install-recommends "$p" >/dev/null 2>&1; then install+=("$p"); else echo "$p" >>"$known"; fi
  done
  if [ -s "$known" ]; then echo "packages: not in this release's archive: $(tr '\n' ' ' <"$known")"; fi
  if [ ${#install[@]} -gt 0 ]; then
    # A server that comes as a tool must not start: a policy that says no while the packages are set up, where the
    # machine has none of its own.
    local quiet=0
    if [ ! -e /usr/sbin/policy-rc.d ] && printf '%s\n' "${install[@]}" | grep -q -- '-server$'; then
      quiet=1
      printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee /usr/sbin/policy-rc.d >/dev/null
      "${root[@]}" chmod 755 /usr/sbin/policy-rc.d
    fi
    frys_watch "packages: install" $frys_logs/apt-install.log "${apt[@]}" install -y --no-install-recommends "${install[@]}"
    local status=$?
    if [ $quiet = 1 ]; then
      "${root[@]}" rm -f /usr/sbin/policy-rc.d
      if command -v systemctl >/dev/null; then "${root[@]}" systemctl disable redis-server >/dev/null 2>&1; fi
    fi
    [ $status = 0 ] || frys_stop "apt-get could not install the packages; see $frys_logs/apt-install.log"
  fi
  for p in "${required[@]}"; do
    frys_have_package "$p" || frys_stop "the package $p could not be installed; see $frys_logs/apt-install.log"
  done
}

# Presets need CMake 3.25 (Debian 12, Ubuntu 24.04); the library itself takes 3.22.
frys_need_cmake() {
  command -v cmake >/dev/null || frys_stop "cmake is missing (apt: cmake)"
  command -v ninja >/dev/null || frys_stop "ninja is missing (apt: ninja-build)"
  local version
  version=$(cmake --version | sed -n '1s/[^0-9]*//p')
  [ "$(printf '%s\n3.25\n' "$version" | sort -V | head -n 1)" = 3.25 ] ||
    frys_stop "cmake $version is too old for the presets; 3.25 or newer is needed"
}

# frys_build LABEL PRESET [CONFIGURE ARGUMENT...]: configures and builds; FRYS_TARGETS narrows what is built.
frys_build() {
  local label=$1 preset=$2 targets=()
  shift 2
  # shellcheck disable=SC2206
  [ -z "${FRYS_TARGETS:-}" ] || targets=(--target $FRYS_TARGETS)
  frys_watch "$label: configure" "$frys_logs/$preset-configure.log" cmake --preset "$preset" "$@" || return 1
  NINJA_STATUS='[%f/%t %es] ' frys_watch "$label: build" "$frys_logs/$preset-build.log" \
    ${frys_limit:+timeout -k 10 "$frys_limit"} cmake --build "build/$preset" -j "$frys_cores" "${targets[@]}" -- -k 0
}
