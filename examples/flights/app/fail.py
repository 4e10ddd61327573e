"""A job that fails by its own fault: raises a ValueError with the message given. Story helper.

usage: fail.py [MESSAGE]      runs as a container and as a Spark driver alike
"""

import sys

MESSAGE = "the departures of gate 51 do not add up"

if __name__ == "__main__":
    raise ValueError(" ".join(sys.argv[1:]) or MESSAGE)
