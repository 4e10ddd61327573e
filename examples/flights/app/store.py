"""One small door to objects, for `s3://`, `s3a://` and `file://` URIs.

Credentials, region and endpoint are boto3's own business (AWS_CONFIG_FILE and AWS_ENDPOINT_URL);
nothing here may read or pass them, so that renewed credentials are picked up by themselves.
"""

import functools
import hashlib
import os
import pathlib
from typing import NamedTuple
from urllib.parse import urlsplit


class Entry(NamedTuple):
    """One stored object: its URI, its size in bytes, its MD5 in hex (or the store's ETag)."""

    uri: str
    size: int
    etag: str


def bucket(name, given=None):
    """The URI of a declared bucket: as given, else from BUCKET_<NAME>, which may be a bare bucket name."""
    value = given or os.environ.get("BUCKET_" + name.upper().replace("-", "_"))
    if not value:
        raise SystemExit(f"no address for bucket {name}: pass its URI as an argument or set BUCKET_{name.upper()}")
    return value.rstrip("/") if "://" in value else f"s3://{value.rstrip('/')}"


def join(base, *parts):
    """`base` with path parts appended by single slashes."""
    return "/".join([base.rstrip("/"), *(p.strip("/") for p in parts)])


def for_spark(uri):
    """The same place under the scheme that Spark's S3A connector answers to."""
    return "s3a://" + uri.removeprefix("s3://") if uri.startswith("s3://") else uri


def for_boto(uri):
    """The same place under the scheme the rest of the world writes."""
    return "s3://" + uri.removeprefix("s3a://") if uri.startswith("s3a://") else uri


def entries(uri):
    """Every object under the prefix, sorted by URI. The prefix is a folder: `a` does not find `ab/x`."""
    scheme, place, key = _split(uri)
    if scheme == "file":
        root = pathlib.Path(key)
        files = sorted(p for p in root.rglob("*") if p.is_file()) if root.is_dir() else []
        return [Entry(f"file://{p}", p.stat().st_size, hashlib.md5(p.read_bytes()).hexdigest()) for p in files]
    found = []
    pages = client().get_paginator("list_objects_v2").paginate(Bucket=place, Prefix=key.rstrip("/") + "/" if key else "")
    for page in pages:
        for item in page.get("Contents", []):
            found.append(Entry(f"s3://{place}/{item['Key']}", item["Size"], item["ETag"].strip('"')))
    return sorted(found)


def read(uri):
    """The bytes of one object."""
    scheme, place, key = _split(uri)
    if scheme == "file":
        return pathlib.Path(key).read_bytes()
    return client().get_object(Bucket=place, Key=key)["Body"].read()


def write(uri, data):
    """Stores one object whole; an object of the same name is replaced."""
    scheme, place, key = _split(uri)
    if scheme == "file":
        path = pathlib.Path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    else:
        client().put_object(Bucket=place, Key=key, Body=data)


@functools.cache
def client():
    """The one S3 client of this process."""
    import boto3  # late: local runs on file:// URIs do without it

    return boto3.client("s3")


def _split(uri):
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return "file", "", parts.path
    if parts.scheme in ("s3", "s3a") and parts.netloc:
        return "s3", parts.netloc, parts.path.lstrip("/")
    raise ValueError(f"not an s3://, s3a:// or file:// URI: {uri!r}")
