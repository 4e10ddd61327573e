"""Brings the database to the schema of this image's MLflow: the registry's tables, and those of the users.

An empty database is filled, an older schema is upgraded, a current one is left alone; running it twice is harmless.
Exit codes: 3 the database does not answer, 4 it refuses the login or the right, 1 anything else. The last words go to
the termination log; they never carry the password.
"""

import os
import sys

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

USERS = "mlflow_auth"


def end(code, words, url):
    secret = url.password if url is not None else None
    if secret:
        words = words.replace(str(secret), "***")
    words = words.strip()[-1500:]
    print(words, file=sys.stderr, flush=True)
    try:
        with open("/dev/termination-log", "w", encoding="utf-8") as log:
            log.write(words)
    except OSError:
        pass
    sys.exit(code)


def users_url(url):
    """The same database with the users' schema first: the two sets of tables share names."""
    return url.update_query_dict({"options": f"-csearch_path={USERS}"})


def main():
    uri = os.environ.get("MLFLOW_BACKEND_STORE_URI", "").strip()
    try:
        url = make_url(uri)
    except Exception:
        end(1, "the database's Secret holds no SQLAlchemy URI; write postgresql://USER:PASSWORD@HOST:5432/DATABASE", None)
    if url.get_backend_name() != "postgresql":
        end(1, f"the database must be PostgreSQL, the URI says {url.get_backend_name()}", url)
    try:
        engine = create_engine(url, connect_args={"connect_timeout": 10})
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {USERS}"))
    except DBAPIError as error:
        words = str(error.orig or error)
        refused = any(word in words for word in ("authentication failed", "permission denied", "does not exist"))
        end(4 if refused else 3, f"database {url.host}:{url.port or 5432}/{url.database}: {words}", url)
    try:
        from mlflow.server.auth.db import utils as users
        from mlflow.store.db import utils as registry

        if registry._is_empty_database(engine):
            registry._initialize_tables(engine)
        else:
            registry._upgrade_db(engine)
        registry._verify_schema(engine)
        users.migrate_if_needed(create_engine(users_url(url)), "head")
    except Exception as error:
        end(1, f"{type(error).__name__}: {error}", url)
    print("the database has the schema of this image", flush=True)


main()
