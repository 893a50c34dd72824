# SPDX-License-Identifier: Apache-2.0
# Sourced. apt_of SUITE TYPE: an apt of its own in $apt, until the shell ends, for one suite of the mirror
# that the system's apt is set up with.
apt_of() {
	mirror=$(apt-get indextargets --format '$(SITE)' | grep -v security | sort -u | head -n 1)
	[ -n "$mirror" ] || { echo "$0: apt has no source" >&2; exit 1; }
	apt=$(mktemp -d)
	trap 'rm -rf "$apt"' EXIT
	mkdir -p "$apt/etc" "$apt/state" "$apt/lists/partial" "$apt/cache/archives/partial"
	touch "$apt/state/status"
	printf 'Types: %s\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
		"$2" "$mirror" "$1" /usr/share/keyrings/debian-archive-keyring.gpg > "$apt/etc/suite.sources"
	cat > "$apt/apt.conf" <<END
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/etc";
Dir::State "$apt/state";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/state/status";
Dir::Cache "$apt/cache";
APT::Sandbox::User "root";
END
	export APT_CONFIG="$apt/apt.conf"
	apt-get -q update
}
