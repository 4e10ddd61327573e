//go:build tools

// Package tools pins MinIO and its client mc, built from source by build.sh.
package tools

import (
	_ "github.com/minio/mc"
	_ "github.com/minio/minio"
)
