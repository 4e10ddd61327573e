#!/bin/bash
# about: crane 0.22, which pushes images to a registry, and is one for the proof of --context
# needs: go
set -euo pipefail
export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0 GOBIN="$OUT"
echo "building crane with $("$PART_GO/bin/go" version)"
"$PART_GO/bin/go" install -ldflags "-s -w" github.com/google/go-containerregistry/cmd/crane@v0.22.1
