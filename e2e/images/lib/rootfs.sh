# Sourced by parts that bootstrap Debian. One function, so that every root file system is cut
# down in the same way and the layers of `diff.py` stay small.

# millrace_rootfs OUT.tar PACKAGE[,PACKAGE...]
millrace_rootfs() {
  local out=$1 packages=$2
  # Fixed times: the same packages give the same bytes.
  SOURCE_DATE_EPOCH=0 mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/lintian/*' \
    --essential-hook='mkdir -p "$1/usr/share/man/man1"' \
    --customize-hook='cat >>"$1/etc/passwd" <<USERS
spark:x:185:185:Spark:/tmp:/usr/sbin/nologin
pgsql:x:999:999:PostgreSQL:/tmp:/usr/sbin/nologin
app:x:1000:1000:Application:/tmp:/usr/sbin/nologin
millrace:x:10001:10001:Millrace:/tmp:/usr/sbin/nologin
USERS' \
    --customize-hook='cat >>"$1/etc/group" <<GROUPS
spark:x:185:
pgsql:x:999:
app:x:1000:
millrace:x:10001:
GROUPS' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* "$1"/var/log/* "$1"/etc/resolv.conf "$1"/etc/hostname "$1"/etc/apt/sources.list*' \
    bookworm "$out"
}
