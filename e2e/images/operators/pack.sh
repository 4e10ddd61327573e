#!/usr/bin/env bash
# Packs the operators into one image, docker.io/millrace/operators:dev (or another NAME).
#
#   pack.sh BINARIES_DIR OUT_DIR [CA_FILE] [NAME]
#
# BINARIES_DIR holds millrace-dataplane, millrace-processing, millrace-pipeline, millrace-registry
# (those that are there are taken, at least one). OUT_DIR gets image.tar (docker-archive) and name.
# The root file system is these files, the shared libraries they name, CA certificates and a passwd;
# no shell. BINARIES_DIR/sbom, if it is there, goes to /usr/share/sbom, where scanners find it.
# User 65532, nothing written anywhere. Run one by command: [/usr/bin/millrace-dataplane].
set -euo pipefail
binaries=${1:?directory of the binaries} out=${2:?directory to fill}
authorities=${3:-/etc/ssl/certs/ca-certificates.crt} image=${4:-operators}
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
REPO=$repo OUT=$out
. "$repo/e2e/images/lib/image.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{usr/bin,etc/ssl/certs,tmp} "$out"
chmod 755 "$root"
chmod 1777 "$root/tmp"

found=()
for name in dataplane processing pipeline registry; do
  [ -f "$binaries/millrace-$name" ] || continue
  # Symbols are most of a debug build and nothing at run time.
  strip --strip-all -o "$root/usr/bin/millrace-$name" "$binaries/millrace-$name"
  chmod 755 "$root/usr/bin/millrace-$name"
  found+=("$root/usr/bin/millrace-$name")
done
[ ${#found[@]} -gt 0 ] || { echo "no millrace-* binary in $binaries" >&2; exit 1; }

# The libraries of the machine that linked the binaries, at the paths their loader looks in. Each
# `ldd` line is "name => path (address)" or, for the loader, "path (address)".
if ldd "${found[@]}" | grep 'not found'; then
  echo "a shared library is missing on this machine" >&2
  exit 1
fi
ldd "${found[@]}" | grep -o '/[^ :]*\.so[^ :]*' | sort -u | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp --dereference "$library" "$root$library"
  chmod 755 "$root$library"
done
if [ -d "$binaries/sbom" ]; then
  mkdir -p "$root/usr/share/sbom"
  install -m 644 "$binaries"/sbom/*.cdx.json "$root/usr/share/sbom"
fi
cp "$authorities" "$root/etc/ssl/certs/ca-certificates.crt"
chmod 644 "$root/etc/ssl/certs/ca-certificates.crt"
echo 'millrace:x:65532:65532:Millrace:/tmp:/sbin/nologin' >"$root/etc/passwd"
echo 'millrace:x:65532:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

millrace_layer "$root" "$work/operators.tar"
cat >"$work/config.json" <<'JSON'
{"User": "65532:65532", "WorkingDir": "/",
 "Env": ["PATH=/usr/bin", "HOME=/tmp", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"]}
JSON
millrace_image "$image" "$work/config.json" "$work/operators.tar"
