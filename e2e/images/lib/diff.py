"""Writes the layer that turns one root file system into another.

usage: diff.py BASE.tar NEW.tar OUT.tar [--without GLOB...]

Compares content, type, mode and owner, not times, so two bootstraps of the same packages
give an empty layer. Paths that are gone become whiteouts; new paths that match a glob stay out.
"""

import fnmatch
import hashlib
import sys
import tarfile


def content(archive, entry):
    if not entry.isreg():
        return None
    total = hashlib.sha256()
    source = archive.extractfile(entry)
    while chunk := source.read(1 << 20):
        total.update(chunk)
    return total.digest()


def name_of(entry):
    return entry.name.removeprefix("./").rstrip("/") or "."


def identity(archive, entry):
    return (entry.type, entry.mode, entry.uid, entry.gid, entry.linkname, content(archive, entry))


def main():
    base_path, new_path, out_path, *rest = sys.argv[1:]
    without = rest[1:]
    with tarfile.open(base_path) as base:
        before = {name_of(e): identity(base, e) for e in base}

    seen = set()
    with tarfile.open(new_path) as new, tarfile.open(out_path, "w", format=tarfile.PAX_FORMAT) as out:
        links = {name_of(e): e.linkname.removeprefix("./") for e in new if e.islnk()}
        changed = {name_of(e) for e in new if before.get(name_of(e)) != identity(new, e)}
        # A hard link needs its target in the same layer.
        wanted = changed | {links[n] for n in changed if n in links}
        for entry in new:
            seen.add(name_of(entry))
            if any(fnmatch.fnmatch(name_of(entry), glob) for glob in without):
                continue
            if name_of(entry) in wanted:
                out.addfile(entry, new.extractfile(entry) if entry.isreg() else None)
        gone = {n for n in before if n not in seen}
        for name in sorted(gone):
            parent, _, leaf = name.rpartition("/")
            if parent in gone:
                continue
            out.addfile(tarfile.TarInfo(f"{parent}/.wh.{leaf}" if parent else f".wh.{leaf}"))


main()
