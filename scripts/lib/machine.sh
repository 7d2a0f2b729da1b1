# shellcheck shell=bash
# What scripts/start and scripts/test share: finding servers, installing what is missing, and
# running a server as an account that it accepts. Sourced, never run.

say() { printf '== %s\n' "$*" >&2; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# Runs a command as root: as it is, or with sudo. Standard input is closed, so nothing asks.
as_root() {
  if is_root; then
    "$@" </dev/null
  elif have sudo; then
    sudo "$@"
  else
    return 1
  fi
}

need_cargo() {
  if ! have cargo && [ -f "$HOME/.cargo/env" ]; then
    # shellcheck source=/dev/null
    . "$HOME/.cargo/env"
  fi
  have cargo || fail "cargo is not installed. Install the Rust toolchain from https://rustup.rs and try again."
}

# Makes sure that there is a C compiler: the cryptography is C, and Rust links with it.
need_compiler() {
  have cc && return 0
  if have apt-get && { is_root || have sudo; }; then
    apt_install build-essential || fail "apt-get could not install build-essential."
  fi
  have cc || fail "there is no C compiler. Install one (on a Mac: xcode-select --install) and try again."
}

# Prints the folder with the newest PostgreSQL server's programs, or fails. The same places as
# api/src/embedded/binaries.rs.
postgres_bin() {
  local folder best='' major best_major=0
  for folder in \
    /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
    /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
    /home/linuxbrew/.linuxbrew/opt/postgresql@*/bin \
    /Applications/Postgres.app/Contents/Versions/*/bin \
    "$(dirname "$(command -v postgres || echo /nonexistent/postgres)")"; do
    if [ -x "$folder/postgres" ] && [ -x "$folder/initdb" ]; then
      major=$("$folder/postgres" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
      if [ "$major" -gt "$best_major" ]; then
        best=$folder best_major=$major
      fi
    fi
  done
  [ "$best_major" -ge 15 ] && printf '%s\n' "$best"
}

apt_updated=''
# Installs Debian packages without starting the services that they bring: ours are private.
apt_install() {
  say "installing with apt-get: $*"
  local policy=/usr/sbin/policy-rc.d made='' status=0 log
  log=$(mktemp)
  if [ -z "$apt_updated" ]; then
    # An old list may still do: only the installation decides.
    as_root apt-get update -qq >"$log" 2>&1 || true
    apt_updated=yes
  fi
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root_tee "$policy"
    as_root chmod 755 "$policy"
    made=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1 || status=$?
  if [ -n "$made" ]; then
    as_root rm -f "$policy"
  fi
  if [ "$status" -ne 0 ]; then
    tail -n 20 "$log" >&2
  fi
  rm -f "$log"
  return "$status"
}

as_root_tee() {
  if is_root; then tee "$1" >/dev/null; else sudo tee "$1" >/dev/null; fi
}

# Makes sure that a PostgreSQL server (15 or newer) is installed; quiet when it is.
need_postgres() {
  postgres_bin >/dev/null && return 0
  if have brew; then
    say "installing with Homebrew: postgresql@17"
    brew install --quiet postgresql@17 >/dev/null || fail "Homebrew could not install postgresql@17."
  elif have apt-get && { is_root || have sudo; }; then
    # Debian makes and starts a cluster with the server package; ours is private, so none is wanted.
    local settings=/etc/postgresql-common/createcluster.conf changed=''
    apt_install postgresql-common || fail "apt-get could not install postgresql-common."
    if [ -f "$settings" ] && ! grep -q '^create_main_cluster' "$settings"; then
      printf 'create_main_cluster = false\n' | if is_root; then tee -a "$settings"; else sudo tee -a "$settings"; fi >/dev/null
      changed=yes
    fi
    local status=0
    apt_install postgresql || status=$?
    if [ -n "$changed" ]; then
      as_root sed -i '/^create_main_cluster = false$/d' "$settings"
    fi
    [ "$status" -eq 0 ] || fail "apt-get could not install postgresql."
  fi
  postgres_bin >/dev/null ||
    fail "PostgreSQL 15 or newer is not installed and cannot be installed from here. Install its server and try again."
}

# Makes sure that redis-server is installed; quiet when it is.
need_redis() {
  have redis-server && return 0
  if have brew; then
    say "installing with Homebrew: redis"
    brew install --quiet redis >/dev/null || fail "Homebrew could not install redis."
  elif have apt-get && { is_root || have sudo; }; then
    apt_install redis-server || fail "apt-get could not install redis-server."
    if have systemctl && [ -d /run/systemd/system ]; then
      as_root systemctl disable --quiet redis-server || true
    fi
  fi
  have redis-server || fail "redis-server is not installed and cannot be installed from here. Install it and try again."
}

# Makes sure that openssl is there, with which readers check evidence by hand; quiet when it is.
need_openssl() {
  have openssl && return 0
  if have apt-get && { is_root || have sudo; }; then
    apt_install openssl || fail "apt-get could not install openssl."
  fi
  have openssl || fail "openssl is not installed and cannot be installed from here. Install it and try again."
}

chromium_there() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if have "$name"; then return 0; fi
  done
  [ -n "${CHROMIUM:-}" ] || [ -x '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome' ]
}

# Makes sure that a Chromium is there, for the tests of the page; quiet when it is. Without one those tests
# are skipped, but in CI that is a failure.
need_chromium() {
  chromium_there && return 0
  if have apt-get && { is_root || have sudo; }; then
    apt_install chromium || true
  fi
  chromium_there && return 0
  [ -z "${CI:-}" ] || fail "Chromium is not installed and cannot be installed from here."
  say "Chromium is not installed: the tests of the page are skipped"
}

# Makes sure that pdftotext is there, which reads our PDF files back; quiet when it is.
need_poppler() {
  have pdftotext && return 0
  if have brew; then
    say "installing with Homebrew: poppler"
    brew install --quiet poppler >/dev/null || true
  elif have apt-get && { is_root || have sudo; }; then
    apt_install poppler-utils || true
  fi
  have pdftotext && return 0
  [ -z "${CI:-}" ] || fail "pdftotext is not installed and cannot be installed from here."
  say "pdftotext is not installed and cannot be installed from here: the tests that read PDF files fail"
}

# The account that servers run as: PostgreSQL refuses root.
server_account() {
  if ! is_root; then
    id -un
  elif id postgres >/dev/null 2>&1; then
    echo postgres
  else
    echo nobody
  fi
}

# Replaces this (sub)shell with a command run as that account; on Linux it is told to end when its
# parent does, so that even a killed script leaves nothing behind.
exec_as_account() {
  local account
  account=$(server_account)
  cd /
  if is_root; then
    if have setpriv; then
      exec setpriv --reuid="$(id -u "$account")" --regid="$(id -g "$account")" --clear-groups --pdeathsig=INT -- "$@"
    fi
    exec sudo -u "$account" -- "$@"
  elif have setpriv && setpriv --pdeathsig=INT -- true 2>/dev/null; then
    exec setpriv --pdeathsig=INT -- "$@"
  fi
  exec "$@"
}
