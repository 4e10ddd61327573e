#!/bin/bash
# about: what a node runs with, from Debian: containerd, runc, CNI plugins, iptables, conntrack
# debian: containerd runc containernetworking-plugins iptables conntrack iproute2 util-linux mount openssl
set -euo pipefail
dpkg-query --show containerd runc containernetworking-plugins iptables conntrack iproute2 | tee "$OUT/versions"
