# Sourced by the image parts: layers from staged directories, and the final archive.
# Callers have OUT and REPO set; every layer is reproducible (sorted, fixed times, root-owned).

# millrace_layer STAGE_DIR LAYER.tar
millrace_layer() {
  tar --create --file "$2" --directory "$1" --sort=name --format=posix \
    --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime \
    --owner=0 --group=0 --numeric-owner --mtime=@0 .
}

# millrace_image NAME CONFIG.json LAYER.tar...   writes OUT/image.tar and OUT/name
millrace_image() {
  local name=docker.io/millrace/$1:dev config=$2
  shift 2
  python3 "$REPO/e2e/images/lib/image.py" --name "$name" --config "$config" --out "$OUT/image.tar" "$@"
  echo "$name" >"$OUT/name"
  echo "$name: $(du -m "$OUT/image.tar" | cut -f1) MB"
}

# millrace_pip TARGET REQUIREMENTS.txt   packages for the Python 3.11 of the base image, wheels only
millrace_pip() {
  python3 -m pip install --quiet --disable-pip-version-check --no-input --no-compile --no-deps --only-binary=:all: --root-user-action ignore \
    --implementation cp --python-version 3.11 \
    --platform manylinux2014_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux_2_28_x86_64 \
    --target "$1" --requirement "$2"
  # Console scripts would name the Python of the machine that built them.
  rm -rf "$1/bin"
}

# millrace_compile DIR   byte code for a root that nobody can write to; needs Python 3.11, like the image
millrace_compile() {
  local python=python3
  [ "$($python -c 'import sys; print(sys.version_info[:2] == (3, 11))')" = True ] || python=/usr/bin/python3.11
  "$python" -m compileall -q -j 2 --invalidation-mode unchecked-hash "$1" || true
}
