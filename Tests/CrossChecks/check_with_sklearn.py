#!/usr/bin/env python3
"""Compares `lockstep train` with scikit-learn's MLP at equal settings, on the tables that scikit-learn ships.

    check_with_sklearn.py [--lockstep PROGRAM] [--seeds 5] [--keep FOLDER]

For each table and seed, one part of the rows (a quarter, by that seed) is set aside for the test. Both train on the rest, which is
standardised by its own mean and deviation: relu, Adam at 0.001 with its usual constants, Glorot's uniform weights, batches of
32, 200 epochs, no penalty, nothing stopped early. Prints the mean and deviation of the test scores, accuracy for classes and R² for
numbers, and fails where lockstep's mean lies below scikit-learn's by more than the noise: the 95 % interval of the difference
by Student's t, at least 0.005. Two differences stay: first biases are 0 here and Glorot's there, and scikit-learn computes in
Double. Needs scikit-learn 1.5 or newer.
"""
import argparse
import csv
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import warnings

from scipy.stats import t as student
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

TABLES = {
    "breast cancer": (load_breast_cancer, [64, 32]),
    "wine": (load_wine, [64, 32]),
    "digits": (load_digits, [64, 32]),
    "diabetes": (load_diabetes, [64, 32]),
}
EPOCHS, BATCH, RATE = 200, 32, 0.001


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lockstep", default="lockstep", help="the tool (default: from PATH)")
    options.add_argument("--seeds", type=int, default=5, help="how many splits and first weights (default: 5)")
    options.add_argument("--keep", type=pathlib.Path, help="a folder that keeps the CSV files and models")
    given = options.parse_args()
    if given.seeds < 2:
        options.error("--seeds must be at least 2, to tell a difference from noise")
    worse = []
    print(f"{'table':<14} {'score':<9} {'lockstep':>16} {'scikit-learn':>16}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name, (load, hidden) in TABLES.items():
            table = load()
            is_classes = name != "diabetes"
            ours, theirs = [], []
            for seed in range(1, given.seeds + 1):
                parts = train_test_split(
                    table.data, table.target, test_size=0.25, random_state=seed,
                    stratify=table.target if is_classes else None)
                ours.append(lockstep_score(given.lockstep, folder, table, parts, hidden, is_classes, seed))
                theirs.append(sklearn_score(parts, hidden, is_classes, seed))
            # Two standard errors would be too few for a handful of seeds.
            error = ((statistics.variance(ours) + statistics.variance(theirs)) / given.seeds) ** 0.5
            noise = student.ppf(0.975, 2 * (given.seeds - 1)) * error
            if statistics.mean(ours) < statistics.mean(theirs) - max(noise, 0.005):
                worse.append(name)
            columns = " ".join(f"{statistics.mean(s):8.4f} ± {statistics.stdev(s):.3f}" for s in (ours, theirs))
            print(f"{name:<14} {'accuracy' if is_classes else 'R²':<9} {columns}", flush=True)
    if worse:
        sys.exit(f"worse than scikit-learn beyond the noise: {', '.join(worse)}")


def lockstep_score(program, folder, table, parts, hidden, is_classes, seed):
    """Trains and evaluates by CSV files, as a person would."""
    train_input, test_input, train_target, test_target = parts
    names = [str(name).replace(",", " ") for name in table.feature_names]
    stem = folder / f"{seed}"
    for file, inputs, targets in (("train", train_input, train_target), ("test", test_input, test_target)):
        with open(f"{stem}-{file}.csv", "w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow([*names, "target"])
            labels = [f"class{t}" for t in targets] if is_classes else targets
            writer.writerows([*map(repr, map(float, row)), label] for row, label in zip(inputs, labels))
    model = f"{stem}.safetensors"
    run(program, "train", f"{stem}-train.csv", "--target", "target", "--standardize",
        "--loss", "cross-entropy" if is_classes else "mse", "--hidden", ",".join(map(str, hidden)),
        "--optimizer", "adam", "--learning-rate", str(RATE), "--initializer", "xavier", "--epochs", str(EPOCHS),
        "--batch-size", str(BATCH), "--seed", str(seed), "--model", model, "--json")
    result = json.loads(run(program, "evaluate", model, f"{stem}-test.csv", "--json").splitlines()[-1])
    return result["accuracy" if is_classes else "r2"]


def sklearn_score(parts, hidden, is_classes, seed):
    train_input, test_input, train_target, test_target = parts
    scaler = StandardScaler().fit(train_input)
    kind = MLPClassifier if is_classes else MLPRegressor
    network = kind(
        hidden_layer_sizes=hidden, alpha=0, batch_size=BATCH, learning_rate_init=RATE, max_iter=EPOCHS,
        n_iter_no_change=EPOCHS + 1, tol=0, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.fit(scaler.transform(train_input), train_target)
    return float(network.score(scaler.transform(test_input), test_target))


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
