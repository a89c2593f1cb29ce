#!/usr/bin/env bash
# Makes (or completes) a Debian system in a folder, with real editors inside, for the tests.
#
#   debian_folder.sh SUITE FOLDER      SUITE: trixie (GIMP 3.0, Krita 5.2) or forky (GIMP 3.2, Krita 5.3)
#
# Needs root and debootstrap. A folder that has all packages is left as it is, so
# a second call costs nothing. The mirror is the one this system's apt uses.
# Enter it as tests/editors/debian.py does.
set -euo pipefail
suite=$1
folder=$2
packages="gimp gir1.2-gimp-3.0 python3-gi krita python3-pyqt5 xdotool dbus procps"

[ "$(id -u)" = 0 ] || { echo "debian_folder.sh: needs root" >&2; exit 2; }
[ "$(cat "$folder/.complete" 2>/dev/null)" = "$packages" ] && exit 0

mirror=$(apt-get indextargets --format '$(SITE)' "Created-By: Packages" 2>/dev/null | grep -m1 '/debian$' || true)
if [ -z "$mirror" ]; then
  mirror=$(grep -rhoE '(https?|mirror\+file)://[^ ]+/debian/?' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1)
fi
[ -n "$mirror" ] || { echo "debian_folder.sh: found no Debian mirror in /etc/apt" >&2; exit 2; }

# debootstrap knows every suite by the same recipe, also ones newer than itself
recipe=/usr/share/debootstrap/scripts/$suite
[ -e "$recipe" ] || recipe=/usr/share/debootstrap/scripts/sid
mkdir -p "$folder"
[ -x "$folder/usr/bin/apt-get" ] || debootstrap --variant=minbase "$suite" "$folder" "$mirror" "$recipe"

cp -L /etc/resolv.conf /etc/hosts "$folder/etc/"
mkdir -p "$folder/etc/apt/apt.conf.d" "$folder/etc/ssl/certs"
cp -L /etc/apt/apt.conf.d/* "$folder/etc/apt/apt.conf.d/" 2>/dev/null || true
cp -L /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/" 2>/dev/null || true

mountpoint -q "$folder/proc" || mount -t proc proc "$folder/proc"
trap 'umount "$folder/proc" 2>/dev/null || true' EXIT
chroot "$folder" env DEBIAN_FRONTEND=noninteractive apt-get update -q
# shellcheck disable=SC2086
chroot "$folder" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages
chroot "$folder" apt-get clean
echo "$packages" >"$folder/.complete"
