"""Tries the walls around a job's data from inside it, with boto3 and nothing but the job's own settings.

usage: probe.py --own URI [--read URI] [--sibling URI] [--other URI]
  --own      declared prefix that may be written: put, get, list, delete must work
  --read     declared prefix that may only be read: list and get work (if it holds an object), put is denied
  --sibling  another prefix of the same bucket: put, get, list, delete are denied
  --other    another bucket: the same, and so is the listing of all its objects and of all buckets
Ends well whatever it finds and reports what each try gave, `ok` or the store's error code, and
`passed`, true when every try gave what it should. Needs Python and boto3 only.
"""

import argparse
import json
import os
import uuid

DENIED = ("AccessDenied", "403", "Forbidden", "AllAccessDisabled")


def attempt(call):
    """`ok`, or the error code of the store (or the name of the exception)."""
    from botocore.exceptions import ClientError

    try:
        call()
        return "ok"
    except ClientError as error:
        return error.response["Error"]["Code"]
    except Exception as error:
        return type(error).__name__


def place(uri):
    """Bucket and prefix (ending with a slash, or empty) of an s3:// or s3a:// URI."""
    bucket, _, prefix = uri.split("://", 1)[1].partition("/")
    return bucket, prefix.rstrip("/") + "/" if prefix.strip("/") else ""


def verbs(client, uri):
    """Every verb on one place; `get` and `delete` are of an object of our own where we could put one."""
    bucket, prefix = place(uri)
    key = f"{prefix}probe-{uuid.uuid4().hex}"
    return {
        "put": attempt(lambda: client.put_object(Bucket=bucket, Key=key, Body=b"probe")),
        "get": attempt(lambda: client.get_object(Bucket=bucket, Key=key)["Body"].read()),
        "list": attempt(lambda: client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)),
        "multipart": attempt(lambda: multipart(client, bucket, key)),
        "delete": attempt(lambda: client.delete_object(Bucket=bucket, Key=key)),
    }


def multipart(client, bucket, key):
    """Starts an upload in parts and gives it up."""
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)


def probe(own, read=None, sibling=None, other=None):
    """All tries as a flat dictionary, and whether they gave what they should."""
    import boto3

    client = boto3.client("s3")
    found, wrong = {}, []

    def expect(name, result, allowed):
        found[name] = result
        if (result == "ok") if not allowed else (result != "ok"):
            wrong.append(name)
        elif not allowed and result not in DENIED:
            wrong.append(name)  # denied by anything but the store's own word proves nothing

    for verb, result in verbs(client, own).items():
        expect(f"own_{verb}", result, True)
    for name, uri in (("sibling", sibling), ("other", other)):
        if uri:
            for verb, result in verbs(client, uri).items():
                expect(f"{name}_{verb}", result, False)
    if sibling:
        bucket, _ = place(sibling)
        expect("whole_bucket_list", attempt(lambda: client.list_objects_v2(Bucket=bucket, MaxKeys=1)), False)
    if read:
        bucket, prefix = place(read)
        pages = []
        expect("read_list", attempt(lambda: pages.append(client.list_objects_v2(Bucket=bucket, Prefix=prefix))), True)
        for item in pages[0].get("Contents", [])[:1] if pages else []:
            expect("read_get", attempt(lambda: client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read(1)), True)
            expect("read_delete", attempt(lambda: client.delete_object(Bucket=bucket, Key=item["Key"])), False)
        target = f"{prefix}probe-{uuid.uuid4().hex}"
        expect("read_put", attempt(lambda: client.put_object(Bucket=bucket, Key=target, Body=b"x")), False)
    expect("create_bucket", attempt(lambda: client.create_bucket(Bucket=f"probe-{uuid.uuid4().hex}")), False)
    # MinIO answers this one with the buckets the caller may use at all; any other name is a hole.
    names = []
    attempt(lambda: names.extend(b["Name"] for b in client.list_buckets()["Buckets"]))
    declared = {value.split("://")[-1].split("/")[0] for name, value in os.environ.items() if name.startswith("BUCKET_")}
    foreign = set(names) - declared - {place(u)[0] for u in (own, read, sibling) if u}
    expect("foreign_buckets_seen", "ok" if foreign else "AccessDenied", False)
    found["token"] = os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token")
    found["secret_in_environment"] = any(
        name.startswith("AWS_") and ("KEY" in name or "TOKEN" in name) for name in os.environ
    )
    if found["secret_in_environment"]:
        wrong.append("secret_in_environment")
    return {**found, "wrong": ",".join(wrong), "passed": not wrong}


def arguments():
    """The places to try, as given on the command line."""
    parser = argparse.ArgumentParser(description="tries the walls around a job's data")
    parser.add_argument("--own", required=True)
    for name in ("read", "sibling", "other"):
        parser.add_argument(f"--{name}")
    return vars(parser.parse_args())


def report(values):
    """Prints the results and writes them to the termination log, if there is one."""
    text = json.dumps(values, separators=(",", ":"))
    path = os.environ.get("TERMINATION_LOG", "/dev/termination-log")
    if "TERMINATION_LOG" in os.environ or os.path.exists(path):
        with open(path, "w", encoding="utf-8") as log:
            log.write(text)
    print("results:", text, flush=True)


if __name__ == "__main__":
    report(probe(**arguments()))
