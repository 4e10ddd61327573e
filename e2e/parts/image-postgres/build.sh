#!/usr/bin/env bash
# about: image millrace/postgres: PostgreSQL 15 of Debian, first start like the public image
# needs: base
# debian: mmdebstrap python3
# uses: e2e/images/lib
#
# Runs as 999 with a read-only root; needs writable /tmp, /var/run/postgresql and PGDATA's parent.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}" "${PART_BASE:?part base}"
. "$REPO/e2e/images/lib/image.sh"
. "$REPO/e2e/images/lib/rootfs.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/usr/local/bin "$root"/docker-entrypoint-initdb.d
chmod 755 "$root"
echo "postgres: Debian bookworm with postgresql-15"
millrace_rootfs "$work/rootfs.tar" python3,tini,ca-certificates,postgresql-15
# The compiler of long queries is half of the package; without it PostgreSQL goes without.
python3 "$REPO/e2e/images/lib/diff.py" "$PART_BASE/rootfs.tar" "$work/rootfs.tar" "$work/postgres.tar" --without \
  '*/libLLVM*' '*/llvmjit*' '*/postgresql/15/lib/bitcode/*' '*/libz3.so*'
install -m 755 entrypoint.sh "$root/usr/local/bin/docker-entrypoint.sh"
millrace_layer "$root" "$work/entrypoint.tar"
cat >"$work/config.json" <<'JSON'
{"User": "999:999", "WorkingDir": "/tmp",
 "Env": ["PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8",
         "PGDATA=/var/lib/postgresql/data"],
 "Entrypoint": ["/usr/bin/tini", "-s", "--", "docker-entrypoint.sh"], "ExposedPorts": {"5432/tcp": {}},
 "StopSignal": "SIGINT"}
JSON
millrace_image postgres "$work/config.json" "$PART_BASE/rootfs.tar" "$work/postgres.tar" "$work/entrypoint.tar"
