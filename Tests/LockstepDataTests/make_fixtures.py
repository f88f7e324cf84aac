#!/usr/bin/env python3
"""Makes the files in Fixtures with NumPy and pandas: small arrays and tables whose numbers the tests know.

    python3 make_fixtures.py

The array is x[row, column] = (3 row + column - 4), 5 rows and 3 columns, in each type; unsigned types hold its absolute value,
truth values whether it is odd. `y` is the row modulo 3.
"""
import gzip
import pathlib
import zipfile

import numpy as np
import pandas as pd

FOLDER = pathlib.Path(__file__).parent / "Fixtures"
FOLDER.mkdir(exist_ok=True)

x = np.array([[3 * row + column - 4 for column in range(3)] for row in range(5)])
y = np.arange(5) % 3


def typed(type):
    if np.dtype(type).kind == "b":
        return x % 2 != 0
    return np.abs(x).astype(type) if np.dtype(type).kind == "u" else x.astype(type)


def packed(name, data):
    """Writes `data` with gzip, the same bytes each time."""
    (FOLDER / name).write_bytes(gzip.compress(data, mtime=0))


for type in ["b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]:
    for order, name in [("<", "little"), (">", "big")]:
        if order == ">" and np.dtype(type).itemsize == 1:
            continue
        np.save(FOLDER / f"{name}-{type}.npy", typed(type).astype(order + type))

np.save(FOLDER / "fortran.npy", np.asfortranarray(x.astype("f4")))
np.save(FOLDER / "fortran-big.npy", np.asfortranarray(x.astype(">i4")))
np.save(FOLDER / "vector.npy", y.astype("i8"))
np.save(FOLDER / "images.npy", np.arange(2 * 3 * 4, dtype="u1").reshape(2, 3, 4))
np.save(FOLDER / "fortran-images.npy", np.asfortranarray(np.arange(2 * 3 * 4, dtype="u1").reshape(2, 3, 4)))
np.save(FOLDER / "fortran-nan.npy", np.asfortranarray(np.array([[1, 2], [3, np.nan], [np.nan, 4]], dtype="f8")))
np.save(FOLDER / "half.npy", x.astype("f2"))
np.save(FOLDER / "text.npy", np.array(["a", "b"]))
np.save(FOLDER / "objects.npy", np.array(["a", 1], dtype=object))
np.save(FOLDER / "record.npy", np.zeros(2, dtype=[("a", "f4")]))
np.save(FOLDER / "no-rows.npy", np.zeros((0, 3), dtype="f4"))
np.save(FOLDER / "nan.npy", np.array([[1, 2], [3, np.nan]], dtype="f8"))
np.save(FOLDER / "large.npy", np.array([[1, 1e300]], dtype="f8"))
for version in [(2, 0), (3, 0)]:
    with open(FOLDER / f"version-{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, x.astype("f4"), version=version)
packed("packed.npy.gz", (FOLDER / "little-f4.npy").read_bytes())

np.savez(FOLDER / "stored.npz", x=x.astype("f4"), y=y)
np.savez_compressed(FOLDER / "compressed.npz", x=x.astype("f4"), y=y)
np.savez(FOLDER / "mnist-like.npz", x_train=x, y_train=y, x_test=x[:2], y_test=y[:2])


with zipfile.ZipFile(FOLDER / "no-arrays.npz", "w") as archive:
    archive.writestr(zipfile.ZipInfo("readme.txt"), "No array.")
for name, member in [("workbook.xlsx", "[Content_Types].xml"), ("state.pt", "state/data.pkl")]:
    with zipfile.ZipFile(FOLDER / name, "w") as archive:
        archive.writestr(zipfile.ZipInfo(member), "No array.")
with zipfile.ZipFile(FOLDER / "twice.npz", "w") as archive:
    for _ in range(2):
        archive.writestr(zipfile.ZipInfo("x.npy"), (FOLDER / "vector.npy").read_bytes())


def idx(code, array, type):
    header = bytes([0, 0, code, array.ndim]) + b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    return header + array.astype(type).tobytes()


for code, type in [(0x08, "u1"), (0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")]:
    (FOLDER / f"type-{code:02x}.idx").write_bytes(idx(code, np.abs(x) if type == "u1" else x, type))
images = np.arange(5 * 2 * 2).reshape(5, 2, 2)
(FOLDER / "train-images-idx3-ubyte").write_bytes(idx(0x08, images, "u1"))
(FOLDER / "train-labels-idx1-ubyte").write_bytes(idx(0x08, y, "u1"))
packed("t10k-images-idx3-ubyte.gz", idx(0x08, images[:2], "u1"))
packed("t10k-labels-idx1-ubyte.gz", idx(0x08, y[:2], "u1"))

table = pd.DataFrame({
    "size": [1.5, -2.25, 0.1, 1e-3, 12345678.9], "colour": ["red", "blue", "red", "crème, \"pale\"", "blue"],
    "month": [1, 12, 2, 10, 1], "species": ["b", "a", "b", "c", "a"],
})
table.to_csv(FOLDER / "table.csv", index=False)
table.to_csv(FOLDER / "semicolons.csv", index=False, sep=";", lineterminator="\r\n")
table.to_csv(FOLDER / "tabs.tsv", index=False, sep="\t", encoding="utf-8-sig")
packed("table.csv.gz", (FOLDER / "table.csv").read_bytes())
# gzip files may be joined.
half = (FOLDER / "table.csv").read_bytes()
(FOLDER / "joined.csv.gz").write_bytes(gzip.compress(half[:40], mtime=0) + gzip.compress(half[40:], mtime=0))
