"""The program to be packaged: its bytes, the system it is for, and what the manifest says about it."""

import re
import struct
import tomllib
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

ELF_64 = b"\x7fELF\x02\x01"
MACH_O_64 = b"\xcf\xfa\xed\xfe"

# The load commands with the oldest macOS that a program runs on, and the position of that version.
MACOS_VERSIONS = {0x24: 8, 0x32: 12}


@dataclass(frozen=True)
class Target:
    """A system, in the words of each kind of package."""

    triple: str
    npm_os: str
    npm_cpu: str
    wheel_machine: str
    # The architecture of images; macOS has none.
    image: str | None


ELF_MACHINES = {
    62: Target("x86_64-unknown-linux-gnu", "linux", "x64", "x86_64", "amd64"),
    183: Target("aarch64-unknown-linux-gnu", "linux", "arm64", "aarch64", "arm64"),
}
MACH_O_MACHINES = {
    0x01000007: Target("x86_64-apple-darwin", "darwin", "x64", "x86_64", None),
    0x0100000C: Target("aarch64-apple-darwin", "darwin", "arm64", "arm64", None),
}
TARGETS = [*ELF_MACHINES.values(), *MACH_O_MACHINES.values()]


@dataclass(frozen=True)
class Program:
    content: bytes
    target: Target
    # The oldest system that the program runs on, as the platform tag of a wheel.
    wheel_platform: str
    version: str
    description: str
    license: str
    repository: str
    # By name: the program's, and those of its crates.
    licenses: dict[str, bytes]
    sbom: bytes | None

    @classmethod
    def read(cls, binary, licenses=None, sbom=None):
        """Raises ValueError if nothing can be made of `binary`."""
        content = binary.read_bytes()
        target, platform = system_of(content, binary)
        manifest = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())
        common = manifest["workspace"]["package"]
        if not re.fullmatch(r"\d+\.\d+\.\d+", common["version"]):
            raise ValueError(f"version `{common['version']}` in Cargo.toml: only releases such as 1.2.3 are packaged")
        return cls(
            content=content,
            target=target,
            wheel_platform=platform,
            version=common["version"],
            description=manifest["package"]["description"],
            license=common["license"],
            repository=common["repository"],
            licenses={
                "LICENSE": (REPOSITORY / "LICENSE").read_bytes(),
                **({"THIRD-PARTY.txt": licenses.read_bytes()} if licenses else {}),
            },
            sbom=sbom and sbom.read_bytes(),
        )


def system_of(content, name):
    """The target of a program, and the platform tag for wheels."""
    if content.startswith(ELF_64):
        target = ELF_MACHINES.get(struct.unpack_from("<H", content, 18)[0])
        platform = target and f"manylinux_2_{glibc_minor(content, name)}_{target.wheel_machine}"
    elif content.startswith(MACH_O_64):
        target = MACH_O_MACHINES.get(struct.unpack_from("<I", content, 4)[0])
        platform = target and "macosx_{}_{}_{}".format(*macos_version(content, name), target.wheel_machine)
    else:
        raise ValueError(f"{name} is not a program for Linux or macOS")
    if target is None:
        triples = ", ".join(known.triple for known in TARGETS)
        raise ValueError(f"{name} is for a processor without a package; there are {triples}")
    return target, platform


def glibc_minor(content, name):
    """The newest glibc, 2.N, whose symbols the program imports."""
    versions = re.findall(rb"\0GLIBC_2\.(\d+)(?=[.\d]*\0)", content)
    if not versions:
        raise ValueError(f"{name} does not use glibc; compile it for a target such as x86_64-unknown-linux-gnu")
    return max(map(int, versions))


def macos_version(content, name):
    """Major and minor number of the oldest macOS that the program runs on."""
    count = struct.unpack_from("<I", content, 16)[0]
    position = 32
    for _ in range(count):
        command, size = struct.unpack_from("<II", content, position)
        if command in MACOS_VERSIONS:
            version = struct.unpack_from("<I", content, position + MACOS_VERSIONS[command])[0]
            return version >> 16, version >> 8 & 0xFF
        position += size
    raise ValueError(f"{name} does not say which macOS it needs")
