#!/usr/bin/env bash
# about: image millrace/minio: the MinIO server and mc on a static shell
# needs: minio base
# debian: busybox-static python3
# uses: e2e/images/lib
#
# Same paths as the public image (/usr/bin/minio, /usr/bin/mc, a POSIX shell), so that the sandbox
# chart runs either. The entrypoint is the server itself.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}" "${PART_MINIO:?part minio}" "${PART_BASE:?part base}"
. "$REPO/e2e/images/lib/image.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,usr/bin,etc/ssl/certs,tmp,data}
chmod 1777 "$root/tmp"
install -m 755 "$PART_MINIO/minio" "$PART_MINIO/mc" "$root/usr/bin/"
install -m 755 /bin/busybox "$root/bin/busybox"
for applet in sh cat chown echo env grep head id ls mkdir printf ps rm sleep test touch tr true wget; do
  ln -s busybox "$root/bin/$applet"
done
tar -xf "$PART_BASE/rootfs.tar" -C "$root" ./etc/ssl/certs/ca-certificates.crt ./etc/passwd ./etc/group
millrace_layer "$root" "$work/minio.tar"
cat >"$work/config.json" <<'JSON'
{"User": "1000:1000", "WorkingDir": "/tmp", "Env": ["PATH=/usr/bin:/bin", "HOME=/tmp", "MC_CONFIG_DIR=/tmp/.mc"],
 "Entrypoint": ["/usr/bin/minio"], "ExposedPorts": {"9000/tcp": {}}}
JSON
millrace_image minio "$work/config.json" "$work/minio.tar"
