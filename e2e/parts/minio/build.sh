#!/usr/bin/env bash
# about: MinIO server and its client mc, built from their Go modules
# needs: go
# debian:
#
# OUT/minio and OUT/mc. The server serves the local-process tests too.
set -euo pipefail
: "${OUT:?directory to fill}" "${PART_GO:?part go}"

release=RELEASE.2026-02-12T20-18-48Z
commit=7aac2a2c5b7c
cmd=github.com/minio/minio/cmd
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false
go=$PART_GO/bin/go
# Without a release tag the server counts itself as a development build and says so at every start.
ldflags="-s -w -X $cmd.Version=2026-02-12T20:18:48Z -X $cmd.ReleaseTag=$release -X $cmd.ShortCommitID=$commit -X $cmd.CommitID=$commit"

echo "minio: building the server"
"$go" build -mod=readonly -trimpath -tags kqueue -ldflags "$ldflags" -o "$OUT/minio" github.com/minio/minio
echo "minio: building the client"
"$go" build -mod=readonly -trimpath -tags kqueue -ldflags "-s -w" -o "$OUT/mc" github.com/minio/mc
"$OUT/minio" --version
"$OUT/mc" --version
