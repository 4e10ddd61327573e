#!/bin/bash
# about: the program that holds a pod's namespaces, as an image
# debian: gcc libc6-dev
# uses: e2e/parts/scratch-image.sh
set -euo pipefail
source "$REPO/e2e/parts/scratch-image.sh"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
gcc -Os -static -s -Wall -Wextra -o "$root/pause" pause.c
scratch_image local/pause:1 "$root" /pause 65535 "$OUT/image.tar"
