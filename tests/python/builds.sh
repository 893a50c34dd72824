#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Build Pythons of which Debian has no package, from its source package of 3.13, below
# ~/.cache/wftrace/pythons/built: a free-threaded one, and one for musl. Takes ten minutes; nothing is installed.
set -eu
home=${1:-$HOME/.cache/wftrace/pythons}/built
. "$(dirname "$0")/apt.sh"
build() { # NAME, then what configure is told
	name=$1
	shift
	[ -x "$home/$name/bin/python3.13" ] && return
	mkdir "$apt/$name"
	(
		cd "$apt/$name"
		"$apt"/Python-3.13.*/configure -q --without-ensurepip --disable-test-modules --prefix="$home/$name" \
			CFLAGS='-O1 -g0' "$@"
		make -s
		make -s install
	) > "$apt/$name.log" 2>&1 || { tail "$apt/$name.log" >&2; exit 1; }
}
apt_of trixie deb-src
cd "$apt"
apt-get -q source --download-only python3.13
tar xf python3.13_*.orig.tar.xz
build free --disable-gil
mkdir "$apt/headers"
for folder in linux asm-generic "$(gcc -print-multiarch)/asm"; do
	ln -s "/usr/include/$folder" "$apt/headers/${folder##*/}"
done
cat > "$apt/musl-cc" <<'END'
#!/bin/sh
# configure wants to hear of the libc that it finds
case " $* " in *' --print-multiarch '*) echo x86_64-linux-musl; exit ;; esac
exec musl-gcc "$@"
END
chmod +x "$apt/musl-cc"
build musl PKG_CONFIG=/bin/false CC="$apt/musl-cc" CPPFLAGS="-idirafter $apt/headers" LDFLAGS=-Wl,--export-dynamic
