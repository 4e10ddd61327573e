#!/bin/bash
# about: kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy and kubectl 1.34.4
# needs: go
# debian: gcc libc6-dev
set -euo pipefail
export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false
v=k8s.io/component-base/version
echo "building Kubernetes 1.34.4 with $("$PART_GO/bin/go" version)"
for name in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
    echo "building $name"
    "$PART_GO/bin/go" build -mod=readonly -o "$OUT/" \
        -ldflags "-s -w -X $v.gitVersion=v1.34.4 -X $v.gitMajor=1 -X $v.gitMinor=34" "k8s.io/kubernetes/cmd/$name"
done
