"""A Spark driver that misbehaves: tries to read a Secret and to start pods it may not start.

usage: steal.py SECRET      name of another job's Secret in this namespace
Every pod is sent with dryRun=All: admission runs, nothing is made. First an honest executor pod, which must
be admitted (else the refusals below would prove nothing), then the same pod with one thing wrong each time.
Reports the HTTP status of each try and `passed`. Python's standard library only.
"""

import copy
import json
import os
import ssl
import sys
import urllib.error
import urllib.request

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def call(method, path, body=None):
    """Status and decoded answer of one request to the API server, as this pod."""
    with open(f"{ACCOUNT}/token", encoding="utf-8") as file:
        token = file.read()
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    host = f"[{host}]" if ":" in host else host
    request = urllib.request.Request(
        f"https://{host}:{port}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        context = ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt")
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        try:
            return error.code, json.loads(text)
        except ValueError:
            return error.code, {"message": text}


def executor(me):
    """The pod that Spark itself would ask for, on behalf of the driver `me`."""
    labels = {k: v for k, v in me["metadata"].get("labels", {}).items() if k not in ("spark-role", "millrace.dev/role")}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{me['metadata']['name'][:40]}-probe-exec-1",
            "namespace": me["metadata"]["namespace"],
            "labels": {**labels, "spark-role": "executor", "millrace.dev/role": "executor", "spark-exec-id": "1"},
            "ownerReferences": [
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "name": me["metadata"]["name"],
                    "uid": me["metadata"]["uid"],
                    "controller": True,
                }
            ],
        },
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": "default",
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 185, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "spark-kubernetes-executor",
                    "image": me["spec"]["containers"][0]["image"],
                    "args": ["executor"],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


def variants(honest, secret):
    """The honest pod with one thing wrong each time."""

    def changed(change):
        pod = copy.deepcopy(honest)
        change(pod["spec"], pod["spec"]["containers"][0], pod["metadata"])
        return pod

    reference = {"secretRef": {"name": secret}}
    key = {"name": "STOLEN", "valueFrom": {"secretKeyRef": {"name": secret, "key": "credentials.json"}}}
    projected = {"name": "v", "projected": {"sources": [{"secret": {"name": secret}}]}}
    token = {"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    second = {**honest["spec"]["containers"][0], "name": "second", "envFrom": [reference]}
    return {
        "secret_volume": changed(lambda s, c, m: s.update(volumes=[{"name": "v", "secret": {"secretName": secret}}])),
        "secret_projected": changed(lambda s, c, m: s.update(volumes=[projected])),
        "secret_env": changed(lambda s, c, m: c.update(env=[key])),
        "secret_env_from": changed(lambda s, c, m: c.update(envFrom=[reference])),
        "secret_init": changed(lambda s, c, m: s.update(initContainers=[second])),
        "token_mounted": changed(lambda s, c, m: s.update(automountServiceAccountToken=True)),
        "token_projected": changed(lambda s, c, m: s.update(volumes=[token])),
        "own_account": changed(lambda s, c, m: s.update(serviceAccountName="millrace-spark")),
        "host_path": changed(lambda s, c, m: s.update(volumes=[{"name": "v", "hostPath": {"path": "/"}}])),
        "config_map": changed(lambda s, c, m: c.update(envFrom=[{"configMapRef": {"name": "kube-root-ca.crt"}}])),
        "no_app": changed(lambda s, c, m: m.update(labels={"spark-role": "executor"})),
        "no_owner": changed(lambda s, c, m: m.pop("ownerReferences")),
        "foreign_owner": changed(lambda s, c, m: m["ownerReferences"][0].update(uid="00000000-0000-0000-0000-000000000000")),
    }


def main():
    secret = sys.argv[1]
    with open(f"{ACCOUNT}/namespace", encoding="utf-8") as file:
        space = f"/api/v1/namespaces/{file.read().strip()}"
    pod_name = os.environ.get("POD_NAME") or os.environ["HOSTNAME"]
    status, me = call("GET", f"{space}/pods/{pod_name}")
    if status != 200:
        raise RuntimeError(f"cannot read my own pod {pod_name}: {status} {me.get('message')}")
    create = f"{space}/pods?dryRun=All"
    honest = executor(me)
    found = {}
    found["honest"], answer = call("POST", create, honest)
    message = "" if found["honest"] == 201 else answer.get("message", "")
    for name, pod in variants(honest, secret).items():
        found[name], answer = call("POST", create, pod)
        if name == "secret_volume":
            found["refusal"] = answer.get("message", "")[:300]
    found["secret_get"], _ = call("GET", f"{space}/secrets/{secret}")
    found["secrets_list"], _ = call("GET", f"{space}/secrets")
    allowed = [n for n, code in found.items() if n not in ("honest", "refusal") and code not in (403, 422)]
    passed = found["honest"] == 201 and not allowed
    text = json.dumps({**found, "honest_message": message[:300], "wrong": ",".join(allowed), "passed": passed})
    path = os.environ.get("TERMINATION_LOG", "/dev/termination-log")
    if "TERMINATION_LOG" in os.environ or os.path.exists(path):
        with open(path, "w", encoding="utf-8") as log:
            log.write(text)
    print("results:", text, flush=True)


if __name__ == "__main__":
    main()
