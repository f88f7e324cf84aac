# Networks on NumPy arrays: what they compute, whatever memory their arguments lie in, and what is refused.
# Files, threads and processes are in test_program.py, estimators in test_sklearn.py.
import copy
import gc
import itertools
import pickle
import unittest

import lockstep
import numpy as np

DTYPES = (np.float32, np.float64)


def numbers(*shape, dtype=np.float32, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(dtype)


def arrangements(array):
    """The same matrix in memory of every kind, by name."""
    rows, columns = array.shape
    wide = np.full((rows, columns + 3), np.nan, array.dtype)
    wide[:, 1 : columns + 1] = array
    yield "between other columns", wide[:, 1 : columns + 1]
    tall = np.full((2 * rows + 1, columns), np.nan, array.dtype)
    tall[1::2] = array
    yield "every second row", tall[1::2]
    yield "Fortran order", np.asfortranarray(array)
    yield "rows backwards", np.ascontiguousarray(array[::-1])[::-1]
    yield "columns backwards", np.ascontiguousarray(array[:, ::-1])[:, ::-1]
    spread = np.full((rows, 2 * columns), np.nan, array.dtype)
    spread[:, ::2] = array
    yield "every second column", spread[:, ::2]
    shifted = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    shifted[...] = array
    yield "misaligned", shifted
    yield "other byte order", array.astype(array.dtype.newbyteorder())
    yield "list", array.tolist()
    yield "objects", array.astype(object)
    frozen = array.copy()
    frozen.flags.writeable = False
    yield "read-only", frozen
    yield "field of records", np.rec.fromarrays([np.zeros(array.shape, "i1"), array], names="a,b")["b"]


class Predicting(unittest.TestCase):
    def test_is_the_sum_of_its_layers(self):
        for dtype in DTYPES:
            network = lockstep.Network([5, 17, 3], "tanh", dtype=dtype)
            x = numbers(23, 5, dtype=dtype)
            (first, last), tolerance = network.layers, 1e-5 if dtype == np.float32 else 1e-13
            expected = np.tanh(x @ first.weights + first.bias) @ last.weights + last.bias
            found = network.predict(x)
            self.assertEqual(found.dtype, dtype)
            np.testing.assert_allclose(found, expected, atol=tolerance)

    def test_the_memory_of_the_input_changes_no_bit(self):
        for dtype, rows, columns in itertools.product(DTYPES, (0, 1, 2, 7, 101), (1, 2, 13)):
            network = lockstep.Network([columns, 6, 2], dtype=dtype)
            x = numbers(rows, columns, dtype=dtype)
            expected = lockstep.digest(network.predict(x))
            for name, values in arrangements(x):
                if name == "list" and rows == 0:
                    continue
                with self.subTest(name, rows=rows, columns=columns, dtype=dtype):
                    self.assertEqual(lockstep.digest(network.predict(values)), expected)

    def test_rows_depend_on_themselves_alone(self):
        for dtype, columns in itertools.product(DTYPES, (1, 3, 64)):
            network = lockstep.Network([columns, 9, 4], "sigmoid", dtype=dtype)
            x = numbers(11, columns, dtype=dtype)
            whole = network.predict(x)
            for row in range(11):
                np.testing.assert_array_equal(network.predict(x[row : row + 1]), whole[row : row + 1])
                np.testing.assert_array_equal(network.predict(x[row]), whole[row])
                self.assertEqual(network.predict(x[row]).shape, (4,))

    def test_results_of_one_row_are_arrays_of_their_own(self):
        network = lockstep.Network([2, 1])
        first = network.predict(np.zeros((1, 2), np.float32))
        kept = first.copy()
        second = network.predict(np.ones((1, 2), np.float32))
        np.testing.assert_array_equal(first, kept)
        self.assertFalse(np.shares_memory(first, second))

    def test_repeated_rows_of_one(self):
        network = lockstep.Network([3, 2])
        row = numbers(3)
        repeated = np.broadcast_to(row, (5, 3))
        np.testing.assert_array_equal(network.predict(repeated), network.predict(repeated.copy()))
        overlapping = np.lib.stride_tricks.sliding_window_view(numbers(9), 3)
        np.testing.assert_array_equal(network.predict(overlapping), network.predict(overlapping.copy()))

    def test_writes_into_the_callers_array(self):
        network = lockstep.Network([3, 2])
        x = numbers(7, 3)
        expected = network.predict(x)
        wide = np.full((7, 5), 9, np.float32)
        out = wide[:, 2:4]
        self.assertIs(network.predict(x, out=out), out)
        np.testing.assert_array_equal(out, expected)
        self.assertTrue((wide[:, [0, 1, 4]] == 9).all())
        row = np.empty(2, np.float32)
        self.assertIs(network.predict(x[3], out=row), row)
        np.testing.assert_array_equal(row, expected[3])

    def test_refuses_other_arrays_to_write(self):
        network = lockstep.Network([3, 2])
        x = numbers(7, 3)
        frozen = np.empty((7, 2), np.float32)
        frozen.flags.writeable = False
        for out in (
            np.empty((7, 2)),
            np.empty((6, 2), np.float32),
            np.empty((7, 2), np.float32, order="F"),
            np.empty((7, 4), np.float32)[:, ::2],
            np.empty((14, 2), np.float32)[::-2],
            np.empty((7, 2), ">f4"),
            np.broadcast_to(np.empty((1, 2), np.float32), (7, 2)),
            frozen,
            [[0.0, 0.0]] * 7,
        ):
            with self.assertRaises(lockstep.ArgumentError):
                network.predict(x, out=out)
        both = np.zeros((7, 5), np.float32)
        with self.assertRaisesRegex(ValueError, "output"):
            network.predict(both[:, :3], out=both[:, 2:4])
        network.predict(both[:, :3], out=both[:, 3:])


class Training(unittest.TestCase):
    def test_gradients_are_those_of_the_loss(self):
        x, y = numbers(19, 4, dtype=np.float64), numbers(19, 2, dtype=np.float64, seed=2)
        network = lockstep.Network([4, 5, 2], "tanh", dtype=np.float64)
        before = network.digest
        found, loss = network.gradients(x, y)
        self.assertEqual(network.digest, before)
        self.assertAlmostEqual(loss, float(((network.predict(x) - y) ** 2).mean()), places=12)
        parameters, flat = network.parameters, np.concatenate([part.ravel() for layer in found for part in layer])
        for index in range(0, parameters.size, 5):
            losses = []
            for change in (1e-6, -1e-6):
                network.parameters = parameters + change * (np.arange(parameters.size) == index)
                losses.append(((network.predict(x) - y) ** 2).mean())
            self.assertAlmostEqual((losses[0] - losses[1]) / 2e-6, flat[index], places=7)

    def test_a_step_is_its_gradients(self):
        for dtype, loss in itertools.product(DTYPES, ("mse", "bce", "cross-entropy", "mae", "huber")):
            x = numbers(33, 3, dtype=dtype)
            y = np.eye(4, dtype=dtype)[np.arange(33) % 4]
            network = lockstep.Network([3, 8, 4], dtype=dtype)
            other = network.copy()
            gradients = network.gradients(x, y, loss=loss)
            rate = dtype(0.25)
            other.parameters = other.parameters - rate * np.concatenate(
                [part.ravel() for layer in gradients.layers for part in layer]
            )
            self.assertEqual(network.step(x, y, loss=loss, learning_rate=0.25), gradients.loss)
            self.assertEqual(network.digest, other.digest)

    def test_fit_is_steps_over_batches(self):
        x, y = numbers(50, 3), numbers(50, 1, seed=2)
        network = lockstep.Network([3, 8, 1])
        other = network.copy()
        loss = network.fit(x, y, epochs=4, batch_size=16, learning_rate=0.1, shuffle=False)
        for _ in range(4):
            losses = [other.step(x[i : i + 16], y[i : i + 16], learning_rate=0.1) for i in range(0, 50, 16)]
        self.assertEqual(network.digest, other.digest)
        self.assertTrue(min(losses) <= loss <= max(losses))
        self.assertTrue(np.isnan(network.fit(x, y, epochs=0)))

    def test_the_memory_of_the_batch_changes_no_bit(self):
        for dtype, outputs in itertools.product(DTYPES, (1, 2)):
            x, y = numbers(31, 3, dtype=dtype), numbers(31, outputs, dtype=dtype, seed=2)
            start = lockstep.Network([3, 7, outputs], dtype=dtype)

            def trained(x, y):
                network = start.copy()
                network.fit(x, y, epochs=2, batch_size=8, seed=5)
                return network.digest

            expected = trained(x, y)
            for (name, inputs), (other, targets) in itertools.product(arrangements(x), arrangements(y)):
                with self.subTest(name, other=other, dtype=dtype, outputs=outputs):
                    self.assertEqual(trained(inputs, targets), expected)
            if outputs == 1:
                self.assertEqual(trained(x, y.ravel()), expected)
                self.assertEqual(trained(x, np.repeat(y.ravel(), 3)[::3]), expected)
                self.assertEqual(trained(x, y.ravel()[::-1].copy()[::-1]), expected)

    def test_divergence_leaves_finite_parameters(self):
        network = lockstep.Network([2, 4, 1])
        with self.assertRaisesRegex(ArithmeticError, "step .* learning rate"):
            network.fit(numbers(10, 2), numbers(10, 1), learning_rate=1e30, epochs=10)
        x = numbers(10, 2)
        x[3, 1] = np.inf
        with self.assertRaisesRegex(lockstep.NotFiniteError, "step 1: input row 3, column 1 is inf"):
            network.fit(x, numbers(10, 1))
        self.assertTrue(np.isfinite(network.parameters).all())


class Parameters(unittest.TestCase):
    def test_go_out_and_in(self):
        for dtype in DTYPES:
            network, other = (lockstep.Network([4, 3, 2], seed=seed, dtype=dtype) for seed in (1, 2))
            self.assertNotEqual(network.digest, other.digest)
            for index, layer in enumerate(network.layers):
                other.set_layer(index, np.asfortranarray(layer.weights))
                other.set_layer(index, bias=layer.bias)
            self.assertEqual(network.digest, other.digest)
            other.parameters = np.zeros(other.parameters.size)
            self.assertEqual(other.predict(np.ones((1, 4))).tolist(), [[0, 0]])
            other.parameters = network.parameters
            self.assertEqual(network.digest, other.digest)
            self.assertEqual([layer.weights.shape for layer in network.layers], [(4, 3), (3, 2)])
            self.assertEqual([layer.bias.shape for layer in network.layers], [(3,), (2,)])

    def test_are_copies(self):
        network = lockstep.Network([2, 1])
        before = network.digest
        network.layers[0].weights[...] = 7
        network.parameters[...] = 7
        self.assertEqual(network.digest, before)

    def test_digest_of_arrays(self):
        x = numbers(5, 3)
        expected = lockstep.digest(x)
        self.assertRegex(expected, "^[0-9a-f]{16}$")
        for name, values in arrangements(x):
            if name not in ("list", "objects"):
                self.assertEqual(lockstep.digest(values), expected, name)
        self.assertEqual(lockstep.digest(x.ravel()), expected)
        self.assertEqual(lockstep.digest(x.reshape(1, 5, 3)), expected)
        self.assertNotEqual(lockstep.digest(x.astype(np.float64)), expected)
        self.assertEqual(lockstep.digest(np.zeros((0, 3), np.float32)), "cbf29ce484222325")
        with self.assertRaises(TypeError):
            lockstep.digest(np.arange(3))


class Copies(unittest.TestCase):
    def test_pickles_and_copies_are_networks_of_their_own(self):
        for dtype in DTYPES:
            network = lockstep.Network([3, 4, 2], activations=["sigmoid", "leaky-relu"], dtype=dtype, seed=2**64 - 1)
            before = network.digest
            copies = [network.copy(), copy.copy(network), copy.deepcopy(network)]
            copies += [
                pickle.loads(pickle.dumps(network, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
            ]
            copies.append(lockstep.Network.from_bytes(network.to_bytes()))
            for other in copies:
                self.assertEqual(other.digest, before)
                self.assertEqual((other.sizes, other.activations, other.dtype), ((3, 4, 2), network.activations, dtype))
                other.step(np.ones((1, 3)), np.ones((1, 2)))
                self.assertNotEqual(other.digest, before)
            self.assertEqual(network.digest, before)

    def test_backends_give_the_same_bits_and_are_kept(self):
        x, y = numbers(300, 20), numbers(300, 3)
        digests = set()
        for kind, threads in (("auto", None), ("scalar", None), ("simd", None), ("openmp", 1), ("openmp", 2)):
            backend = lockstep.Backend(kind, threads)
            self.assertEqual(backend.kind, kind)
            if threads is not None:
                self.assertEqual(backend.threads, threads)
            self.assertIn(backend.name, repr(backend))
            network = lockstep.Network([20, 64, 3], backend=backend)
            network.fit(x, y, epochs=2)
            digests.add((network.digest, lockstep.digest(network.predict(x))))
            for other in (network.copy(), pickle.loads(pickle.dumps(network))):
                self.assertEqual((other.backend.kind, other.backend.threads), (backend.kind, backend.threads))
            network.backend = None
            self.assertIsNone(network.backend)
            digests.add((network.digest, lockstep.digest(network.predict(x))))
        self.assertEqual(len(digests), 1)

    def test_the_choice_of_a_backend_is_told(self):
        pinned = lockstep.Network([5, 40, 3], backend=lockstep.Backend("simd"))
        self.assertEqual(pinned.backend_choice(7), ("simd", 1, pinned.backend.name, True, "it was given"))
        network = lockstep.Network([5, 40, 3])
        self.assertIn(network.backend_choice(18).reason, ("the race has not begun", "nothing else can run"))
        x, y = numbers(19, 5), numbers(19, 3)
        for work in ("predict", "gradients", "step"):
            calls = 0
            while not network.backend_choice(19, work).decided and calls < 100_000:
                {"predict": lambda: network.predict(x)}.get(work, lambda: getattr(network, work)(x, y))()
                calls += 1
            choice = network.backend_choice(19, work)
            self.assertTrue(choice.decided, work)
            self.assertNotEqual(choice.kind, "auto")
            self.assertGreaterEqual(choice.threads, 1)
            self.assertTrue(choice.name.startswith(choice.kind))
            self.assertRegex(choice.reason, "^(the fastest; .* takes|as fast within 3 % as|nothing else|it won a race)")
            self.assertNotIn("\n", choice.reason)
            # The name that is told makes the backend that has it.
            backend = lockstep.Backend(choice.name, choice.threads)
            self.assertEqual((backend.kind, backend.threads, backend.name), choice[:3])
            other = lockstep.Network([5, 40, 3], backend=backend)
            self.assertEqual(pickle.loads(pickle.dumps(other)).backend.name, choice.name)
        for rows, work in ((-1, "predict"), (1, "infer"), (2**63, "step")):
            with self.subTest(rows, work=work), self.assertRaises(ValueError):
                network.backend_choice(rows, work)

    def test_memory_is_given_back(self):
        with open("/proc/self/statm") as statm:

            def pages():
                statm.seek(0)
                return int(statm.read().split()[1])

            def make():
                for _ in range(8):
                    network = lockstep.Network([1000, 1000, 1], backend=lockstep.Backend("simd"))
                    network.predict(np.zeros((1, 1000), np.float32))

            make()
            gc.collect()
            before = pages()
            make()
            make()
            # Sixteen networks that stay would be 64 MB, which are 16,000 pages.
            self.assertLess(pages() - before, 8_000)

    def test_repr_tells_the_network(self):
        network = lockstep.Network([3, 4, 2], "tanh", dtype="float64")
        self.assertEqual(repr(network), f"<lockstep.Network 3-4-2, tanh, identity, float64, digest {network.digest}>")


class Refusals(unittest.TestCase):
    def test_networks_that_are_none(self):
        for arguments, options in (
            (([],), {}),
            (([3],), {}),
            (([3, 0],), {}),
            (([3, -1],), {}),
            (([3, 2**63],), {}),
            (([2, 2], "swish"), {}),
            (([2, 2],), {"activations": ["relu", "relu"]}),
            (([2, 2],), {"activations": ["Relu"]}),
            (([2, 2],), {"dtype": np.float16}),
            (([2, 2],), {"dtype": ">f4"}),
            (([2, 2],), {"seed": -1}),
            (([2, 2],), {"seed": 2**64}),
        ):
            with self.subTest(arguments=arguments, **options), self.assertRaises(lockstep.ArgumentError):
                lockstep.Network(*arguments, **options)
        for sizes in ([2.5, 1], ["2", 1], 3):
            with self.assertRaises(TypeError):
                lockstep.Network(sizes)
        with self.assertRaises(TypeError):
            lockstep.Network([2, 1], backend="simd")
        with self.assertRaises(MemoryError):
            lockstep.Network([2**40, 2**20])

    def test_inputs_that_do_not_fit(self):
        network = lockstep.Network([3, 2])
        for x in (np.zeros((4, 2)), np.zeros((4, 4)), np.zeros(2), np.zeros(()), np.zeros((1, 1, 3)), [], 1.0):
            with self.subTest(np.shape(x)), self.assertRaisesRegex(ValueError, "x has the shape"):
                network.predict(x)
        for x in (np.zeros((1, 3), complex), [["1", "2", "3"]], [[None] * 3], np.zeros((1, 3), "M8[s]")):
            with self.assertRaises(TypeError):
                network.predict(x)

    def test_batches_that_do_not_fit(self):
        network = lockstep.Network([3, 1])
        x = np.zeros((4, 3))
        for y in (np.zeros(3), np.zeros((3, 1)), np.zeros((4, 2)), np.zeros((1, 4)), 0.0, np.zeros((4, 1, 1))):
            for function in (network.step, network.fit, network.gradients):
                with self.subTest(np.shape(y)), self.assertRaisesRegex(ValueError, "y has the shape"):
                    function(x, y)
        for function in (network.step, network.fit, network.gradients):
            with self.assertRaisesRegex(ValueError, "rows"):
                function(np.zeros((0, 3)), np.zeros((0, 1)))
            with self.assertRaisesRegex(ValueError, "loss is 'hinge'"):
                function(x, np.zeros(4), loss="hinge")

    def test_numbers_that_are_none(self):
        network = lockstep.Network([3, 1])
        x, y = np.zeros((4, 3)), np.zeros(4)
        for options in (
            {"epochs": -1},
            {"epochs": 2**32},
            {"epochs": 2**64},
            {"batch_size": 0},
            {"batch_size": 2**64 + 1},
            {"seed": -1},
            {"learning_rate": float("nan")},
            {"learning_rate": 1e39},
        ):
            with self.subTest(**options), self.assertRaises(lockstep.ArgumentError):
                network.fit(x, y, **options)
        for options in ({"epochs": 1.5}, {"batch_size": None}, {"learning_rate": "a"}, {"learning_rate": None}):
            with self.subTest(**options), self.assertRaises((TypeError, ValueError)):
                network.fit(x, y, **options)
        for kind, threads in (
            ("gpu", None),
            ("simd\0", None),
            ("\udc80", None),
            ("scalar/avx2", None),
            ("openmp", 0),
            ("openmp", 1025),
            ("openmp", 2**32 + 1),
            (3, None),
        ):
            with self.subTest(kind, threads=threads), self.assertRaises(lockstep.ArgumentError):
                lockstep.Backend(kind, threads)
        # No CPU has both.
        with self.assertRaisesRegex(lockstep.UnavailableError, "what can run here is auto, .*scalar"):
            for instruction_set in ("avx512", "neon"):
                lockstep.Backend(f"openmp/{instruction_set}")
        with self.assertRaisesRegex(lockstep.ArgumentError, 'name "gpu"; what can run here is auto, .*scalar'):
            lockstep.Backend("gpu")

    def test_parameters_that_do_not_fit(self):
        network = lockstep.Network([3, 2])
        with self.assertRaises(ValueError):
            network.parameters = np.zeros(7)
        with self.assertRaises(ValueError):
            network.parameters = np.zeros((8, 1))
        for arguments in (
            (1, np.zeros((3, 2))),
            (-1, None),
            (0, np.zeros((2, 3))),
            (0, np.zeros((4, 2))),
            (0, None, [1]),
            (0, None, [[1, 2]]),
            (0, None, [[1], [2]]),
            (0, None, [1, 2, 3]),
            (0, None, 1),
        ):
            with self.subTest(arguments=arguments), self.assertRaises(ValueError):
                network.set_layer(*arguments)


if __name__ == "__main__":
    unittest.main()
