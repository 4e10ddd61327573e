# about: what building the operators needs beside Rust: librdkafka and aws-lc are compiled from source
# debian: cmake g++ libssl-dev zlib1g-dev libsasl2-dev libcurl4-openssl-dev pkg-config
set -euo pipefail
cmake --version | head -n 1 >"$OUT/tools"
