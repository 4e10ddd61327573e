"""Brings the database to the schema of this image's MLflow: the registry's tables, and those of the users.

An empty database is filled, an older schema is upgraded, a current one is left alone; running it twice is harmless. A
schema is not changed under the feet of a server that runs on it: MILLRACE_SERVED names the database of the server.
Exit codes: 3 the database does not answer, 4 it refuses the login or the right, 5 the schema must change and a server
runs on it, 1 anything else. The last words go to the termination log; they never carry the password.
"""

import json

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError


def fail(code, words, url):
    secret = url.password if url is not None else None
    end(code, words.replace(str(secret), "***") if secret else words)


def users_behind(engine):
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from mlflow.server.auth.db import utils as users

    config = users._get_alembic_config(engine.url.render_as_string(hide_password=False))
    head = ScriptDirectory.from_config(config).get_current_head()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "alembic_version_auth"})
        return context.get_current_revision() != head


def main():
    uri = os.environ.get("MLFLOW_BACKEND_STORE_URI", "").strip()
    served = os.environ.get("MILLRACE_SERVED", "")
    try:
        url = make_url(uri)
    except Exception:
        fail(1, "the database's Secret holds no SQLAlchemy URI; write postgresql://USER:PASSWORD@HOST:5432/DATABASE", None)
    if url.get_backend_name() != "postgresql":
        fail(1, f"the database must be PostgreSQL, the URI says {url.get_backend_name()}", url)
    try:
        engine = create_engine(url, connect_args={"connect_timeout": 10})
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {USERS}"))
    except DBAPIError as error:
        words = str(error.orig or error)
        refused = any(word in words for word in ("authentication failed", "permission denied", "does not exist"))
        fail(4 if refused else 3, f"database {url.host}:{url.port or 5432}/{url.database}: {words}", url)
    try:
        from mlflow.server.auth.db import utils as users
        from mlflow.store.db import utils as registry

        logins = create_engine(users_url(url))
        empty = registry._is_empty_database(engine)
        behind = registry._get_schema_version(engine) != registry._get_latest_schema_revision() or users_behind(logins)
        if behind and not empty and served in ("unknown", place(url)):
            fail(5, "the schema is older than this image's, and a server runs on it", url)
        if empty:
            registry._initialize_tables(engine)
        elif behind:
            registry._upgrade_db(engine)
        registry._verify_schema(engine)
        users.migrate_if_needed(logins, "head")
        with logins.begin() as connection:
            # Whom the registry declares: who no longer is one loses the password; see serve.py.
            connection.execute(text("CREATE TABLE IF NOT EXISTS millrace_admins (username text PRIMARY KEY)"))
    except Exception as error:
        fail(1, f"{type(error).__name__}: {error}", url)
    tell(json.dumps({"uri": fingerprint("uri", uri), "place": place(url)}))
    print("the database has the schema of this image", flush=True)


main()
