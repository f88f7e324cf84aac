# The module among others: files and digests of the tool, threads, forked processes, other libraries with threads of
# their own, and how the library is found. LOCKSTEP_PREFIX names the folder that Lockstep was installed into.
import concurrent.futures
import ctypes
import errno
import importlib.util
import json
import multiprocessing
import os
import pathlib
import pickle
import re
import subprocess
import sys
import tempfile
import unittest

import lockstep
import numpy as np

PREFIX = pathlib.Path(os.environ["LOCKSTEP_PREFIX"])


def tool(*arguments):
    """What the tool says as JSON in the end, after what it may say of epochs."""
    output = subprocess.check_output([PREFIX / "bin/lockstep", *map(str, arguments), "--json"])
    return json.loads(output.splitlines()[-1])


def python(source, **environment):
    """Runs a program in a process of its own, and returns what it prints."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    if result.returncode != 0:
        raise AssertionError(f"exit code {result.returncode}: {result.stdout}")
    return result.stdout


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def table(self):
        rows = np.array([[c, c * 1.8 + 32] for c in range(-50, 51)], np.float32)
        lines = ["celsius,fahrenheit"] + [f"{c},{f}" for c, f in rows]
        (self.folder / "table.csv").write_text("\n".join(lines) + "\n")
        return rows

    def test_the_tools_model_predicts_the_tools_outputs(self):
        rows = self.table()
        model = self.folder / "model.safetensors"
        for precision in ("f32", "f64"):
            trained = tool(
                "train",
                self.folder / "table.csv",
                "--target",
                "fahrenheit",
                "--hidden",
                "16,8",
                "--activation",
                "sigmoid",
                "--epochs",
                "5",
                "--precision",
                precision,
                "--model",
                model,
            )
            predicted = tool("predict", model, self.folder / "table.csv", "-o", self.folder / "predictions.csv")
            network = lockstep.Network.load(model)
            self.assertEqual(network.dtype.name, {"f32": "float32", "f64": "float64"}[precision])
            self.assertEqual(network.sizes, (1, 16, 8, 1))
            self.assertEqual(network.digest, trained["parameters_digest"])
            self.assertEqual(lockstep.digest(network.predict(rows[:, :1])), predicted["outputs_digest"])

    def test_fit_trains_what_the_tool_trains(self):
        rows = self.table()
        trained = tool(
            "train",
            self.folder / "table.csv",
            "--target",
            "fahrenheit",
            "--hidden",
            "8",
            "--activation",
            "tanh",
            "--epochs",
            "20",
            "--batch-size",
            "16",
            "--learning-rate",
            "0.001",
            "--seed",
            "3",
        )
        network = lockstep.Network([1, 8, 1], "tanh", seed=3)
        # Input and target lie side by side in the table.
        network.fit(rows[:, :1], rows[:, 1], epochs=20, batch_size=16, learning_rate=0.001, seed=3)
        self.assertEqual(network.digest, trained["parameters_digest"])

    def test_files_and_bytes_are_the_same(self):
        network = lockstep.Network([3, 4, 2])
        for path in (self.folder / "mödel.safetensors", str(self.folder / "b"), os.fsencode(self.folder / "c")):
            network.save(path)
            self.assertEqual(lockstep.Network.load(path).digest, network.digest)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), network.to_bytes())
        self.assertEqual(lockstep.Network.load(path, dtype=np.float64).dtype, np.float64)
        network.fit(np.ones((1, 3)), np.ones((1, 2)), loss="bce")
        network.save(path)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), network.to_bytes())

    def test_state_dicts_of_pytorch(self):
        # As safetensors.torch.save_file writes nn.Sequential(Linear(2, 3), ReLU(), Linear(3, 1)).state_dict().
        source = lockstep.Network([2, 3, 1], "tanh")
        entries, data = {}, b""
        for index, layer in zip((0, 2), source.layers):
            for name, values in ((f"{index}.weight", layer.weights.T), (f"{index}.bias", layer.bias)):
                part = np.ascontiguousarray(values).tobytes()
                entries[name] = {
                    "dtype": "F32",
                    "shape": list(values.shape),
                    "data_offsets": [len(data), len(data) + len(part)],
                }
                data += part
        header = json.dumps(entries).encode()
        content = len(header).to_bytes(8, "little") + header + data
        path = self.folder / "state.safetensors"
        path.write_bytes(content)
        with self.assertRaisesRegex(lockstep.ModelError, "activation"):
            lockstep.Network.load(path)
        with self.assertRaisesRegex(lockstep.ModelError, "activation"):
            lockstep.Network.from_bytes(content)
        x = np.array([[0.5, -2]], np.float32)
        for network in (
            lockstep.Network.load(path, activation="tanh"),
            lockstep.Network.from_bytes(bytearray(content), activation="tanh"),
        ):
            self.assertEqual(network.digest, source.digest)
            np.testing.assert_array_equal(network.predict(x), source.predict(x))
        self.assertEqual(lockstep.Network.load(path, activation="relu").activations, ("relu", "identity"))
        with self.assertRaises(ValueError):
            lockstep.Network.load(path, activation="softmax")

    def test_files_that_are_none(self):
        for call, number in (
            (lambda: lockstep.Network.load(self.folder / "missing"), errno.ENOENT),
            (lambda: lockstep.Network.load(self.folder), errno.EISDIR),
            (lambda: lockstep.Network([1, 1]).save(self.folder / "missing" / "model"), errno.ENOENT),
            (lambda: lockstep.Network([1, 1]).save(self.folder), errno.EISDIR),
        ):
            with self.assertRaises(lockstep.FileError) as caught:
                call()
            for error in (caught.exception, pickle.loads(pickle.dumps(caught.exception))):
                self.assertEqual(error.errno, number)
                self.assertTrue(str(error).startswith(str(self.folder)), error)
        with self.assertRaises(ValueError):
            lockstep.Network.load("a\0b")
        (self.folder / "text").write_text("This is no model.")
        with self.assertRaisesRegex(lockstep.ModelError, "text"):
            lockstep.Network.load(self.folder / "text")
        with self.assertRaises(lockstep.LockstepError):
            lockstep.Network.from_bytes(b"")
        whole = lockstep.Network([2, 2]).to_bytes()
        for size in range(0, len(whole), 7):
            with self.assertRaises(lockstep.ModelError):
                lockstep.Network.from_bytes(whole[:size])


def work(_=None):
    """The digest of a training that is large enough for threads."""
    random = np.random.default_rng(1)
    x, y = random.normal(size=(256, 192)).astype(np.float32), random.normal(size=(256, 192)).astype(np.float32)
    network = lockstep.Network([192, 192, 192], backend=lockstep.Backend("openmp", 3))
    network.fit(x, y, epochs=3, batch_size=256)
    # NumPy's own threads, in between.
    return network.digest, lockstep.digest(network.predict(x @ np.eye(192, dtype=np.float32)))


class ThreadsAndProcesses(unittest.TestCase):
    def test_one_network_on_many_threads(self):
        random = np.random.default_rng(2)
        x, y = random.normal(size=(40, 30)).astype(np.float32), random.normal(size=(40, 2)).astype(np.float32)
        network = lockstep.Network([30, 50, 2])
        expected = network.predict(x)

        def predict(index):
            for row in range(40):
                np.testing.assert_array_equal(network.predict(x[row : row + 1]), expected[row : row + 1])
                np.testing.assert_array_equal(network.predict(x), expected)
            return index

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            self.assertEqual(list(pool.map(predict, range(12))), list(range(12)))
            # Whichever thread takes them, as many steps of one batch give one network.
            other = network.copy()
            list(pool.map(lambda _: network.step(x, y), range(50)))
        for _ in range(50):
            other.step(x, y)
        self.assertEqual(network.digest, other.digest)

    def test_errors_belong_to_their_thread(self):
        network = lockstep.Network([2, 1])

        def fail(name):
            for _ in range(50):
                try:
                    lockstep.Network.load(f"/nonexistent/{name}")
                except OSError as error:
                    if f"/nonexistent/{name}" not in str(error):
                        return str(error)
                network.predict([[1, 2]])
            return None

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.assertEqual(list(pool.map(fail, "abcd")), [None] * 4)

    def test_processes_of_every_kind(self):
        expected = work()
        for method in ("fork", "spawn", "forkserver"):
            with self.subTest(method):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    self.assertEqual(pool.map_async(work, range(3)).get(120), [expected] * 3)
        self.assertEqual(work(), expected)

    def test_beside_other_libraries_in_any_order(self):
        program = (
            "import {0}, {1}, {2}, multiprocessing, numpy\n"
            "import sys; sys.path.insert(0, {folder!r})\n"
            "from test_surroundings import work\n"
            "import sklearn.cluster\n"
            "def clusters():\n"
            "    x = numpy.random.default_rng(1).normal(size=(3000, 8))\n"
            "    sklearn.cluster.KMeans(4, n_init=1, random_state=1).fit(x)\n"
            "before = work(); clusters(); assert work() == before\n"
            "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
            "    assert pool.map_async(work, range(2)).get(120) == [before] * 2\n"
            "clusters(); assert work() == before\n"
            "print(*before)\n"
        )
        folder = str(pathlib.Path(__file__).parent)
        expected = " ".join(work()) + "\n"
        modules = ["lockstep", "numpy", "sklearn"]
        try:
            import torch  # noqa: F401

            modules[1] = "torch"
        except ImportError:
            print("SKIPPED: beside PyTorch, which is not installed")
        for order in ((0, 1, 2), (1, 0, 2), (2, 1, 0), (2, 0, 1)):
            names = [modules[index] for index in order]
            with self.subTest(names):
                self.assertEqual(python(program.format(*names, folder=folder)), expected)


class Library(unittest.TestCase):
    def test_functions_are_called_as_the_header_declares_them(self):
        from lockstep import _library

        header = (PREFIX / "include/lockstep.h").read_text()
        kinds = {
            "int32_t": ctypes.c_int32,
            "int64_t": ctypes.c_int64,
            "uint64_t": ctypes.c_uint64,
            "size_t": ctypes.c_size_t,
            "float": ctypes.c_float,
            "double": ctypes.c_double,
        }
        pointers = {
            ctypes.POINTER(ctypes.c_int32): "int32_t *",
            ctypes.POINTER(ctypes.c_int64): "int64_t *",
            ctypes.POINTER(ctypes.c_double): "double *",
            ctypes.POINTER(ctypes.c_size_t): "size_t *",
            ctypes.c_char_p: "char *",
            ctypes.POINTER(ctypes.c_char_p): "char **",
        }
        names = [*_library.SIGNATURES, *_library.OTHER_SIGNATURES]
        names += [name + suffix for name in _library.PAIRED_SIGNATURES for suffix in ("_f32", "_f64")]
        for name in names:
            with self.subTest(name):
                declared = re.search(rf"^[a-z].*[ *]{name}\(([^)]*)\);", header, re.MULTILINE)
                self.assertIsNotNone(declared)
                arguments = [" ".join(text.split()) for text in declared[1].split(",")]
                arguments = [] if arguments == ["void"] else arguments
                types = getattr(_library.library, name).argtypes
                self.assertEqual(len(types), len(arguments))
                for kind, argument in zip(types, arguments):
                    word = argument.replace("const ", "")
                    if "*" not in word:
                        self.assertIs(kind, kinds[word.split()[0]], argument)
                    elif kind in pointers:
                        self.assertTrue(word.startswith(pointers[kind]), argument)
                    elif kind == ctypes.POINTER(ctypes.c_void_p):
                        self.assertIn("**", word)
                    else:
                        self.assertIs(kind, ctypes.c_void_p, argument)
        constants = re.findall(r"^  LOCKSTEP_(ACTIVATION|LOSS|BACKEND|PRECISION|WORK)_(\w+) = (\d+),", header, re.MULTILINE)
        aliases = {
            "MEAN_SQUARED_ERROR": "mse",
            "BINARY_CROSS_ENTROPY": "bce",
            "SOFTMAX_CROSS_ENTROPY": "cross-entropy",
            "MEAN_ABSOLUTE_ERROR": "mae",
            "OF_FILE": "of file",
            "F32": "float32",
            "F64": "float64",
        }
        lists = {
            "ACTIVATION": _library.ACTIVATIONS,
            "LOSS": _library.LOSSES,
            "BACKEND": _library.BACKENDS,
            "PRECISION": _library.PRECISIONS,
            "WORK": _library.WORK,
        }
        self.assertEqual(len(constants), sum(map(len, lists.values())))
        for kind, name, value in constants:
            self.assertEqual(lists[kind][int(value)], aliases.get(name, name.lower().replace("_", "-")))

    def test_the_version_is_the_headers(self):
        header = (PREFIX / "include/lockstep.h").read_text()
        self.assertEqual(lockstep.__version__, re.search(r'LOCKSTEP_VERSION "(.*)"', header)[1])

    def test_is_found_beside_the_module_or_by_name(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "lockstep"
            copy.mkdir()
            for path in pathlib.Path(lockstep.__file__).parent.glob("*.py"):
                (copy / path.name).write_bytes(path.read_bytes())
            program = f"import sys; sys.path.insert(0, {folder!r})\n"
            environment = {"LOCKSTEP_LIBRARY": str(PREFIX / "lib/liblockstep.so")}
            self.assertEqual(
                python(program + "import lockstep; print(lockstep.__file__)", **environment),
                str(copy / "__init__.py") + "\n",
            )
            for name, sentence in (("", "install-lockstep"), ("/nonexistent.so", "nonexistent"), ("libm.so.6", "libm")):
                attempt = program + "try:\n  import lockstep\nexcept ImportError as error:\n  print(error)"
                self.assertIn(sentence, python(attempt, LOCKSTEP_LIBRARY=name))

    def test_there_is_no_source_distribution(self):
        path = PREFIX / "share/lockstep/python/lockstep_wheel.py"
        specification = importlib.util.spec_from_file_location("lockstep_wheel", path)
        hooks = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(hooks)
        with tempfile.TemporaryDirectory() as folder:
            # The name that PEP 517 has installers look for.
            with self.assertRaisesRegex(hooks.UnsupportedOperation, "no source distribution"):
                hooks.build_sdist(folder)

    def test_scikit_learn_is_imported_by_who_asks_alone(self):
        self.assertEqual(python("import sys, lockstep; print('sklearn' in sys.modules)"), "False\n")

    def test_no_thread_starts_before_it_is_needed(self):
        program = (
            "import os, threading\nos.environ['OPENBLAS_NUM_THREADS'] = '1'\nimport lockstep, numpy\n"
            "network = lockstep.Network([2, 1]); network.predict([[1, 2]])\n"
            "print(len(os.listdir('/proc/self/task')))"
        )
        self.assertEqual(python(program), "1\n")


if __name__ == "__main__":
    unittest.main()
