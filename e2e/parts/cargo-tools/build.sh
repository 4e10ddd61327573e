#!/usr/bin/env bash
# about: cargo-deny, which looks at crates' licences and sources, and cargo-sbom, which lists them; built unoptimized
# debian: gcc
set -euo pipefail
: "${OUT:?directory to fill}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR=$work CARGO_PROFILE_DEV_DEBUG=0
cargo install --quiet --locked --debug --no-default-features --root "$work/out" cargo-deny@0.20.2
cargo install --quiet --locked --debug --root "$work/out" cargo-sbom@0.10.0
install -m 755 "$work"/out/bin/cargo-{deny,sbom} "$OUT"
"$OUT/cargo-deny" --version
