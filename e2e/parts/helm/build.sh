#!/bin/bash
# about: Helm 3.22
# needs: go
set -euo pipefail
export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0 GOBIN="$OUT"
echo "building Helm with $("$PART_GO/bin/go" version)"
"$PART_GO/bin/go" install -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=v3.22.0" \
    helm.sh/helm/v3/cmd/helm@v3.22.0
