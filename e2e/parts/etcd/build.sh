#!/bin/bash
# about: etcd 3.6.8
# needs: go
set -euo pipefail
export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0
echo "building etcd with $("$PART_GO/bin/go" version)"
"$PART_GO/bin/go" build -mod=readonly -ldflags "-s -w" -o "$OUT/etcd" go.etcd.io/etcd/server/v3
