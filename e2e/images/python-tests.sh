#!/usr/bin/env bash
# Runs the Python unit tests of an example with what its image has, without a cluster and without that image's code:
#   python-tests.sh IMAGE.tar EXAMPLE DIRECTORY
# EXAMPLE has tests/, found by `python3 -m unittest`; it is mounted read-only. Root only.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ "${1:-}" != inside ]; then
  exec unshare --mount --pid --fork --kill-child=KILL --mount-proc bash "$here/python-tests.sh" inside "$@"
fi
. "$here/enter.sh"
image=$2 example=$(cd "$3" && pwd) root=$4/root

mapfile -t env < <(millrace_env "$image")
mkdir -p "$root/mnt"
millrace_enter "$image" "$root"
mount --bind "$example" "$root/mnt"
mount -o remount,bind,ro "$root/mnt"
# The image's own copy of the code must not stand in for the one under test.
if [ -d "$root/app" ]; then mount -t tmpfs empty "$root/app"; fi
said=$(chroot --userspec=10001:10001 "$root" /usr/bin/env -i "${env[@]}" HOME=/tmp USER=test SPARK_USER=test \
  SPARK_LOCAL_IP=127.0.0.1 PYTHONDONTWRITEBYTECODE=1 sh -c 'cd /mnt && exec python3 -m unittest' 2>&1) || {
  echo "$said" >&2
  exit 1
}
echo "$said"
