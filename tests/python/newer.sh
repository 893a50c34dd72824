#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lay out Python 3.13 to 3.15 of Debian's unstable suite in a root of their own, below
# ~/.cache/wftrace/pythons, and in its bin/ commands that run them there (as root: they use a private
# mount namespace). Nothing is installed. Uses the mirror that apt is set up with.
set -eu
home=${1:-$HOME/.cache/wftrace/pythons}
packages='python3.13 python3.14 python3.15'
. "$(dirname "$0")/apt.sh"
lay_out() {
	apt_of sid deb
	mkdir -p "$home/root" "$home/bin"
	apt-get -q -y --no-install-recommends --download-only install $packages
	for package in "$apt"/cache/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$package" | tar -x -C "$home/root" --no-same-owner --keep-directory-symlink
	done
	cd "$home/root"
	mkdir -p proc dev tmp root
	for folder in bin sbin lib lib64; do
		[ -e "$folder" ] || ln -s "usr/$folder" "$folder"
	done
}
[ -x "$home/root/usr/bin/python3.15" ] || lay_out
for python in $packages; do
	cat > "$home/bin/$python" <<'END'
#!/bin/sh
# Run this Python in its root, with /proc, /dev, /tmp, the folder that we are in, and $WFTRACE_SHOWN.
exec unshare -m --propagation private sh -c '
root=$1 name=$2; shift 2
mount --rbind /proc "$root/proc" && mount --rbind /dev "$root/dev" && mount --rbind /tmp "$root/tmp" || exit 126
for folder in "$PWD" "${WFTRACE_SHOWN:-/}"; do
	case $folder in
	/ | /tmp*) ;;
	*) mkdir -p "$root$folder" && mount --bind "$folder" "$root$folder" || exit 126 ;;
	esac
done
exec nsenter --root="$root" --wd="$root$PWD" "/usr/bin/$name" "$@"' \
	sh "$(dirname "$(dirname "$(readlink -f "$0")")")/root" "$(basename "$0")" "$@"
END
	chmod +x "$home/bin/$python"
done
