"""Makes the scripts of app/ importable: they import each other by bare name, as they do in the image."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "app"))
