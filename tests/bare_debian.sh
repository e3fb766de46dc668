#!/usr/bin/env bash
# Proves that the scripts work on a bare machine: makes a minimal Debian 12 in a folder with debootstrap, copies this working tree
# into /recurra there, and runs COMMAND in it (default: the quick start and then all tests). Needs root and debootstrap.
#
#   tests/bare_debian.sh [--root DIR] [--offline] [COMMAND]
#
#   --root DIR   make it in DIR and keep it; what an earlier call made there is used again, with a fresh copy of the tree's
#                files over the old one (its build folder stays). Without it: a scratch folder in TMPDIR or /var/tmp, removed at the end
#   --offline    without a network: shows that a second run downloads nothing
#
# Nothing of this machine is in there but what it takes to reach the network: resolv.conf, proxies, pip's index and certificates.
# BARE_DEBIAN_MIRROR names a mirror other than debootstrap's default.
set -euo pipefail

die() { echo "bare_debian: $*" >&2; exit 1; }
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bare='' offline=()
while [ $# -gt 0 ]; do
  case $1 in
    --root) bare=${2:?--root needs a folder} && shift 2 ;;
    --offline) offline=(--net) && shift ;;
    -*) die "unknown option $1" ;;
    *) break ;;
  esac
done
command=${*:-bash examples/quickstart.sh && bash tests/run.sh}
[ "$EUID" = 0 ] || die "run me as root: chroot and mount need it"
command -v debootstrap >/dev/null || die "debootstrap is needed (Debian: debootstrap)"

if [ -z "$bare" ]; then
  bare=$(mktemp -d "${TMPDIR:-/var/tmp}/bare-debian.XXXXXX")
  chmod 755 "$bare"  # it becomes the root folder, which everybody may enter
  # The mounts below are in a namespace that ends with COMMAND, so nothing of this machine hangs in the folder any more.
  trap 'rm -rf --one-file-system "$bare"' EXIT
fi
mkdir -p "$bare"
bare=$(cd "$bare" && pwd)
if [ ! -e "$bare/.bare_debian" ]; then
  [ -z "$(ls -A "$bare")" ] || die "$bare is not empty, and not from here"
  echo "bare_debian: making a minimal Debian 12 in $bare"
  debootstrap --variant=minbase bookworm "$bare" ${BARE_DEBIAN_MIRROR:+"$BARE_DEBIAN_MIRROR"} >"$bare.log" 2>&1 ||
    { tail -n 5 "$bare.log" >&2; die "debootstrap failed (log: $bare.log)"; }
  rm -f "$bare.log"
  touch "$bare/.bare_debian"
fi

# The tree as it is: what git tracks and what is new, not what it ignores.
mkdir -p "$bare/recurra"
git ls-files -z --cached --others --exclude-standard | tar --create --null --files-from=- --ignore-failed-read 2>/dev/null |
  tar --extract --no-same-owner --directory "$bare/recurra"

# The way to the network.
cp -L /etc/resolv.conf "$bare/etc/resolv.conf"
apt-config dump 2>/dev/null | grep -E '^Acquire::[a-z]+::Proxy' >"$bare/etc/apt/apt.conf.d/99host-proxy" || true
if [ -e /etc/pip.conf ]; then cp -L /etc/pip.conf "$bare/etc/pip.conf"; fi
environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8)
certificates=${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}
if [ -e "$certificates" ]; then
  cp -L "$certificates" "$bare/etc/host-certificates.pem"
  environment+=(PIP_CERT=/etc/host-certificates.pem)
fi
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST \
  PIP_DEFAULT_TIMEOUT CMAKE_BUILD_PARALLEL_LEVEL CTEST_PARALLEL_LEVEL RECURRA_LONG; do
  if [ -n "${!name:-}" ]; then environment+=("$name=${!name}"); fi
done

echo "bare_debian: $command"
started=$SECONDS status=0
unshare --mount --pid --fork --kill-child ${offline[@]+"${offline[@]}"} bash -c '
  set -e
  mount --make-rprivate /
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  exec chroot "$1" env -i "${@:3}" bash -c "cd /recurra && $2"' bash "$bare" "$command" "${environment[@]}" </dev/null || status=$?
echo "bare_debian: exit status $status after $((SECONDS - started)) s"
exit "$status"
