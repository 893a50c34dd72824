#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fills a folder with small ELF files of every kind, for fuzz_binary: seed_binary.sh FOLDER
set -eu
out=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/a.c" <<'END'
static inline int twice(int x) { return 2 * x; }
__attribute__((noinline)) static int local(int x) { return x ? local(x - 1) + 1 : 0; }
int exported(int x) { return twice(local(x)); }
int aliased(int x) __attribute__((alias("exported")));
/* A static probe, as <sys/sdt.h> writes it. */
int probed(int x)
{
	__asm__ volatile("990: nop\n"
			 ".pushsection .note.stapsdt,\"?\",\"note\"\n"
			 ".balign 4\n.4byte 992f-991f,994f-993f,3\n"
			 "991: .asciz \"stapsdt\"\n992: .balign 4\n"
			 "993: .8byte 990b,0,0\n.asciz \"prov\"\n.asciz \"name\"\n.asciz \"-4@%0\"\n"
			 "994: .balign 4\n.popsection" ::"r"(x));
	return x;
}
END
cat >"$work/b.cc" <<'END'
namespace ns {
template <class T> struct Box { T value; T run(T x) { return value + x; } };
template struct Box<int>;
}
END
cc=${CC:-cc}
$cc -O1 -g -nostdlib -shared -fPIC -Wl,--build-id -o "$out/library" "$work/a.c"
$cc -O1 -nostdlib -shared -fPIC -s -o "$out/stripped" "$work/a.c"
$cc -O1 -nostdlib -static -Wl,-e,exported -o "$out/static" "$work/a.c"
$cc -O1 -c -o "$out/object" "$work/a.c"
${CXX:-c++} -O1 -nostdlib -shared -fPIC -o "$out/cplusplus" "$work/b.cc"
objcopy --only-keep-debug "$out/library" "$out/debug"
objcopy --compress-debug-sections "$out/library" "$out/compressed"
objcopy --strip-all "$out/library" "$work/small"
xz -k -c "$out/debug" >"$work/debug.xz"
objcopy --add-section .gnu_debugdata="$work/debug.xz" "$work/small" "$out/minidebug"
