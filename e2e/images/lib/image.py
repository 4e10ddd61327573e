"""Writes a docker-archive from layer tars and a small JSON config.

usage: image.py --name REF --config FILE --out FILE LAYER.tar...

The config is the `config` object of an image (User, Env, Entrypoint, Cmd, WorkingDir, ...).
No daemon and no root: layers are plain uncompressed tars, named by their digest, so that
images which share a layer file share the blob after import.
"""

import argparse
import hashlib
import io
import json
import tarfile


def digest(path):
    total = hashlib.sha256()
    with open(path, "rb") as layer:
        while chunk := layer.read(1 << 20):
            total.update(chunk)
    return total.hexdigest()


def add(archive, name, data):
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("layers", nargs="+")
    args = parser.parse_args()

    digests = [digest(layer) for layer in args.layers]
    with open(args.config, encoding="utf-8") as source:
        config = json.load(source)
    image = {
        "architecture": "amd64",
        "os": "linux",
        # A fixed date keeps the image's id a function of its content.
        "created": "1970-01-01T00:00:00Z",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{d}" for d in digests]},
        "history": [{"created": "1970-01-01T00:00:00Z"} for _ in digests],
    }
    body = json.dumps(image, sort_keys=True).encode()
    config_name = hashlib.sha256(body).hexdigest() + ".json"
    names = [f"{d}/layer.tar" for d in digests]
    manifest = [{"Config": config_name, "RepoTags": [args.name], "Layers": names}]

    with tarfile.open(args.out, "w", format=tarfile.USTAR_FORMAT) as archive:
        add(archive, config_name, body)
        add(archive, "manifest.json", json.dumps(manifest).encode())
        for name, path in dict(zip(names, args.layers)).items():
            entry = archive.gettarinfo(path, name)
            entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "", ""
            with open(path, "rb") as layer:
                archive.addfile(entry, layer)


main()
