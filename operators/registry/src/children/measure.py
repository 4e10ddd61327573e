"""Counts the files at a place in a bucket and their bytes, with the grant of the pod: `measure.py BUCKET PATH`.

The place is a directory, or one file. Exit codes: 3 the store does not answer, 4 it refuses. The last words, on success
the figures, go to the termination log.
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def tell(words):
    print(words, flush=True)
    try:
        with open("/dev/termination-log", "w", encoding="utf-8") as log:
            log.write(words[-1500:])
    except OSError:
        pass


def main(bucket, path):
    store = boto3.client("s3", config=Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 3}))
    files = size = 0
    try:
        for page in store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=path):
            for entry in page.get("Contents", []):
                key = entry["Key"]
                # An empty object with a slash at its end is a directory in some tools.
                if (key == path or key.startswith(path + "/")) and not key.endswith("/"):
                    files += 1
                    size += entry["Size"]
    except ClientError as error:
        tell(f"the store refuses to list s3://{bucket}/{path}: {error}")
        sys.exit(4)
    except Exception as error:
        tell(f"the store does not answer: {type(error).__name__}: {error}")
        sys.exit(3)
    tell(json.dumps({"files": files, "bytes": size}))


main(*sys.argv[1:])
