#!/usr/bin/env bash
# about: cargo-sbom, which lists the crates of a program; built unoptimized
# debian: gcc
set -euo pipefail
: "${OUT:?directory to fill}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CARGO_TARGET_DIR=$work CARGO_PROFILE_DEV_DEBUG=0 \
  cargo install --quiet --locked --debug --root "$work/out" cargo-sbom@0.10.0
install -m 755 "$work/out/bin/cargo-sbom" "$OUT"
"$OUT/cargo-sbom" --version
