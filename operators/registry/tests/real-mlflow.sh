#!/usr/bin/env bash
# Runs the MLflow image on the PostgreSQL image, as the operator's Job and Deployment do, without a cluster:
#   real-mlflow.sh MLFLOW.tar POSTGRES.tar DIRECTORY PORT DATABASE_PORT
# Migrates twice (an empty database, then a current one), then serves on loopback, user millrace, password
# $MILLRACE_MLFLOW_PASSWORD. Everything ends with this process. Root only: the images are entered, not run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
programs=$here/../src/registry/children

if [ "${1:-}" != inside ]; then
  exec unshare --mount --pid --fork --kill-child=KILL --mount-proc bash "$here/real-mlflow.sh" inside "$@"
fi
shift
mlflow=$1 postgres=$2 dir=$3 port=$4 database_port=$5
: "${MILLRACE_MLFLOW_PASSWORD:?password of the user millrace}"

. "$here/../../../e2e/images/enter.sh"
millrace_enter "$postgres" "$dir/postgres"
millrace_enter "$mlflow" "$dir/mlflow"
mkdir -m 1777 "$dir/mlflow/run/mlflow"

chroot --userspec=999:999 "$dir/postgres" /usr/bin/env -i HOME=/tmp LANG=C.UTF-8 PGDATA=/tmp/data \
  PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin POSTGRES_USER=ml POSTGRES_PASSWORD='p%40 w' \
  PGSOCKETS=/tmp docker-entrypoint.sh -p "$database_port" -c listen_addresses=127.0.0.1 &
database=$!

python() { # PASSWORD PROGRAM ARGUMENTS...
  local password=$1 program=$2
  shift 2
  chroot --userspec=10001:10001 "$dir/mlflow" /usr/bin/env -i HOME=/tmp LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin \
    MLFLOW_BACKEND_STORE_URI="postgresql://ml:$password@127.0.0.1:$database_port/ml" PYTHONWARNINGS=ignore \
    MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    MILLRACE_ADMIN_USERNAME=millrace MILLRACE_ADMIN_PASSWORD="$MILLRACE_MLFLOW_PASSWORD" \
    MLFLOW_FLASK_SERVER_SECRET_KEY=for-a-test python3 -c "$(cat "$program")" "$@"
}

# 3: the database does not answer yet.
code=3
for _ in $(seq 60); do
  code=0
  python 'p%2540%20w' "$programs/prepare.py" || code=$?
  [ "$code" = 3 ] || break
  kill -0 "$database" || { echo "the database ended"; exit 1; }
  sleep 1
done
[ "$code" = 0 ] || { echo "the migration ended with $code"; exit 1; }
python 'p%2540%20w' "$programs/prepare.py"
code=0
python wrong "$programs/prepare.py" || code=$?
[ "$code" = 4 ] || { echo "a wrong password ended with $code, not with 4"; exit 1; }

python 'p%2540%20w' "$programs/serve.py" --host 127.0.0.1 --port "$port" --workers 1 --app-name basic-auth \
  --serve-artifacts --artifacts-destination /tmp/artifacts --allowed-hosts '127.0.0.1:*'
