"""Starts MLflow with a login: writes the users' configuration, sets the passwords of the declared admins, serves.

The passwords are set on every start, so that a database which outlives its registry takes the login of the new one.
Nothing secret is on the command line; the configuration lies in memory.
"""

import os
import signal
import subprocess
import sys

CONFIG = "/run/mlflow/basic_auth.ini"
USERS = "mlflow_auth"


def admins():
    for kind in ("MILLRACE_ADMIN", "MILLRACE_EXTRA_ADMIN"):
        name = os.environ.pop(f"{kind}_USERNAME", "").strip()
        password = os.environ.pop(f"{kind}_PASSWORD", "").strip()
        if name:
            yield name, password


def log_in():
    from sqlalchemy.engine import make_url

    url = make_url(os.environ["MLFLOW_BACKEND_STORE_URI"].strip())
    users = url.update_query_dict({"options": f"-csearch_path={USERS}"}).render_as_string(hide_password=False)
    wanted = list(admins())
    names = [name for name, _ in wanted]
    if len(set(names)) != len(names):
        sys.exit(f"the Secret of spec.auth.adminSecretRef names the user {names[0]}, which is the operator's; choose another")

    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore()
    store.init_db(users)
    for name, password in wanted:
        if store.has_user(name):
            store.update_user(name, password, True)
        else:
            store.create_user(name, password, True)

    # ConfigParser takes % for its own.
    with open(CONFIG, "w", encoding="utf-8") as config:
        os.chmod(CONFIG, 0o600)
        config.write(
            "[mlflow]\n"
            "default_permission = NO_PERMISSIONS\n"
            f"database_uri = {users.replace('%', '%%')}\n"
            f"admin_username = {names[0]}\n"
            f"admin_password = {wanted[0][1]}\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
            "auth_cache_ttl_seconds = 30\n"
        )


def main():
    # In a process of its own, which gives its 200 MB back.
    child = os.fork()
    if child == 0:
        log_in()
        sys.exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit(1)
    # The server itself has no use for them.
    list(admins())
    os.environ["MLFLOW_AUTH_CONFIG_PATH"] = CONFIG
    # This process is number 1 of its container: it passes the signals on to the whole group.
    server = subprocess.Popen(["mlflow", "server", *sys.argv[1:]], start_new_session=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda sent, _: os.killpg(server.pid, sent))
    sys.exit(server.wait())


main()
