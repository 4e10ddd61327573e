#!/usr/bin/env bash
# about: typos, the spelling checker, as its makers build it for PyPI
# debian: python3 python3-pip
set -euo pipefail
: "${OUT:?directory to fill}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-input --no-deps --only-binary=:all: \
  --python-version 3.11 --platform manylinux2014_x86_64 --dest "$work" typos==1.52.0
python3 -m zipfile -e "$work"/typos-*.whl "$work/wheel"
install -m 755 "$work"/wheel/typos-*.data/scripts/typos "$OUT/typos"
"$OUT/typos" --version
