"""Reads OCI layouts: folders with the blobs of an image."""

import json
import tarfile


def blob(layout, descriptor):
    return layout / "blobs" / descriptor["digest"].replace(":", "/")


def manifest(layout):
    [descriptor] = json.loads((layout / "index.json").read_text())["manifests"]
    return json.loads(blob(layout, descriptor).read_text())


def config(layout):
    return json.loads(blob(layout, manifest(layout)["config"]).read_text())


def unpack(layout, folder):
    """The file system of an image."""
    # Python 3.11.4 has introduced filters; before it, everything is extracted.
    trusted = {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}
    for layer in manifest(layout)["layers"]:
        with tarfile.open(blob(layout, layer)) as archive:
            archive.extractall(folder, **trusted)


def compressed_size(layout):
    return sum(layer["size"] for layer in manifest(layout)["layers"])
