"""A Spark driver or Flink JobManager that misbehaves: tries to read a Secret and to start pods it may not start.

usage: steal.py SECRET      name of another job's Secret in this namespace
A TaskManager may not even start the honest pod.
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


def manager(me):
    """The TaskManager that Flink itself would ask for, on behalf of the JobManager `me`."""
    base = me["metadata"]["name"].removesuffix("-jobmanager").split("-taskmanager-")[0]
    pod = executor(me)
    pod["metadata"]["name"] = f"{base}-taskmanager-1-99"
    pod["metadata"]["labels"] = {"app": base, "component": "taskmanager", "millrace.dev/role": "executor"}
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": base, "uid": "00000000-0000-0000-0000-000000000001"}
    pod["metadata"]["ownerReferences"] = [{**owner, "controller": True, "blockOwnerDeletion": True}]
    pod["spec"].update(serviceAccountName="millrace-flink", automountServiceAccountToken=True)
    pod["spec"]["securityContext"]["runAsUser"] = 9999
    return pod


def flink_variants(honest):
    """What only a JobManager could try: pods that would have its rights, or somebody else's."""

    def changed(change):
        pod = copy.deepcopy(honest)
        change(pod["spec"], pod["metadata"])
        return pod

    name = honest["metadata"]["name"]
    return {
        "manager_name": changed(lambda s, m: m.update(name=name.replace("-99", "-jobmanager"))),
        "other_name": changed(lambda s, m: m.update(name="somebody")),
        "other_account": changed(lambda s, m: s.update(serviceAccountName="millrace-spark")),
        "other_deployment": changed(lambda s, m: m["ownerReferences"][0].update(name="somebody")),
    }


def config_maps(space, me, found):
    """Writes to ConfigMaps: its own high availability may be written, its own settings and everybody else's may not."""
    base = me["metadata"]["name"].removesuffix("-jobmanager").split("-taskmanager-")[0]

    def body(name):
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}}

    path = f"{space}/configmaps"
    found["map_own"], _ = call("POST", f"{path}?dryRun=All", body(f"{base}-{'0' * 32}-config-map"))
    for key, name in (("map_other", "somebody-cluster-config-map"), ("map_near", f"{base}-x-config-map")):
        found[key], _ = call("POST", f"{path}?dryRun=All", body(name))
    found["map_settings"], _ = call("DELETE", f"{path}/flink-config-{base}?dryRun=All")
    found["manager_deleted"], _ = call("DELETE", f"{space}/pods/{base}-jobmanager?dryRun=All")


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
    status, answer = call("GET", f"{space}/pods?fieldSelector=metadata.name={pod_name}")
    if status != 200 or not answer.get("items"):
        raise RuntimeError(f"cannot read my own pod {pod_name}: {status} {answer.get('message')}")
    me = answer["items"][0]
    flink = me["metadata"].get("labels", {}).get("type") == "flink-native-kubernetes"
    worker = "-taskmanager-" in pod_name
    create = f"{space}/pods?dryRun=All"
    honest = manager(me) if flink else executor(me)
    found = {}
    found["honest"], answer = call("POST", create, honest)
    message = "" if found["honest"] == 201 else answer.get("message", "")
    tries = variants(honest, secret)
    if flink:
        # A TaskManager has the account too, and a wrong uid of an owner is the garbage collector's business.
        for key in ("token_mounted", "token_projected", "own_account", "foreign_owner"):
            tries.pop(key)
        tries |= flink_variants(honest)
        config_maps(space, me, found)
    for name, pod in tries.items():
        found[name], answer = call("POST", create, pod)
        if name == "secret_volume":
            found["refusal"] = answer.get("message", "")[:300]
    found["secret_get"], _ = call("GET", f"{space}/secrets/{secret}")
    found["secrets_list"], _ = call("GET", f"{space}/secrets")
    due = [] if worker else [name for name in ("honest", "map_own") if name in found]
    allowed = [n for n, code in found.items() if n not in (*due, "refusal") and code not in (403, 422)]
    passed = all(found[name] == 201 for name in due) and not allowed
    text = json.dumps({**found, "honest_message": message[:300], "wrong": ",".join(allowed), "passed": passed})
    path = os.environ.get("TERMINATION_LOG", "/dev/termination-log")
    if "TERMINATION_LOG" in os.environ or os.path.exists(path):
        with open(path, "w", encoding="utf-8") as log:
            log.write(text)
    print("results:", text, flush=True)


if __name__ == "__main__":
    main()
