"""Starts MLflow with a login: writes the users' configuration, sets the passwords of the declared admins, serves.

The passwords are set on every start, so that a database which outlives its registry takes the login of the new one, and
again when the mounted Secret of the declared admin changes. A user who is no longer declared loses the password.
Which Secrets were given and which lie mounted now is answered as fingerprints on a port of its own. A database that was
not migrated is not started on: exit code 7. Nothing secret is on the command line; the configuration lies in memory.
"""

import json
import secrets
import signal
import subprocess
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

CONFIG = "/run/mlflow/basic_auth.ini"
FILES = "/run/millrace"
PORT = int(os.environ.get("MILLRACE_GIVEN_PORT", "5001"))
# How often the mounted files are compared; the kubelet itself takes up to a minute and a half.
PERIOD = 5


def mounted(*names):
    """The contents of these files of one Secret; None if one is missing."""
    try:
        return [open(f"{FILES}/{name}", encoding="utf-8").read().strip() for name in names]
    except OSError:
        return None


def given(kind):
    return [os.environ.pop(f"{kind}_{part}", "").strip() for part in ("USERNAME", "PASSWORD")]


def set_passwords(operator, extra):
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url

    if extra is not None and extra[0] == operator[0]:
        sys.exit(f"the Secret of spec.auth.adminSecretRef names the user {operator[0]}, which is the operator's; choose another")
    users = users_url(make_url(os.environ["MLFLOW_BACKEND_STORE_URI"].strip())).render_as_string(hide_password=False)
    store = SqlAlchemyStore()
    store.init_db(users)
    wanted = {name: password for name, password in (operator, extra or ("", "")) if name}
    with create_engine(users).begin() as connection:
        former = {row[0] for row in connection.execute(text("SELECT username FROM millrace_admins"))} - set(wanted)
        for name in former:
            if store.has_user(name):
                store.update_user(name, secrets.token_hex(32), False)
            connection.execute(text("DELETE FROM millrace_admins WHERE username = :name"), {"name": name})
        for name, password in wanted.items():
            if store.has_user(name):
                store.update_user(name, password, True)
            else:
                store.create_user(name, password, True)
            add = "INSERT INTO millrace_admins VALUES (:name) ON CONFLICT DO NOTHING"
            connection.execute(text(add), {"name": name})
    return users


def configure(operator, users):
    # ConfigParser takes % for its own.
    with open(CONFIG, "w", encoding="utf-8") as config:
        os.chmod(CONFIG, 0o600)
        config.write(
            "[mlflow]\n"
            "default_permission = NO_PERMISSIONS\n"
            f"database_uri = {users.replace('%', '%%')}\n"
            f"admin_username = {operator[0]}\n"
            f"admin_password = {operator[1]}\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
            "auth_cache_ttl_seconds = 30\n"
        )


def apart(work):
    """In a process of its own, which gives its 200 MB back."""
    child = os.fork()
    if child == 0:
        work()
        sys.exit(0)
    return child


class Given:
    """What the server runs on, and what lies mounted now."""

    def __init__(self, uri, operator, extra):
        self.operator = operator
        self.applied = extra
        self.child = None
        self.next = 0
        self.tried = None
        self.told = {
            "secret": os.environ.get("MILLRACE_DATABASE_SECRET", ""),
            "uri": {"started": fingerprint("uri", uri), "mounted": None},
            "admin": {"set": self.print("admin", extra), "mounted": None},
            "login": {"mounted": None},
        }

    def print(self, kind, values):
        return None if values is None else fingerprint(kind, *values)

    def look(self):
        uri, extra = mounted("database/" + os.environ.get("MILLRACE_DATABASE_FILE", "uri")), mounted("admin/username", "admin/password")
        self.told["uri"]["mounted"] = self.print("uri", uri)
        self.told["admin"]["mounted"] = self.print("admin", extra)
        self.told["login"]["mounted"] = self.print("login", mounted("login/username", "login/password"))
        if self.child is not None:
            ended, status = os.waitpid(self.child, os.WNOHANG)
            if ended:
                self.child = None
                self.applied = self.tried if status == 0 else self.applied
                # A database that is away is not asked every few seconds.
                self.next += 0 if status == 0 else 30
                self.told["admin"]["set"] = self.print("admin", self.applied)
        # A Secret that is gone takes nobody's password away; one that is no longer declared is not mounted any more.
        elif self.applied is not None and extra is not None and extra != list(self.applied):
            self.tried = extra
            self.child = apart(lambda: set_passwords(self.operator, extra))

    def due(self):
        if time.monotonic() >= self.next:
            self.next = time.monotonic() + PERIOD
            self.look()


def answering(given):
    """Answers GET with fingerprints: whoever asks learns that a Secret has changed, and no more."""

    class Answer(BaseHTTPRequestHandler):
        timeout = 2

        def do_GET(self):
            body = json.dumps(given.told).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("", PORT), Answer)
    server.timeout = 1
    return server


def main():
    uri = os.environ["MLFLOW_BACKEND_STORE_URI"].strip()
    started, migrated = fingerprint("uri", uri), os.environ.get("MILLRACE_MIGRATED", "")
    if migrated and migrated != started:
        end(7, f"the Secret of the database has changed since the migration {migrated}; its URI is {started} now")
    operator, extra = given("MILLRACE_ADMIN"), given("MILLRACE_EXTRA_ADMIN")
    extra = extra if extra[0] else None
    if os.waitpid(apart(lambda: configure(operator, set_passwords(operator, extra))), 0)[1] != 0:
        sys.exit(1)
    os.environ["MLFLOW_AUTH_CONFIG_PATH"] = CONFIG
    state = Given(uri, operator, extra)
    answer = answering(state)
    # This process is number 1 of its container: it passes the signals on to the whole group.
    server = subprocess.Popen(["mlflow", "server", *sys.argv[1:]], start_new_session=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda sent, _: os.killpg(server.pid, sent))
    while server.poll() is None:
        state.due()
        answer.handle_request()
    sys.exit(server.returncode)


main()
