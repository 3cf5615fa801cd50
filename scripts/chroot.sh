# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# A bare Debian 12 to try things in; sourced, after lib.sh, by the scripts that do. Needs root, debootstrap, and the package
# source that this machine uses itself.

# own_mounts "$@": this script once more, in a mount namespace of its own: mounts are gone when it ends, however it ends.
own_mounts() {
  [ "$(id -u)" = 0 ] || die "needs root"
  command -v debootstrap >/dev/null || die "needs debootstrap (scripts/setup all)"
  if [ -z "${CROCHET_OWN_MOUNTS:-}" ]; then
    CROCHET_OWN_MOUNTS=1 exec unshare --mount --propagation private "$0" "$@"
  fi
  unset CROCHET_OWN_MOUNTS
}

# bare_debian ROOT: debootstrap's minbase there, untouched since. It is made once a day and kept in build/.
bare_debian() {
  packed=build/bare-debian.tar
  if [ -z "$(find "$packed" -mmin -1440 2>/dev/null)" ]; then
    # shellcheck disable=SC2016  # the names in the format are apt's
    mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Identifier: Packages' |
      sed -n 's/^bookworm main //p' | head -n 1)
    [ -n "$mirror" ] || die "this machine has no package source for bookworm main"
    mkdir -p build
    fresh=$(mktemp -d)
    chmod 755 "$fresh"
    debootstrap --variant=minbase bookworm "$fresh" "$mirror" >build/debootstrap.log 2>&1 ||
      { tail -n 20 build/debootstrap.log; rm -rf --one-file-system "$fresh"; exit 1; }
    tar --numeric-owner --xattrs -C "$fresh" -cf "$packed.$$" .
    mv "$packed.$$" "$packed"
    rm -rf --one-file-system "$fresh"
  fi
  mkdir -p "$1"
  tar --numeric-owner --xattrs -C "$1" -xf "$packed"
  chmod 755 "$1"
  for file in /etc/resolv.conf /etc/hosts; do [ ! -f "$file" ] || cp -L "$file" "$1$file"; done
  # It lives for an hour: nothing of it need outlast a crash of the machine.
  echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/unsafe-io"
  # Nothing but how to reach the package source: a proxy, if this machine has one.
  apt-config dump | grep -E '^Acquire::[a-z]+::[Pp]roxy ' >"$1/etc/apt/apt.conf.d/90proxy" || true
}

mount_debian() {
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
}

# Everything below ROOT is gone afterwards; not, if something is still mounted there that would go with it.
remove_debian() {
  umount -R "$1/proc" "$1/dev" 2>/dev/null || true
  if grep -qF " $1/" /proc/self/mounts; then die "$1 is still in use"; fi
  rm -rf --one-file-system "$1"
}

# inside ROOT FOLDER COMMAND...
inside() {
  inside_root=$1 inside_folder=$2
  shift 2
  # shellcheck disable=SC2016  # for the shell inside
  chroot "$inside_root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 CI="${CI:-}" JOBS="$(jobs)" \
    DEBIAN_FRONTEND=noninteractive http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" \
    sh -c 'cd "$0" && exec "$@"' "$inside_folder" "$@" </dev/null
}

# install_inside ROOT PACKAGE...
install_inside() {
  install_root=$1
  shift
  inside "$install_root" / apt-get install -q -y --no-install-recommends "$@"
}
