# SPDX-License-Identifier: Apache-2.0
"""Debian's kernels for virtual machines, fetched by apt into a folder; the machine's apt is left as it is."""
import os
import re
import subprocess
from collections import namedtuple
from pathlib import Path

META = "linux-image-cloud-amd64"
MIRROR = "http://deb.debian.org/debian"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"

# suites: where to look, in turn; None = what this machine's apt knows. release: how its version begins.
# tier: what wftrace has to find there, or none. folder: where its files lie.
# append: for its command line. cpu: what QEMU emulates. Its CMPXCHG16B (7.2 at least) leaves wrong flags behind, so
# kernels that crash of that get none; Linux 7 needs it for the storage of tasks.
Kernel = namedtuple("Kernel", "name suites release tier folder append cpu")
KERNELS = (
    Kernel("debian-12", (None, "bookworm"), "6.1.", "reduced", "debian-12", "", "max,-cx16"),
    Kernel("debian-12-preempt", (None, "bookworm"), "6.1.", "reduced", "debian-12", "preempt=full", "max,-cx16"),
    Kernel("debian-11", ("bullseye",), "5.10.", "none", "debian-11", "", "max,-cx16"),
    Kernel("debian-12-backports", ("bookworm-backports",), "6.12.", "full", "debian-12-backports", "", "max,-cx16"),
    Kernel("debian-13-backports", ("trixie-backports",), "", "full", "debian-13-backports", "", "max"),
)


class Unavailable(Exception):
    """The kernel cannot be had here; the text says why."""


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"{command[0]} failed: {said[-1] if said else done.returncode}")
    return done.stdout


def apt_options(folder, suite):
    """What makes apt use a list of its own for one suite; root needs no sandbox user for this folder."""
    options = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
    if not suite:
        return options
    own = folder / "apt"
    for name in ("lists/partial", "archives/partial"):
        (own / name).mkdir(parents=True, exist_ok=True)
    (own / "sources.list").write_text(f"deb [signed-by={KEYS}] {MIRROR} {suite} main\n")
    options += ["-o", f"Dir::Etc::SourceList={own}/sources.list", "-o", "Dir::Etc::SourceParts=/dev/null",
                "-o", f"Dir::State::Lists={own}/lists", "-o", f"Dir::Cache={own}", "-t", suite]
    run("apt-get", "update", "-qq", *options)
    return options


def download(folder, suite, release):
    """Unpack the kernel that a suite's meta package stands for."""
    options = apt_options(folder, suite)
    shown = run("apt-cache", "show", "--no-all-versions", META, *options)
    match = re.search(r"^Depends: .*?\blinux-image-([^\s,]+)", shown, re.M)
    if not match or not match.group(1).startswith(release):
        raise Unavailable(f"{META} of {suite or 'this machine'} is no Linux {release}*")
    package = f"linux-image-{match.group(1)}"
    # since Linux 7 the image itself lies in a package of its own
    parts = re.findall(r"\blinux-binary-[^\s,]+", run("apt-cache", "show", "--no-all-versions", package, *options))
    run("apt-get", "download", "-q", *options, package, *parts, cwd=folder)
    for archive in folder.glob("*.deb"):
        run("dpkg", "-x", str(archive), str(folder))
        archive.unlink()


def unpacked(folder, kernel):
    places = (f"boot/vmlinuz-{kernel.release}*", f"usr/lib/modules/{kernel.release}*/vmlinuz")
    return next((path for place in places for path in sorted(folder.glob(place))), None)


def fetch(out, kernel):
    """Path of the kernel's image; downloaded once."""
    if os.uname().machine != "x86_64":
        raise Unavailable(f"the guests are x86-64, this machine is {os.uname().machine}")
    folder = Path(out).resolve() / kernel.folder
    folder.mkdir(parents=True, exist_ok=True)
    reasons = []
    for suite in kernel.suites if not unpacked(folder, kernel) else ():
        try:
            download(folder, suite, kernel.release)
            break
        except Unavailable as e:
            reasons.append(str(e))
    found = unpacked(folder, kernel)
    if not found:
        raise Unavailable("; ".join(reasons) or f"no Linux {kernel.release}* in the package")
    return found
