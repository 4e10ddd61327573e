#!/usr/bin/env bash
# about: image millrace/mlflow: MLflow 3.17.2 with PostgreSQL, S3 and basic-auth
# needs: base python-data
# debian: python3 python3-pip
# uses: e2e/images/lib
#
# No console scripts: run `python3 -m mlflow server ...`, `python3 -m mlflow db upgrade URI`.
# Runs as 10001 with a read-only root; needs writable /tmp. The job runners for evaluation of LLM
# traces are off: three processes and 500 MB that a model registry has no use for.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}" "${PART_BASE:?part base}" "${PART_PYTHON_DATA:?part python-data}"
. "$REPO/e2e/images/lib/image.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
packages=$root/usr/local/lib/python3.11/dist-packages
mkdir -p "$packages" "$root/usr/local/bin"
chmod 755 "$root"
millrace_pip "$packages" requirements.txt
# MLflow starts its web servers by these names.
for module in mlflow uvicorn gunicorn; do
  printf '#!/bin/sh\nexec /usr/bin/python3 -m %s "$@"\n' "$module" >"$root/usr/local/bin/$module"
  chmod 755 "$root/usr/local/bin/$module"
done
chmod -R a+rX "$root"
millrace_compile "$packages"
millrace_layer "$root" "$work/mlflow.tar"
cat >"$work/config.json" <<'JSON'
{"User": "10001:10001", "WorkingDir": "/tmp",
 "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8", "PYTHONUNBUFFERED=1",
         "MPLCONFIGDIR=/tmp/matplotlib", "GIT_PYTHON_REFRESH=quiet",
         "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false"],
 "Entrypoint": ["/usr/bin/tini", "-s", "--"], "Cmd": ["mlflow", "server"], "ExposedPorts": {"5000/tcp": {}}}
JSON
millrace_image mlflow "$work/config.json" "$PART_BASE/rootfs.tar" "$PART_PYTHON_DATA/python.tar" "$work/mlflow.tar"
