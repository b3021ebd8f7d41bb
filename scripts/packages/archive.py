"""The archive for install.sh, Homebrew and everybody else: a folder with the program."""

import gzip
import io
import tarfile

# The time of all files in packages, 1980-01-01: zip has no earlier one.
EPOCH = 315532800


def write(program, folder):
    name = f"outcrop-{program.target.triple}"
    files = {
        **{f"{name}/{license}": (text, 0o644) for license, text in program.licenses.items()},
        f"{name}/outcrop": (program.content, 0o755),
    }
    (folder / f"{name}.tar.gz").write_bytes(tarball(files))


def tarball(files):
    """A compressed archive of files: name to content and mode."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), mode, EPOCH
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), 6, mtime=0)
