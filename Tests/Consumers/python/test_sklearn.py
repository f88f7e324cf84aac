# The estimators: scikit-learn's own checks, and what its users do with them.
import pickle
import unittest

import numpy as np
from lockstep.sklearn import LockstepClassifier, LockstepRegressor
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits, load_iris, make_multilabel_classification
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator


class Checks(unittest.TestCase):
    def test_scikit_learns_checks(self):
        for estimator in (LockstepRegressor(), LockstepClassifier()):
            results = check_estimator(estimator, on_skip=None, on_fail=None)
            counts = {}
            for result in results:
                counts[result["status"]] = counts.get(result["status"], 0) + 1
                if result["status"] == "skipped":
                    print(f"SKIPPED: {result['check_name']}: {result['exception']}")
                with self.subTest(result["check_name"], estimator=type(estimator).__name__):
                    self.assertIn(result["status"], ("passed", "skipped"), repr(result["exception"]))
            print(f"{type(estimator).__name__}: {counts} of check_estimator")


class Regression(unittest.TestCase):
    def test_learns_from_scaled_data(self):
        x, y = load_diabetes(return_X_y=True)
        estimator = TransformedTargetRegressor(
            make_pipeline(StandardScaler(), LockstepRegressor((16,), epochs=50, random_state=0)),
            transformer=StandardScaler(),
        )
        self.assertGreater(cross_val_score(estimator, x, y, cv=3).mean(), 0.35)

    def test_several_outputs_in_either_precision(self):
        x = np.random.default_rng(1).normal(size=(60, 3))
        y = np.stack([x.sum(axis=1), x[:, 0]], axis=1)
        for dtype in ("float32", "float64"):
            estimator = LockstepRegressor((), dtype=dtype, random_state=0).fit(x, y)
            self.assertEqual(estimator.network_.dtype, dtype)
            self.assertEqual(estimator.predict(x).shape, y.shape)
            self.assertGreater(estimator.score(x, y), 0.99)

    def test_divergence_is_an_error(self):
        x = np.arange(40.0).reshape(20, 2) * 1000
        with self.assertRaises(ArithmeticError):
            LockstepRegressor(()).fit(x, x[:, 0])


class Classification(unittest.TestCase):
    def test_learns_digits(self):
        x, y = load_digits(return_X_y=True)
        estimator = make_pipeline(StandardScaler(), LockstepClassifier(epochs=20, random_state=0))
        self.assertGreater(cross_val_score(estimator, x, y, cv=3).mean(), 0.9)

    def test_two_classes_with_names(self):
        x, y = load_iris(return_X_y=True)
        names = np.array(["ape", "zebra"])[(y == 2).astype(int)]
        estimator = make_pipeline(StandardScaler(), LockstepClassifier(random_state=0)).fit(x, names)
        self.assertEqual(estimator.classes_.tolist(), ["ape", "zebra"])
        self.assertEqual(estimator[-1].network_.sizes, (4, 64, 1))
        self.assertGreater(estimator.score(x, names), 0.95)
        probabilities = estimator.predict_proba(x)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        np.testing.assert_array_equal(estimator.classes_[probabilities.argmax(axis=1)], estimator.predict(x))

    def test_labels_that_stand_together(self):
        x, y = make_multilabel_classification(200, 10, n_classes=3, random_state=1)
        estimator = make_pipeline(StandardScaler(), LockstepClassifier(random_state=0)).fit(x, y)
        self.assertEqual(estimator.predict(x).shape, y.shape)
        self.assertGreater(estimator.score(x, y), 0.8)
        np.testing.assert_array_equal(estimator.predict_proba(x) > 0.5, estimator.predict(x) == 1)

    def test_probabilities_of_far_logits(self):
        x = np.array([[-1e4], [1e4]] * 10)
        for y in ([0, 1] * 10, [0, 1, 2, 1] * 5):
            probabilities = (
                LockstepClassifier((), learning_rate=1e-6, epochs=3, random_state=0).fit(x, y).predict_proba(1e6 * x)
            )
            self.assertTrue(np.isfinite(probabilities).all())
            np.testing.assert_allclose(probabilities.sum(axis=1), 1)


class Habits(unittest.TestCase):
    def test_random_states(self):
        x, y = load_iris(return_X_y=True)

        def digest(state):
            return LockstepClassifier(epochs=2, random_state=state).fit(x, y).network_.digest

        self.assertEqual(digest(3), digest(3))
        self.assertEqual(digest(3), digest(np.random.RandomState(3)))
        self.assertNotEqual(digest(3), digest(4))
        # Where nobody names a state, it is NumPy's.
        np.random.seed(5)
        first = digest(None)
        self.assertNotEqual(first, digest(None))
        np.random.seed(5)
        self.assertEqual(first, digest(None))

    def test_backends_are_hyper_parameters_that_change_no_bit(self):
        x, y = load_iris(return_X_y=True)
        digests = {
            clone(LockstepClassifier(epochs=2, random_state=1))
            .set_params(backend=backend, threads=threads)
            .fit(x, y)
            .network_.digest
            for backend, threads in (("auto", None), ("scalar", None), ("simd", None), ("openmp", 2))
        }
        self.assertEqual(len(digests), 1)

    def test_searches_in_several_processes(self):
        x, y = load_iris(return_X_y=True)
        pipeline = make_pipeline(StandardScaler(), LockstepClassifier(epochs=20, random_state=0, threads=1))
        grid = {
            "lockstepclassifier__hidden_layer_sizes": [(), (8,), 16],
            "lockstepclassifier__dtype": ["float32", "float64"],
        }
        searches = [GridSearchCV(pipeline, grid, cv=3, n_jobs=jobs, error_score="raise").fit(x, y) for jobs in (1, 2)]
        np.testing.assert_array_equal(*(search.cv_results_["mean_test_score"] for search in searches))
        self.assertGreater(searches[0].best_score_, 0.9)

    def test_pickles_predict_the_same(self):
        x, y = load_iris(return_X_y=True)
        estimator = LockstepClassifier(epochs=2, random_state=1).fit(x, y)
        other = pickle.loads(pickle.dumps(estimator))
        self.assertEqual(other.network_.digest, estimator.network_.digest)
        np.testing.assert_array_equal(other.predict_proba(x), estimator.predict_proba(x))

    def test_hyper_parameters_that_are_none(self):
        x, y = load_iris(return_X_y=True)
        for options in (
            {"activation": "swish"},
            {"hidden_layer_sizes": (0,)},
            {"hidden_layer_sizes": (2.5,)},
            {"epochs": -1},
            {"batch_size": 0},
            {"dtype": "float16"},
            {"backend": "gpu"},
            {"learning_rate": float("inf")},
            {"threads": 0},
        ):
            for kind in (LockstepClassifier, LockstepRegressor):
                with self.subTest(kind.__name__, **options), self.assertRaises((TypeError, ValueError)):
                    kind(**options).fit(x, y)


if __name__ == "__main__":
    unittest.main()
