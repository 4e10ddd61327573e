#!/usr/bin/env bash
# about: Prometheus and promtool of Debian, for the tests; unpacked and not installed, since the package starts a service
# debian: dpkg
set -euo pipefail
: "${OUT:?directory to fill}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# The package lists may be absent or old; they are only fetched when that stands in the way.
quiet=(--quiet -o APT::Sandbox::User=root)
apt-get "${quiet[@]}" download prometheus || { apt-get "${quiet[@]}" update && apt-get "${quiet[@]}" download prometheus; }
dpkg-deb --extract prometheus_*.deb root
install -m 755 root/usr/bin/prometheus root/usr/bin/promtool "$OUT"
"$OUT/prometheus" --version
