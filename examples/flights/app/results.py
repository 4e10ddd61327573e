"""Hands a step's results back: one flat JSON object of scalars in the container's termination log.

That is plain Kubernetes: the kubelet gives the file, Millrace reads it when the container ended well.
"""

import json
import os

LIMIT = 3072  # bytes; Kubernetes keeps 4,096 of all containers of a pod together


def report(**values):
    """Prints the results and, where a termination log exists, writes them there. Call it last."""
    text = encode(values)
    path = os.environ.get("TERMINATION_LOG", "/dev/termination-log")
    # Only a container has the default file; a plain machine must not get one made in /dev.
    if "TERMINATION_LOG" in os.environ or os.path.exists(path):
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
    print("results:", text, flush=True)


def encode(values):
    """The JSON text; refuses what the operator would refuse, while the traceback still points here."""
    for name, value in values.items():
        if not isinstance(value, (str, bool, int, float)):
            raise TypeError(f"result {name} is a {type(value).__name__}; results are flat: strings, numbers, booleans")
    text = json.dumps(values, allow_nan=False, separators=(",", ":"))
    size = len(text.encode())
    if size > LIMIT:
        raise ValueError(f"results are {size} bytes, at most {LIMIT} fit; put larger data into a bucket")
    return text
