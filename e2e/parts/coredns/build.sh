#!/bin/bash
# about: CoreDNS 1.12.4, as an image for the cluster
# needs: go
# uses: e2e/parts/scratch-image.sh
set -euo pipefail
source "$REPO/e2e/parts/scratch-image.sh"
export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0 GOBIN="$OUT/root"
echo "building CoreDNS with $("$PART_GO/bin/go" version)"
"$PART_GO/bin/go" install -ldflags "-s -w" github.com/coredns/coredns@v1.12.4
scratch_image local/coredns:1.12.4 "$OUT/root" /coredns 65532 "$OUT/image.tar"
rm -r "$OUT/root"
