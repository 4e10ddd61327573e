"""Three processes that lose one of them, and go on from what they kept: the result is that of one process."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

import store

SCRIPT = pathlib.Path(__file__).parent.parent / "app" / "ranks.py"


class Ranks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = f"file://{folder.name}"
        lines = ["dep_delay,arr_delay"] + [f"{x % 90 - 10},{x % 90 - 15 + x % 7}" for x in range(900)] + ["NA,NA"]
        store.write(store.join(self.place, "raw", "flights", "flights.csv"), "\n".join(lines).encode())

    def start(self, steps, world, attempt, pace="0"):
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        started = []
        for rank in range(world):
            env = {
                **os.environ,
                "PYTHONPATH": str(SCRIPT.parent),
                "RANK": str(rank),
                "WORLD_SIZE": str(world),
                "MASTER_ADDR": "localhost",
                "MASTER_PORT": str(port),
                "MILLRACE_ATTEMPT": str(attempt),
                "MILLRACE_CHECKPOINT": store.join(self.place, f"kept-{world}"),
                "TERMINATION_LOG": os.path.join(self.place.removeprefix("file://"), f"log-{rank}"),
            }
            command = [sys.executable, str(SCRIPT), str(steps), "--raw", store.join(self.place, "raw"), "--pace", pace]
            one = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            started.append(one)
        return started

    def results(self, started):
        for one in started:
            out, err = one.communicate(timeout=60)
            self.assertEqual(one.returncode, 0, out + err)
        return json.loads(pathlib.Path(self.place.removeprefix("file://"), "log-0").read_text())

    def test_a_lost_peer_fails_all_and_the_next_attempt_goes_on(self):
        alone = self.results(self.start(20, 1, 1))
        first = self.start(20, 3, 1, pace="0.2")
        while first[0].stdout.readline() != "kept step 5\n":
            self.assertIsNone(first[0].poll(), "rank 0 ended early")
        first[1].kill()
        for one in first:
            one.communicate(timeout=60)
        self.assertNotEqual(first[0].returncode, 0)
        self.assertNotEqual(first[2].returncode, 0)
        together = self.results(self.start(20, 3, 2))
        self.assertEqual((together["attempt"], together["world"], together["step"]), (2, 3, 20))
        self.assertGreaterEqual(together["resumed"], 5)
        for name in ["a", "b", "loss"]:
            self.assertAlmostEqual(together[name], alone[name], places=9)


if __name__ == "__main__":
    unittest.main()
