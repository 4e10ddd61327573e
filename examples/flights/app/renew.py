"""Writes and reads back an object every few seconds, for longer than a credential lives. Story helper.

usage: renew.py URI SECONDS [EVERY]
Counts the credentials it was served by the store's own client; a refused write ends it with an error.
"""

import datetime
import sys
import time

import results
import store


def main():
    place, seconds = store.for_boto(sys.argv[1]), float(sys.argv[2])
    every = float(sys.argv[3]) if len(sys.argv) > 3 else 20.0
    began, writes, keys = time.monotonic(), 0, set()
    while True:
        stamp = datetime.datetime.now(datetime.UTC).isoformat().encode()
        target = store.join(place, f"renew-{writes % 10}.txt")
        store.write(target, stamp)
        if store.read(target) != stamp:
            raise RuntimeError(f"{target} does not hold what was written")
        writes += 1
        keys.add(access_key())
        print(f"{time.monotonic() - began:7.0f} s  write {writes}  credentials so far {len(keys)}", flush=True)
        if time.monotonic() - began + every > seconds:
            break
        time.sleep(every)
    results.report(writes=writes, credentials=len(keys), seconds=round(time.monotonic() - began, 1))


def access_key():
    """The key id the client signs with now; only counted, never printed."""
    credentials = store.client()._request_signer._credentials
    return credentials.get_frozen_credentials().access_key if credentials else "none"


if __name__ == "__main__":
    main()
