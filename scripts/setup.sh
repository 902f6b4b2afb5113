# Sourced by scripts/seep and scripts/test: installs what the build needs and builds. Every refusal is a sentence and status 2.
# Everything it prints goes to stderr, so that the output of `seep` stays clean.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

refuse() {
  printf 'seep: %s\n' "$1" >&2
  exit 2
}

# The Debian packages the build needs, each with a file that shows it is there (cheaper than asking dpkg).
needed_packages() {
  local missing=() package file found pattern
  while read -r package pattern; do
    found=
    for file in $pattern; do [ -e "$file" ] && found=1 && break; done
    [ -n "$found" ] || missing+=("$package")
  done <<'LIST'
libreadline-dev /usr/include/readline/readline.h
libdnnl-dev /usr/include/dnnl.h
libopenblas-dev /usr/include/*/cblas.h /usr/include/cblas.h
libjpeg62-turbo-dev /usr/include/jpeglib.h
libpng-dev /usr/include/png.h /usr/include/libpng16/png.h
zlib1g-dev /usr/include/zlib.h
libsqlite3-dev /usr/include/sqlite3.h
libzmq5 /usr/lib/*/libzmq.so.5 /usr/lib/libzmq.so.5
gnuplot-nox /usr/bin/gnuplot
LIST
  printf '%s\n' "${missing[@]-}"
}

install_packages() {
  local missing
  missing=$(needed_packages | tr '\n' ' ')
  missing=${missing% }
  [ -n "${missing// /}" ] || return 0
  apt_install "$missing"
}

apt_install() {
  local missing=$1 sudo=
  command -v apt-get >/dev/null 2>&1 ||
    refuse "these packages are missing and there is no apt-get here to install them: $missing"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 ||
      refuse "installing $missing needs root: run \`apt-get install $missing\` as root, then this again"
    sudo=sudo
  fi
  printf 'seep: installing Debian packages: %s\n' "$missing" >&2
  $sudo apt-get update -qq >&2 ||
    refuse "apt-get update failed: no network, or no right to use apt-get; needed are $missing"
  # shellcheck disable=SC2086
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2 ||
    refuse "apt-get could not install $missing: see its messages above"
}

# need_tools PROGRAM PACKAGE: a program that only this script needs.
need_tools() {
  command -v "$1" >/dev/null 2>&1 && return 0
  apt_install "$2"
}

need_swift() {
  command -v swift >/dev/null 2>&1 ||
    refuse "no Swift toolchain found: install Swift 6.0 or later from https://swift.org/install and put \`swift\` on PATH"
}

# True where the release build is there and no source is newer.
is_built() {
  local binary=$root/.build/release/seep
  [ -x "$binary" ] && [ -z "$(find "$root/Sources" "$root/Package.swift" -newer "$binary" -print -quit)" ]
}

build() {
  need_swift
  install_packages
  printf 'seep: building (a first build takes a few minutes)\n' >&2
  (cd "$root" && swift build -c release --product seep "$@") >&2 ||
    refuse "the build failed: see the messages above (no network for the first build? it fetches swift-argument-parser)"
  touch "$root/.build/release/seep"
}
