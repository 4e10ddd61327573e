#!/usr/bin/env bash
# about: Python packages for data jobs: numpy, pandas, scikit-learn, pyarrow, boto3
# needs:
# debian: python3 python3-pip
# uses: e2e/images/lib
#
# OUT/python.tar is a layer (/usr/local/lib/python3.11/dist-packages) that the images flights and
# mlflow share.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}"
. "$REPO/e2e/images/lib/image.sh"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
packages=$root/usr/local/lib/python3.11/dist-packages
mkdir -p "$packages"
millrace_pip "$packages" requirements.txt
rm -rf "$packages"/{pandas,pyarrow}/tests "$packages"/pyarrow/{include,src}
find "$packages/sklearn" -type d -name tests -prune -exec rm -rf {} +
millrace_compile "$packages"
millrace_layer "$root" "$OUT/python.tar"
du -sm "$OUT/python.tar"
