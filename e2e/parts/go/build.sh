#!/bin/bash
# about: the Go toolchain: the installed one if new enough, else its module from the Go module proxy
set -euo pipefail
want=1.26.8
least=1.25
mkdir -p "$OUT/bin"
if ! command -v go >/dev/null; then
    echo "no go found; Debian's is old, but can fetch a newer one"
    install=(apt-get install --yes --no-install-recommends golang-go)
    "${install[@]}" || { apt-get update && "${install[@]}"; } ||
        { echo "install the package golang-go (as root), or any Go since $least"; exit 1; }
fi
have=$(cd / && GOTOOLCHAIN=local go env GOVERSION)
have=${have#go}
if [ "$(printf '%s\n' "$least" "$have" | sort -V | head -n 1)" = "$least" ]; then
    echo "using the installed go $have"
    ln -s "$(cd / && go env GOROOT)/bin/go" "$OUT/bin/go"
else
    echo "go $have is older than $least: fetching go $want as a module"
    module="golang.org/toolchain@v0.0.1-go$want.linux-$(dpkg --print-architecture)"
    cd / && GO111MODULE=on GOMODCACHE="$OUT/mod" go mod download "$module"
    cp -r "$OUT/mod/$module" "$OUT/go"
    chmod -R u+w "$OUT/mod" "$OUT/go"
    rm -r "$OUT/mod"
    chmod +x "$OUT"/go/bin/* "$OUT"/go/pkg/tool/*/*
    ln -s ../go/bin/go "$OUT/bin/go"
fi
"$OUT/bin/go" version
