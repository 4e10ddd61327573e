#!/bin/bash
# Starts PostgreSQL; on the first start makes the cluster in PGDATA. Takes what the public postgres
# image takes: POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, POSTGRES_USER, POSTGRES_DB, and
# /docker-entrypoint-initdb.d/*.sh and *.sql, run once against a server without TCP.
set -euo pipefail

: "${PGDATA:?directory of the database cluster}"
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
    POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
  fi
  : "${POSTGRES_PASSWORD:?password of $user, or POSTGRES_PASSWORD_FILE}"
  # A start that was killed leaves a half-made cluster: make it aside, rename when it is whole.
  fresh=$PGDATA.fresh
  rm -rf "$fresh"
  mkdir -p "$fresh"
  chmod 700 "$fresh"
  initdb --pgdata="$fresh" --username="$user" --encoding=UTF8 --locale=C.UTF-8 \
    --auth-local=trust --auth-host=scram-sha-256 --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD")
  echo "host all all all scram-sha-256" >>"$fresh/pg_hba.conf"
  sockets=$(mktemp -d)
  export PGHOST=$sockets PGUSER=$user PGDATABASE=$database POSTGRES_USER=$user POSTGRES_DB=$database
  pg_ctl --pgdata="$fresh" --wait --options="-c listen_addresses='' -c unix_socket_directories=$sockets" start
  [ "$database" = postgres ] || psql --no-psqlrc --set ON_ERROR_STOP=1 --dbname postgres \
    --set name="$database" <<<'CREATE DATABASE :"name";'
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) echo "running $file"; bash "$file" ;;
      *.sql) echo "running $file"; psql --no-psqlrc --set ON_ERROR_STOP=1 --file "$file" ;;
    esac
  done
  pg_ctl --pgdata="$fresh" --wait --mode=fast stop
  rm -rf "$PGDATA"
  mv "$fresh" "$PGDATA"
fi

chmod 700 "$PGDATA"
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories="${PGSOCKETS:-/var/run/postgresql}" "$@"
