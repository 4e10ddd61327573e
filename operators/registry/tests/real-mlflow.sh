#!/usr/bin/env bash
# Runs the MLflow image on the PostgreSQL image, as the operator's Job and Deployment do, without a cluster:
#   real-mlflow.sh MLFLOW.tar POSTGRES.tar DIRECTORY PORT GIVEN_PORT DATABASE_PORT
# Migrates twice (an empty database, then a current one) and tries what must be refused, then serves on loopback, user
# millrace, password $MILLRACE_MLFLOW_PASSWORD. Once it serves, the Secret of the declared admin `team` and that of the
# database change as the kubelet would change them: real_mlflow.rs looks for what comes of it. Everything ends with this
# process. Root only: the images are entered, not run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
programs=$here/../src/children

if [ "${1:-}" != inside ]; then
  exec unshare --mount --pid --fork --kill-child=KILL --mount-proc bash "$here/real-mlflow.sh" inside "$@"
fi
shift
mlflow=$1 postgres=$2 dir=$3 port=$4 given_port=$5 database_port=$6
: "${MILLRACE_MLFLOW_PASSWORD:?password of the user millrace}"

. "$here/../../../e2e/images/enter.sh"
millrace_enter "$postgres" "$dir/postgres"
millrace_enter "$mlflow" "$dir/mlflow"
mkdir -m 1777 "$dir/mlflow/run/mlflow"

chroot --userspec=999:999 "$dir/postgres" /usr/bin/env -i HOME=/tmp LANG=C.UTF-8 PGDATA=/tmp/data \
  PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin POSTGRES_USER=ml POSTGRES_PASSWORD='p%40 w' \
  PGSOCKETS=/tmp docker-entrypoint.sh -p "$database_port" -c listen_addresses=127.0.0.1 &
database=$!

uri() { echo "postgresql://ml:$1@127.0.0.1:$database_port/${2:-ml}"; }

python() { # URI PROGRAM ARGUMENTS...; further variables in $more
  local uri=$1 program=$2
  shift 2
  chroot --userspec=10001:10001 "$dir/mlflow" /usr/bin/env -i HOME=/tmp LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin \
    MLFLOW_BACKEND_STORE_URI="$uri" PYTHONWARNINGS=ignore MILLRACE_GIVEN_KEY=for-a-test ${more:-} \
    MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    MILLRACE_ADMIN_USERNAME=millrace MILLRACE_ADMIN_PASSWORD="$MILLRACE_MLFLOW_PASSWORD" \
    MLFLOW_FLASK_SERVER_SECRET_KEY=for-a-test python3 -c "$(cat "$programs/given.py" "$program")" "$@"
}

refused() { # CODE WHAT COMMAND...
  local want=$1 what=$2 code=0
  shift 2
  "$@" || code=$?
  [ "$code" = "$want" ] || { echo "$what ended with $code, not with $want"; exit 1; }
}

sql() { # DATABASE STATEMENT; prints the first value
  chroot --userspec=10001:10001 "$dir/mlflow" /usr/bin/env -i HOME=/tmp PATH=/usr/bin:/bin python3 -c '
import sys
from sqlalchemy import create_engine, text
with create_engine(sys.argv[1], isolation_level="AUTOCOMMIT").connect() as connection:
    answer = connection.execute(text(sys.argv[2]))
    print(answer.scalar() if answer.returns_rows else "")' "$(uri 'p%2540%20w' "$1")" "$2"
}

# 3: the database does not answer yet.
right=$(uri 'p%2540%20w')
code=3
for _ in $(seq 60); do
  code=0
  python "$right" "$programs/prepare.py" || code=$?
  [ "$code" = 3 ] || break
  kill -0 "$database" || { echo "the database ended"; exit 1; }
  sleep 1
done
[ "$code" = 0 ] || { echo "the migration ended with $code"; exit 1; }
more=MILLRACE_SERVED=unknown python "$right" "$programs/prepare.py"
refused 4 "a wrong password" python "$(uri wrong)" "$programs/prepare.py"

# An older schema is left alone while a server runs on it; another database is not.
head=$(sql ml 'SELECT version_num FROM alembic_version')
sql ml "UPDATE alembic_version SET version_num = '451aebb31d03'"
more=MILLRACE_SERVED=unknown refused 5 "an older schema under a server" python "$right" "$programs/prepare.py"
sql ml "UPDATE alembic_version SET version_num = '$head'"
sql ml 'CREATE DATABASE moved'
more=MILLRACE_SERVED=elsewhere python "$(uri 'p%2540%20w' moved)" "$programs/prepare.py"
more=MILLRACE_MIGRATED=another refused 7 "another database" python "$right" "$programs/serve.py"

secret() { # NAME KEY VALUE
  mkdir -p "$dir/mlflow/run/millrace/$1"
  printf '%s' "$3" >"$dir/mlflow/run/millrace/$1/$2.new"
  mv "$dir/mlflow/run/millrace/$1/$2.new" "$dir/mlflow/run/millrace/$1/$2"
}

logs_in() { # PASSWORD
  python3 - "$port" "$1" <<'PY'
import base64, sys, urllib.request
request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/api/2.0/mlflow/users/current")
request.add_header("Authorization", "Basic " + base64.b64encode(f"team:{sys.argv[2]}".encode()).decode())
try:
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5)
except Exception:
    sys.exit(1)
PY
}

secret database uri "$right"
secret admin username team
secret admin password first-password-1
more="MILLRACE_GIVEN_PORT=$given_port MILLRACE_DATABASE_SECRET=database/uri MILLRACE_EXTRA_ADMIN_USERNAME=team
      MILLRACE_EXTRA_ADMIN_PASSWORD=first-password-1" \
  python "$right" "$programs/serve.py" --host 127.0.0.1 --port "$port" --workers 1 --app-name basic-auth \
  --serve-artifacts --artifacts-destination /tmp/artifacts --allowed-hosts '127.0.0.1:*' &
server=$!
until logs_in first-password-1; do
  kill -0 "$server" || { echo "the server ended"; exit 1; }
  sleep 1
done
secret admin password second-password-2
secret database uri "$(uri 'p%2540%20w' moved)"
wait "$server"
