"""The npm packages: `outcrop`, which starts the program, and one package with the program per system.

Both are versions of one package, so that a single name is enough: `outcrop` depends on version
`1.2.3-linux-x64` under the alias `outcrop-linux-x64`. npm installs only the version for the user's
system, and no package has an install script.
"""

import json

from .archive import tarball
from .program import REPOSITORY, TARGETS


def write(program, folder):
    version = f"{program.version}-{platform(program.target)}"
    manifest = {
        **common(program, version),
        "os": [program.target.npm_os],
        "cpu": [program.target.npm_cpu],
        **({"libc": ["glibc"]} if program.target.npm_os == "linux" else {}),
    }
    pack(program, folder, manifest, {"package/bin/outcrop": (program.content, 0o755)})
    manifest = {
        **common(program, program.version),
        "bin": {"outcrop": "outcrop.js"},
        "engines": {"node": ">=18"},
        "optionalDependencies": {
            f"outcrop-{platform(target)}": f"npm:outcrop@{program.version}-{platform(target)}" for target in TARGETS
        },
    }
    script = (REPOSITORY / "scripts/packages/npm/outcrop.js").read_bytes()
    pack(program, folder, manifest, {"package/outcrop.js": (script, 0o755)})


def platform(target):
    """Node's name of the system: `process.platform` and `process.arch`."""
    return f"{target.npm_os}-{target.npm_cpu}"


def common(program, version):
    return {
        "name": "outcrop",
        "version": version,
        "description": program.description,
        "license": program.license,
        "repository": {"type": "git", "url": f"git+{program.repository}.git"},
    }


def pack(program, folder, manifest, files):
    files = {
        "package/package.json": ((json.dumps(manifest, indent=2) + "\n").encode(), 0o644),
        "package/README.md": ((REPOSITORY / "scripts/packages/description.md").read_bytes(), 0o644),
        **{f"package/{license}": (text, 0o644) for license, text in program.licenses.items()},
        **files,
    }
    (folder / f"outcrop-{manifest['version']}.tgz").write_bytes(tarball(files))
