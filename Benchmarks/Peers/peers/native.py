"""The C and C++ peers: on which libraries, where those lie, and how the shared libraries are built."""

import platform
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = Path(__file__).parent.parent / "native"

# Reassociation is theirs to use: a sum over rows in vectors, exp from the vector library.
FLAGS = ("-O3", "-march=native", "-ffast-math", "-fopenmp", "-fPIC", "-shared", "-Wall", "-Wextra")
REALS = {
    "f32": ("-DREAL=float", "-DLETTER=s", "-DEXP=expf", "-DPRECISION=f32"),
    "f64": ("-DREAL=double", "-DLETTER=d", "-DEXP=exp", "-DPRECISION=f64"),
}


@dataclass(frozen=True)
class Library:
    """A native peer before it is built.

    In paths, `{venv}` is the Python environment, `{lib}` Debian's folder of libraries, `{prefix}` an installation of
    Lockstep.
    """

    key: str
    name: str
    source: str
    files: tuple[str, ...]
    """Patterns of what is linked; for each, something must exist."""
    flags: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    precisions: tuple[str, ...] = ("f32", "f64")
    is_pinned: bool = False
    has_product: bool = True
    """Whether it computes matrix products alone."""

    def product(self, home: Path, precision: str) -> Path:
        """The shared library."""
        return home / "native" / f"{self.key}-{precision}.so"

    def linked(self, home: Path) -> list[Path]:
        """The files that it is linked with: of those that match, the last; where none does, the pattern."""
        patterns = [Path(_filled(file, home)) for file in self.files]
        return [max(pattern.parent.glob(pattern.name), default=pattern) for pattern in patterns]

    def environment(self, home: Path) -> dict[str, str]:
        """What its worker's environment needs, `{threads}` still to be filled in."""
        return {key: value.replace("{venv}", str(home / "main")) for key, value in self.variables.items()}

    def build(self, home: Path) -> str | None:
        """Builds what is missing or old.

        Returns:
            What kept it from being built; nothing where it was.
        """
        files = self.linked(home)
        for file in files:
            if not file.exists():
                return f"{file} does not exist"
        for precision in self.precisions:
            product, source = self.product(home, precision), SOURCES / self.source
            newest = max(path.stat().st_mtime for path in (*files, source, SOURCES / "network.h", Path(__file__)))
            if product.exists() and product.stat().st_mtime > newest:
                continue
            product.parent.mkdir(parents=True, exist_ok=True)
            compiler = ("c++", "-std=c++17") if source.suffix == ".cpp" else ("cc", "-std=gnu11")
            command = [
                *compiler, *FLAGS, *REALS[precision], *(_filled(flag, home) for flag in self.flags),
                str(source), "-o", str(product),
                *map(str, files), *(f"-Wl,-rpath,{file.parent}" for file in files), "-lm",
            ]  # fmt: skip
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode:
                return result.stderr.strip()
        return None


def debian_libraries() -> Path:
    """Where Debian puts the libraries of this machine's kind."""
    return Path("/usr/lib") / f"{platform.machine()}-linux-gnu"


def prefix(home: Path) -> Path:
    """Where Lockstep is installed for those who take it along."""
    return home / "installation"


def _filled(pattern: str, home: Path) -> str:
    return pattern.format(venv=home / "main", lib=debian_libraries(), prefix=prefix(home))


LIBRARIES: tuple[Library, ...] = (
    Library(
        "openblas", "C on OpenBLAS", "blas.c", ("{lib}/openblas-openmp/libopenblas.so",), ("-DOPENBLAS",),
    ),
    Library(
        "blis", "C on BLIS", "blas.c", ("{lib}/blis-openmp/libblis.so",), ("-DBLIS",),
        {"BLIS_NUM_THREADS": "{threads}"},
    ),
    Library(
        "mkl", "C on MKL", "blas.c",
        tuple(f"{{venv}}/lib/libmkl_{part}.so.*" for part in ("intel_lp64", "gnu_thread", "core")), ("-DMKL",),
        {"MKL_NUM_THREADS": "{threads}"},
    ),
    Library(
        "onednn2", "C++ on oneDNN 2", "onednn.cpp", ("{lib}/libdnnl.so",), precisions=("f32",),
    ),
    # This build computes in SYCL's CPU device, whose threads are those of the CPUs it may run on.
    Library(
        "onednn3", "C++ on oneDNN 3", "onednn.cpp", ("{venv}/lib/libdnnl.so",),
        ("-I{venv}/include", "-Wl,--unresolved-symbols=ignore-in-shared-libs"),
        {
            "LD_LIBRARY_PATH": "{venv}/lib", "OCL_ICD_FILENAMES": "{venv}/lib/libintelocl.so", "ONEDNN_VERBOSE": "0",
        },
        precisions=("f32",), is_pinned=True,
    ),
    Library("fann", "FANN", "fann.c", ("{lib}/libfann.so",), precisions=("f32",), has_product=False),
)  # fmt: skip

LIBRARY = Library(
    "lockstep", "Lockstep, C library", "lockstep.c", ("{prefix}/lib/liblockstep.so",), ("-I{prefix}/include",),
    has_product=False,
)  # fmt: skip
"""Lockstep itself, as a C program sees it."""
