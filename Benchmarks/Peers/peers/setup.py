"""Gets everything that is compared onto this machine: packages, Python environments, native peers, Lockstep itself.

Runs on a bare Python. What cannot be had is named, and the comparison goes on without it.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from .native import LIBRARIES, LIBRARY, debian_libraries, prefix

REPOSITORY = Path(__file__).resolve().parents[3]

DEBIAN_PACKAGES = {
    "libopenblas-openmp-dev": "openblas-openmp/libopenblas.so",
    "libblis-openmp-dev": "blis-openmp/libblis.so",
    "libdnnl-dev": "libdnnl.so",
    "libfann-dev": "libfann.so",
}

# TensorFlow's requirements contradict those of the others.
PYTHON_PACKAGES: dict[str, list[tuple[str, ...]]] = {
    "main": [
        ("numpy", "threadpoolctl"),
        ("scikit-learn",),
        ("onnxruntime", "onnx"),
        ("jax",),
        ("torch",),
        ("mkl",),
        ("onednn-devel",),
    ],
    "tensorflow": [("numpy",), ("tensorflow-cpu",)],
}


def say(sentence: str) -> None:
    """Tells what happens, on standard error."""
    print(f"peers: {sentence}", file=sys.stderr, flush=True)


def python(home: Path, environment: str = "main") -> Path:
    """The interpreter of a Python environment."""
    return home / environment / "bin" / "python"


def install(home: Path) -> None:
    """Installs Debian's packages and PyPI's, those that are missing."""
    _install_debian()
    for name, groups in PYTHON_PACKAGES.items():
        if not python(home, name).exists():
            say(f"making the Python environment {home / name}")
            venv.create(home / name, with_pip=True)
        for packages in groups:
            _install_python(home, name, packages)


def build_native(home: Path) -> None:
    """Builds the C and C++ peers."""
    for library in LIBRARIES:
        problem = library.build(home)
        if problem:
            say(f"{library.name} is left out: {problem}")


def build_lockstep() -> Path:
    """Builds `lockstep` in release."""
    command = ["swift", "build", "--package-path", str(REPOSITORY), "--configuration", "release"]
    subprocess.run([*command, "--product", "lockstep"], check=True, stdout=sys.stderr)
    folder = subprocess.run([*command, "--show-bin-path"], check=True, capture_output=True, text=True).stdout.strip()
    return Path(folder) / "lockstep"


def install_lockstep(home: Path) -> None:
    """Installs the C library, the Python module and the tool."""
    command = ["swift", "package", "--package-path", str(REPOSITORY), "--scratch-path", str(home / "installing")]
    subprocess.run([*command, "install-lockstep", "--prefix", str(prefix(home))], check=True, stdout=sys.stderr)


def build_library_caller(home: Path) -> None:
    """Builds what calls the C library."""
    problem = LIBRARY.build(home)
    if problem:
        say(f"{LIBRARY.name} is left out: {problem}")


def _install_debian() -> None:
    missing = [name for name, file in DEBIAN_PACKAGES.items() if not (debian_libraries() / file).exists()]
    if not missing:
        return
    if not shutil.which("apt-get"):
        say(f"no apt-get; install what stands for {', '.join(missing)} to have all native peers")
        return
    prefix = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    subprocess.run([*prefix, "apt-get", "update", "--quiet=2"], stdout=sys.stderr)
    for package in missing:
        say(f"installing {package}")
        command = [*prefix, "apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", package]
        if subprocess.run(command, stdout=sys.stderr).returncode:
            say(f"{package} cannot be installed")


def _install_python(home: Path, environment: str, packages: tuple[str, ...]) -> None:
    pip = [str(python(home, environment)), "-m", "pip", "--disable-pip-version-check"]
    if subprocess.run([*pip, "show", "--quiet", *packages], capture_output=True).returncode == 0:
        return
    say(f"installing {', '.join(packages)} into {home / environment}")
    if subprocess.run([*pip, "install", "--quiet", *packages], stdout=sys.stderr).returncode:
        say(f"{', '.join(packages)} cannot be installed")
