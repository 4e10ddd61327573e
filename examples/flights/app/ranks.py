"""Fits arrival delay to departure delay by gradient descent, in as many processes as there are: each has a part of the rows.

usage: ranks.py STEPS [--raw RAW] [--every N] [--pace SECONDS]
Reads RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, which Millrace sets when container.replicas is above 1. Rank 0 adds
up the gradients and keeps the progress under MILLRACE_CHECKPOINT, where the next attempt goes on. A process that loses a
peer fails at once: the whole attempt is repeated.
"""

import argparse
import csv
import io
import json
import os
import signal
import socket
import sys
import time

import load
import results
import store

RATE = 0.5
HOUR = 60.0  # delays are in minutes; in hours they are near 1
PATIENCE = 120.0  # seconds until all peers must be there


def rows(raw, rank, world):
    """This process's pairs of departure and arrival delay, in hours."""
    data = store.read(store.join(raw, "flights", "flights.csv")) if raw else load.table("flights")
    table = csv.DictReader(io.TextIOWrapper(io.BytesIO(data), "utf-8"))
    mine = []
    for at, row in enumerate(table):
        if at % world == rank and row["dep_delay"] not in ("", "NA") and row["arr_delay"] not in ("", "NA"):
            mine.append((float(row["dep_delay"]) / HOUR, float(row["arr_delay"]) / HOUR))
    return mine


def gradient(mine, state):
    """Sums over these rows: their number, the loss and its two derivatives."""
    a, b = state["a"], state["b"]
    loss = by_a = by_b = 0.0
    for x, y in mine:
        error = a + b * x - y
        loss += error * error
        by_a += error
        by_b += error * x
    return [len(mine), loss, by_a, by_b]


def step(state, sums):
    """The state after one step down the gradient that the sums of all ranks make."""
    count, loss, by_a, by_b = sums
    return {
        "step": state["step"] + 1,
        "a": state["a"] - RATE * by_a / count,
        "b": state["b"] - RATE * by_b / count,
        "loss": loss / count,
    }


def progress(place):
    """Where the last attempt of this run got to; the beginning, if there was none."""
    kept = store.entries(place) if place else []
    return json.loads(store.read(kept[-1].uri)) if kept else {"step": 0, "a": 0.0, "b": 0.0}


def keep(place, state):
    if place:
        store.write(store.join(place, f"step-{state['step']:08}.json"), json.dumps(state).encode())
        print(f"kept step {state['step']}", flush=True)


def talk(stream, message):
    stream.write(json.dumps(message) + "\n")
    stream.flush()


def hear(stream):
    line = stream.readline()
    if not line:
        raise ConnectionError("a peer is gone")
    return json.loads(line)


def gather(world, port):
    """Rank 0's streams to its peers, in order of rank."""
    peers = {}
    with socket.create_server(("", port)) as server:
        server.settimeout(PATIENCE)
        while len(peers) < world - 1:
            stream = server.accept()[0].makefile("rw")
            peers[hear(stream)] = stream
    return [peers[rank] for rank in sorted(peers)]


def join(rank, address, port):
    """A peer's stream to rank 0, whose name may take a while to be known."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            stream = socket.create_connection((address, port), timeout=5)
            break
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
    stream.settimeout(None)
    stream = stream.makefile("rw")
    talk(stream, rank)
    return stream


def lead(mine, peers, task):
    """Rank 0: adds up, steps, keeps, tells. Returns the last state and the step it began at."""
    state = progress(task.place)
    resumed = state["step"]
    print(f"attempt {os.environ.get('MILLRACE_ATTEMPT', '1')} begins after step {resumed}", flush=True)
    while state["step"] < task.steps:
        for peer in peers:
            talk(peer, state)
        all_sums = [gradient(mine, state)] + [hear(peer) for peer in peers]
        state = step(state, [sum(part) for part in zip(*all_sums)])
        if state["step"] % task.every == 0:
            keep(task.place, state)
        time.sleep(task.pace)
    for peer in peers:
        talk(peer, None)
    return state, resumed


def follow(mine, stream):
    """The other ranks: a gradient for every state, until there is none."""
    while (state := hear(stream)) is not None:
        talk(stream, gradient(mine, state))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser()
    parser.add_argument("steps", type=int)
    parser.add_argument("--raw")
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("--pace", type=float, default=0.0)
    task = parser.parse_args()
    task.place = os.environ.get("MILLRACE_CHECKPOINT")
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    address, port = os.environ.get("MASTER_ADDR", "localhost"), int(os.environ.get("MASTER_PORT", "29500"))
    mine = rows(task.raw, rank, world)
    print(f"rank {rank} of {world}: {len(mine)} rows", flush=True)
    if rank > 0:
        return follow(mine, join(rank, address, port))
    state, resumed = lead(mine, gather(world, port) if world > 1 else [], task)
    attempt = int(os.environ.get("MILLRACE_ATTEMPT", "1"))
    results.report(**state, world=world, attempt=attempt, resumed=resumed)


if __name__ == "__main__":
    main()
