#!/usr/bin/env bash
# about: cargo-deny, which checks the licences, sources and versions of crates; built unoptimized
# debian: gcc
set -euo pipefail
: "${OUT:?directory to fill}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CARGO_TARGET_DIR=$work CARGO_PROFILE_DEV_DEBUG=0 \
  cargo install --quiet --locked --debug --no-default-features --root "$work/out" cargo-deny@0.20.2
install -m 755 "$work/out/bin/cargo-deny" "$OUT"
"$OUT/cargo-deny" --version
