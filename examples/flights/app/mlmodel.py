"""Writes a scikit-learn model as an MLflow model directory, without MLflow (which is 0.9 GB of image).

The format is open: a YAML file `MLmodel` beside the pickle and the requirements. It is written last, so
a directory without it is an upload that did not finish.
"""

import datetime
import json
import pickle
import platform
import uuid

import numpy
import pandas
import sklearn

import store


def save(model, inputs, where):
    """Stores the model under the URI `where`; `inputs` gives the signature. Returns the bytes stored."""
    requirements = [
        f"scikit-learn=={sklearn.__version__}",
        f"numpy=={numpy.__version__}",
        f"pandas=={pandas.__version__}",
    ]
    files = {
        "model.pkl": pickle.dumps(model, protocol=5),
        "requirements.txt": ("\n".join(requirements) + "\n").encode(),
        "python_env.yaml": python_env().encode(),
        "MLmodel": describe(inputs).encode(),
    }
    for name, data in files.items():
        store.write(store.join(where, name), data)
    return sum(map(len, files.values()))


def python_env():
    """The interpreter and where its packages are listed."""
    return f"python: {platform.python_version()}\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n"


def describe(inputs):
    """The text of `MLmodel`."""
    columns = [
        {"type": "double" if pandas.api.types.is_numeric_dtype(kind) else "string", "name": name, "required": False}
        for name, kind in inputs.dtypes.items()
    ]
    probabilities = [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]
    return f"""\
flavors:
  python_function:
    env:
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict_proba
    python_version: {platform.python_version()}
  sklearn:
    code: null
    pickled_model: model.pkl
    serialization_format: pickle
    sklearn_version: {sklearn.__version__}
model_uuid: {uuid.uuid4().hex}
signature:
  inputs: '{json.dumps(columns)}'
  outputs: '{json.dumps(probabilities)}'
  params: null
utc_time_created: '{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S.%f}'
"""
