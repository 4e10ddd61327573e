"""Trains a model for `late` on the features, by time: the last months are for the test, never seen before.

usage: train.py [URI of the features] [URI of the models] [--year 2013] [--test-from 10] [--run NAME]
Beside the model's AUC stand those of a constant and of the same model taught with shuffled labels: the
first says what chance is, the second that nothing leaks. Everything is in memory: no disk is needed.
"""

import argparse
import io
import os
import re
import resource
import time
import uuid

# One thread, set before numpy loads OpenMP. On a busy node threads wait for each other at every split:
# 155 s with two where one needs 9.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy
import pandas
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

import columns
import mlmodel
import results
import store

SEED = 20130101


def table(place):
    """All labelled flights under `place`; the month comes from the path, as Spark wrote it."""
    parts = []
    wanted = [*columns.FEATURES, columns.LABEL]
    for entry in store.entries(place):
        month = re.search(rf"/{columns.PARTITION}=(\d+)/[^/]*\.parquet$", entry.uri)
        if month:
            part = pandas.read_parquet(io.BytesIO(store.read(entry.uri)), columns=wanted)
            part = part[part[columns.LABEL].notna()].astype(dict.fromkeys(columns.NUMBERS, "float32"))
            parts.append(part.assign(**{columns.PARTITION: int(month[1])}))
    if not parts:
        raise SystemExit(f"no features under {place}")
    rows = pandas.concat(parts, ignore_index=True)
    # Object order is the store's; the model must not depend on the names Spark gave its files.
    return rows.sort_values([columns.PARTITION, *columns.FEATURES], kind="stable", ignore_index=True)


def estimator():
    """A small gradient boosting; missing values are its own business, rare airports an unknown."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    prepare = ColumnTransformer([("codes", codes, columns.CATEGORIES)], remainder="passthrough")
    boost = HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.08,
        min_samples_leaf=200,
        categorical_features=list(range(len(columns.CATEGORIES))),
        early_stopping=False,
        random_state=SEED,
    )
    return Pipeline([("prepare", prepare), ("boost", boost)])


def fit(train, label):
    """A fitted model."""
    return estimator().fit(train[columns.FEATURES], label)


def auc(model, test):
    """Area under the ROC curve on the test months."""
    return float(roc_auc_score(test[columns.LABEL], model.predict_proba(test[columns.FEATURES])[:, 1]))


def evaluate(rows, test_from):
    """The model, and its figures beside the two that know nothing."""
    train, test = rows[rows[columns.PARTITION] < test_from], rows[rows[columns.PARTITION] >= test_from]
    for name, part in (("training", train), ("test", test)):
        if part[columns.LABEL].nunique() < 2:
            raise SystemExit(f"the {name} months (split at month {test_from}) do not hold late and punctual flights both")
    label = train[columns.LABEL].astype(int)
    model = fit(train, label)
    shuffled = fit(train, numpy.random.default_rng(SEED).permutation(label))
    constant = numpy.full(len(test), label.mean())
    return model, {
        "auc": round(auc(model, test), 4),
        "auc_constant": round(float(roc_auc_score(test[columns.LABEL], constant)), 4),
        "auc_shuffled": round(auc(shuffled, test), 4),
        "rows": len(rows),
        "rows_train": len(train),
        "rows_test": len(test),
        "late_share": round(float(rows[columns.LABEL].mean()), 4),
    }


def main():
    parser = argparse.ArgumentParser(description="a model of late arrivals")
    parser.add_argument("features", nargs="?", help="URI of the features bucket")
    parser.add_argument("models", nargs="?", help="URI of the models bucket")
    parser.add_argument("--year", type=int, default=2013)
    parser.add_argument("--test-from", type=int, default=10, help="first month of the test")
    parser.add_argument("--run", default="local", help="name of the run, first part of the model's path")
    args = parser.parse_args()
    began = time.monotonic()
    source = store.join(store.for_boto(store.bucket("features", args.features)), f"year={args.year}")
    models = store.for_boto(store.bucket("models", args.models))
    rows = table(source)
    model, figures = evaluate(rows, args.test_from)
    # A fresh place every time: a retry must never change the files of a version already registered.
    where = store.join(models, "flight-delays", args.run, uuid.uuid4().hex[:12])
    size = mlmodel.save(model, rows[columns.FEATURES], where)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    seconds = round(time.monotonic() - began, 1)
    results.report(**figures, model=where, model_bytes=size, peak_mib=peak, seconds=seconds)


if __name__ == "__main__":
    main()
