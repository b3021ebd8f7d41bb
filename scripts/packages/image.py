"""The image, as an OCI layout: the last stage of the Dockerfile, with the program copied into it.

No command runs inside of the image, so images for other architectures need no emulation.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .archive import EPOCH
from .program import REPOSITORY


def write(program, folder, base=None):
    """Writes FOLDER/image-ARCHITECTURE. `base` replaces the base image of the Dockerfile."""
    architecture = program.target.image
    if architecture is None:
        return
    if shutil.which("buildah") is None:
        print(f"image-{architecture}: not written, because there is no buildah", file=sys.stderr)
        return
    layout = folder / f"image-{architecture}"
    shutil.rmtree(layout, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch, "builder/out")
        (output / "licenses").mkdir(parents=True)
        for license, text in program.licenses.items():
            (output / "licenses" / license).write_bytes(text)
        (output / "outcrop").write_bytes(program.content)
        (output / "outcrop").chmod(0o755)
        contexts = {"builder": Path(scratch, "builder")}
        if base:
            contexts["base"] = f"docker-image://{base}"
        buildah(scratch, "build", "--quiet", "--isolation", "chroot",
                "--platform", f"linux/{architecture}", "--timestamp", EPOCH, "--tag", "outcrop",
                *(f"--build-context={name}={place}" for name, place in contexts.items()),
                f"--build-arg=VERSION={program.version}", f"--build-arg=REVISION={revision()}", REPOSITORY)
        # The best compression: the image is packed once, and downloaded to every new machine.
        buildah(scratch, "push", "--quiet", "--compression-level", 9, "outcrop", f"oci:{layout}:{program.version}")


def revision():
    git = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, encoding="utf-8")
    return git.stdout.strip() or "unknown"


def buildah(scratch, *arguments):
    """Runs buildah with a store of its own, so that earlier images have no influence."""
    store = ["--root", f"{scratch}/store", "--runroot", f"{scratch}/run", "--storage-driver", "vfs"]
    run = subprocess.run(
        ["buildah", *store, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    if run.returncode != 0:
        raise RuntimeError(f"buildah {arguments[0]}: {run.stdout}")
