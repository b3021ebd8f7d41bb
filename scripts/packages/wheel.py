"""The wheel, for `uvx outcrop`, pipx and pip. It contains the program and no Python code."""

import base64
import hashlib
import io
import zipfile

from .program import REPOSITORY

# 1980-01-01, the first date that zip has.
DATE = (1980, 1, 1, 0, 0, 0)


def write(program, folder):
    tag = f"py3-none-{program.wheel_platform}"
    name = f"outcrop-{program.version}"
    files = {
        f"{name}.data/scripts/outcrop": (program.content, 0o755),
        f"{name}.dist-info/METADATA": (metadata(program).encode(), 0o644),
        f"{name}.dist-info/WHEEL": (wheel(tag).encode(), 0o644),
        **{f"{name}.dist-info/licenses/{license}": (text, 0o644) for license, text in program.licenses.items()},
    }
    if program.sbom:
        files[f"{name}.dist-info/sboms/outcrop.cdx.json"] = (program.sbom, 0o644)
    record = "".join(f"{path},sha256={digest(content)},{len(content)}\n" for path, (content, _) in files.items())
    record_path = f"{name}.dist-info/RECORD"
    files[record_path] = (f"{record}{record_path},,\n".encode(), 0o644)
    (folder / f"{name}-{tag}.whl").write_bytes(zip_of(files))


def metadata(program):
    description = (REPOSITORY / "scripts/packages/description.md").read_text()
    licenses = "\n".join(f"License-File: {license}" for license in program.licenses)
    return f"""\
Metadata-Version: 2.4
Name: outcrop
Version: {program.version}
Summary: {program.description}
License-Expression: {program.license}
{licenses}
Project-URL: Repository, {program.repository}
Requires-Python: >=3.8
Description-Content-Type: text/markdown

{description}"""


def wheel(tag):
    return f"Wheel-Version: 1.0\nGenerator: scripts/package\nRoot-Is-Purelib: false\nTag: {tag}\n"


def digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def zip_of(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, (content, mode) in files.items():
            entry = zipfile.ZipInfo(path, DATE)
            entry.create_system = 3
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, 6)
    return buffer.getvalue()
