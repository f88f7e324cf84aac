# Estimators in scikit-learn's habits over Network. They are imported by who asks for this module; nothing else of
# Lockstep needs scikit-learn.
"""A classifier and a regressor for scikit-learn.

Both learn by plain gradient descent, with defaults for inputs (and targets of the regressor) that are scaled to about
-1 to 1: put a ``StandardScaler`` before them in a pipeline, and a ``TransformedTargetRegressor`` around the regressor
where targets are large. The same random state and data give the same network on every machine.
"""

from __future__ import annotations

from typing import Any, Optional, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from ._backend import Backend
from ._errors import ArgumentError
from ._library import ACTIVATIONS, constant
from ._network import Network

__all__ = ["LockstepClassifier", "LockstepRegressor"]


class _Estimator(BaseEstimator):
    """What both estimators share: hyper-parameters, and the training of a network."""

    #: What suits scaled data.
    _default_learning_rate: float

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (64,),
        activation: str = "relu",
        *,
        learning_rate: Optional[float] = None,
        epochs: int = 200,
        batch_size: int = 32,
        shuffle: bool = True,
        random_state: Any = None,
        dtype: str = "float32",
        backend: str = "auto",
        threads: Optional[int] = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.random_state = random_state
        self.dtype = dtype
        self.backend = backend
        self.threads = threads

    def _fit(self, x: NDArray[Any], y: NDArray[Any], loss: str) -> None:
        """Trains a new network on ``[samples x features]`` and ``[samples x outputs]``."""
        hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object)).tolist()
        # Seeds of their own, so that parameters and orders do not hang together.
        parameter_seed, order_seed = check_random_state(self.random_state).randint(0, 2**31 - 1, size=2)
        constant(self.activation, ACTIVATIONS, "activation")
        network = Network(
            [x.shape[1], *hidden, y.shape[1]],
            self.activation,
            seed=parameter_seed,
            dtype=self.dtype,
            backend=None if self.backend == "auto" and self.threads is None else Backend(self.backend, self.threads),
        )
        self.loss_ = network.fit(
            x,
            y,
            loss=loss,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self._default_learning_rate if self.learning_rate is None else self.learning_rate,
            shuffle=self.shuffle,
            seed=order_seed,
        )
        self.network_ = network
        self.n_iter_ = self.epochs

    def _validated(self, x: ArrayLike, y: Any, **options: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        if np.dtype(self.dtype) not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise ArgumentError(f"dtype is {self.dtype!r}; it must be 'float32' or 'float64'")
        return validate_data(self, x, y, dtype=np.dtype(self.dtype), order="C", **options)

    def _outputs(self, x: ArrayLike) -> NDArray[Any]:
        """The network's outputs, ``[samples x outputs]``."""
        check_is_fitted(self)
        return self.network_.predict(validate_data(self, x, dtype=self.network_.dtype, order="C", reset=False))


class LockstepRegressor(RegressorMixin, _Estimator):
    """A dense network that is trained for the mean squared error.

    Args:
        hidden_layer_sizes: the widths of the hidden layers; empty for a linear model.
        activation: what they apply: ``"identity"``, ``"relu"``, ``"leaky-relu"``, ``"tanh"``, ``"sigmoid"``, ``"elu"``,
            ``"softplus"``, ``"silu"`` or ``"gelu"``.
        learning_rate: of gradient descent; ``None`` for what suits scaled data, 0.01 here and 0.1 in the classifier.
        epochs: how often every sample is seen.
        batch_size: samples in a step.
        shuffle: whether each epoch has a new random order of samples.
        random_state: an int for the same network in each call of ``fit``, a ``RandomState``, or ``None``.
        dtype: the arithmetic, ``"float32"`` or ``"float64"``.
        backend: what computes, by its name as ``lockstep.Backend`` takes it; no result depends on it.
        threads: how many threads ``"openmp"`` uses; ``None`` for as many as there are.

    Attributes:
        network_: the trained ``lockstep.Network``.
        loss_: the mean of the last epoch's losses.
        n_iter_: how many epochs it was trained for.
        n_features_in_, feature_names_in_: as in scikit-learn.
    """

    _default_learning_rate = 0.01

    def fit(self, X: ArrayLike, y: ArrayLike) -> LockstepRegressor:
        """Trains on samples ``[samples x features]`` and targets ``[samples]`` or ``[samples x outputs]``.

        Raises:
            NotFiniteError: the training diverged; scale the data, or take a smaller learning rate.
        """
        X, y = self._validated(X, y, multi_output=True, y_numeric=True)
        self._is_flat = y.ndim == 1
        self._fit(X, y.reshape(-1, 1) if self._is_flat else y, "mse")
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """The targets of samples ``[samples x features]``, in the shape that ``fit`` had."""
        outputs = self._outputs(X).astype(np.float64)
        return outputs.ravel() if self._is_flat else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class LockstepClassifier(ClassifierMixin, _Estimator):
    """A dense network that is trained for the cross-entropy of classes, or of labels that may stand together.

    ``predict`` decides by the network's outputs, which have the same bits everywhere; probabilities are made of them by
    NumPy and may differ in their last bits from one machine to the other.

    Args:
        hidden_layer_sizes, activation, learning_rate, epochs, batch_size, shuffle, random_state, dtype, backend,
        threads: as for ``LockstepRegressor``.

    Attributes:
        classes_: the classes, sorted.
        network_: the trained ``lockstep.Network``; its outputs are logits, a single one for two classes.
        loss_: the mean of the last epoch's losses.
        n_iter_: how many epochs it was trained for.
        n_features_in_, feature_names_in_: as in scikit-learn.
    """

    _default_learning_rate = 0.1

    def fit(self, X: ArrayLike, y: ArrayLike) -> LockstepClassifier:
        """Trains on samples ``[samples x features]`` and classes ``[samples]``, or labels of 0 and 1
        ``[samples x labels]``.

        Raises:
            NotFiniteError: the training diverged; scale the data, or take a smaller learning rate.
        """
        X, y = self._validated(X, y, multi_output=True)
        check_classification_targets(y)
        self._is_multilabel = type_of_target(y) == "multilabel-indicator"
        if not self._is_multilabel and y.ndim == 2:
            if y.shape[1] > 1:
                raise ValueError("y has several columns of classes; one classifier for each is MultiOutputClassifier")
            y = column_or_1d(y, warn=True)
        binarizer = LabelBinarizer().fit(y)
        self.classes_ = binarizer.classes_
        # One column for two classes, 1 for the second; also for a single one, which is always 0.
        targets = binarizer.transform(y)
        self._fit(X, targets, "bce" if targets.shape[1] == 1 or self._is_multilabel else "cross-entropy")
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of each of ``[samples x features]``, or its labels as 0 and 1, ``[samples x labels]``."""
        logits = self._outputs(X)
        if self._is_multilabel:
            return (logits > 0).astype(int)
        if logits.shape[1] > 1:
            return self.classes_[logits.argmax(axis=1)]
        second = len(self.classes_) - 1
        return self.classes_[np.where(logits.ravel() > 0, second, 0)]

    def decision_function(self, X: ArrayLike) -> NDArray[Any]:
        """The network's outputs: ``[samples x classes]``, of which the largest decides; for two classes ``[samples]``,
        positive for the second; or ``[samples x labels]``, positive where a label is.
        """
        logits = self._outputs(X)
        return logits if self._is_multilabel or logits.shape[1] > 1 else logits.ravel()

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """The probability of each class, ``[samples x classes]``, or of each label, ``[samples x labels]``."""
        logits = self._outputs(X).astype(np.float64)
        if logits.shape[1] > 1 and not self._is_multilabel:
            # Less the largest, no exponential overflows.
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            return weights / weights.sum(axis=1, keepdims=True)
        # 1 / (1 + exp(-z)), in a form that does not overflow.
        labels = 0.5 + 0.5 * np.tanh(0.5 * logits)
        if self._is_multilabel:
            return labels
        if len(self.classes_) == 1:
            return np.ones_like(labels)
        return np.hstack([1 - labels, labels])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
