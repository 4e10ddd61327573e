# Sourced by tests that run an image's programs as processes, without a cluster. Root only, inside mount and PID
# namespaces of the caller's own (`unshare --mount --pid --fork --kill-child=KILL --mount-proc`), with which all ends.

# millrace_enter ARCHIVE DIRECTORY: the image's files, read-only, with a /tmp, /run, /dev and /proc of their own
millrace_enter() {
  local layer
  mkdir -p "$2"
  for layer in $(tar -xOf "$1" manifest.json | grep -o '[0-9a-f]*/layer.tar'); do
    tar -xOf "$1" "$layer" | tar -x -C "$2"
  done
  mkdir -p "$2"/{tmp,run,dev,proc,etc}
  # As the kubelet does: no image brings its own.
  echo '127.0.0.1 localhost' >"$2/etc/hosts"
  mount --bind "$2" "$2"
  mount --rbind /dev "$2/dev"
  mount -t tmpfs -o mode=1777 shm "$2/dev/shm"
  mount -t proc proc "$2/proc"
  mount -t tmpfs -o mode=1777 tmp "$2/tmp"
  mount -t tmpfs -o mode=1777 run "$2/run"
  mount -o remount,bind,ro "$2"
}

# millrace_env ARCHIVE: the variables of the image, one a line
millrace_env() {
  tar -xOf "$1" "$(tar -xOf "$1" manifest.json | grep -o '"Config": *"[^"]*"' | cut -d'"' -f4)" |
    python3 -c 'import json, sys; print("\n".join(json.load(sys.stdin)["config"].get("Env", [])))'
}
