"""The image: its layout, and that it runs without root, without /dev, and without writing.

The base is a stand-in from Debian's packages. Not covered: the real base image, the stage of the
Dockerfile that compiles, and running on arm64.
"""

import debian
import layouts
import pytest
from conftest import base_image, pack
from demo import running, streamed
from foreign import AARCH64, program_for
from processes import Process
from project import VERSION
from test_bytes import files_of

USER = ("--unshare-all", "--share-net", "--as-pid-1", "--cap-drop", "ALL", "--uid", "65532", "--gid", "65532")


@pytest.fixture(scope="module")
def layout(packages, buildah):
    [layout] = packages.glob("image-*")
    return layout


@pytest.fixture(scope="module")
def root(layout, tmp_path_factory):
    folder = tmp_path_factory.mktemp("root")
    layouts.unpack(layout, folder)
    return folder


@pytest.fixture
def sandbox(root):
    """Runs a program of the image as Kubernetes does with our manifests. There is not even a /dev."""
    return debian.sandbox("--ro-bind", root, "/", "--chdir", "/", *USER)


def test_the_demo_streams_read_only_and_without_privileges(sandbox, tmp_path):
    with running([*sandbox, "/usr/local/bin/outcrop"], tmp_path, sandboxed=True) as demo:
        assert "You said" in streamed(demo.base_url)


def test_its_own_command_refuses_to_listen_without_keys(layout, sandbox, tmp_path):
    config = layouts.config(layout)["config"]
    assert config["User"] == "65532:65532"
    command = [*config["Entrypoint"], *config["Cmd"]]
    environment = {**dict(pair.split("=", 1) for pair in config["Env"]), "AWS_REGION": "us-east-1"}
    process = Process(*sandbox, *command, folder=tmp_path, environment=environment)
    assert process.exit_code() == 2
    process.wait_for(lambda line: "there are no keys" in line or None)


def test_the_labels_name_the_release(layout):
    labels = layouts.config(layout)["config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == VERSION
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_images_for_other_architectures_need_no_emulation_and_have_the_same_bytes(buildah, tmp_path):
    program = program_for(tmp_path / "outcrop", AARCH64)
    licenses = tmp_path / "licenses"
    licenses.write_text("of crates\n")
    base = base_image(buildah, tmp_path, "arm64")
    layouts_made = [tmp_path / name / "image-arm64" for name in ("one", "two")]
    for layout in layouts_made:
        pack(program, layout.parent, "--licenses", licenses, "--base", base, buildah=buildah)
    one, two = map(files_of, layouts_made)
    assert one == two
    assert layouts.config(layout)["architecture"] == "arm64"
    layouts.unpack(layout, tmp_path / "root")
    assert (tmp_path / "root/usr/local/bin/outcrop").read_bytes() == program.read_bytes()
    assert (tmp_path / "root/usr/share/licenses/outcrop/THIRD-PARTY.txt").read_text() == "of crates\n"
    assert (tmp_path / "root/usr/share/licenses/outcrop/LICENSE").exists()
