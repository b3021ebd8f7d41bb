"""One simulator and one gateway for the whole run; each test begins with empty queues."""

import os

import httpx
import openai
import pytest

from processes import API_KEY, Gateway, Process, demo_base_url, eventually
from simulated import HELLO, NOVA, Simulator

# Many calls fail within seconds. Short delays keep the tests fast, and every successful call adds ten
# retries to the retry budget, so that it does not run out.
CONFIGURATION = """
[retry]
base_delay = "10ms"
budget_percent = 1000

[models]
plain-name = "amazon.nova-lite-v1:0"
"""


# Prefixes of environment variables that the clients read.
CLIENT_VARIABLES = ("OPENAI_", "LANGCHAIN_", "LANGSMITH_")


def pytest_configure():
    # All connections are local, and the user's environment must not affect the clients.
    for name in list(os.environ):
        if name.lower() in ("http_proxy", "https_proxy", "all_proxy") or name.startswith(CLIENT_VARIABLES):
            del os.environ[name]


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """`outcrop demo`."""
    process = Process("outcrop", "demo", "--listen", "127.0.0.1:0", folder=tmp_path_factory.mktemp("demo"))
    process.base_url = process.wait_for(demo_base_url)
    yield process
    assert process.stop() == 0


@pytest.fixture(scope="session")
def running_simulator(tmp_path_factory):
    simulator = Simulator(tmp_path_factory.mktemp("simulator"))
    yield simulator
    assert simulator.stop() == 0


@pytest.fixture(scope="session")
def start_gateway(running_simulator, tmp_path_factory):
    """Starts gateways with their own configuration; all must exit with status 0 after the run."""
    started = []

    def start(configuration):
        gateway = Gateway(running_simulator.url, tmp_path_factory.mktemp("gateway"), configuration)
        started.append(gateway)
        return gateway

    yield start
    codes = [gateway.stop() for gateway in started]
    assert codes == [0] * len(started)


@pytest.fixture(scope="session")
def gateway(start_gateway):
    return start_gateway(CONFIGURATION)


@pytest.fixture(scope="session")
def gateway_without_retries(start_gateway):
    """Returns each Bedrock error to the client without retries."""
    return start_gateway("[retry]\nmax_attempts = 1\n")


@pytest.fixture(autouse=True)
def simulator(running_simulator, gateway):
    """The simulator without scripts and with an empty journal; a test must use all its scripts."""
    fill_retry_budget(gateway)
    running_simulator.clear()
    yield running_simulator
    status = running_simulator.status()
    running_simulator.clear()
    assert status["scripts"] == 0, "a script was not used"
    eventually(lambda: running_simulator.status()["open_calls"] == 0)


@pytest.fixture
def client(gateway):
    """OpenAI's client without retries, so that a test observes a single request."""
    with connect(gateway) as client:
        yield client


@pytest.fixture
def http(gateway):
    """A plain HTTP client with the API key, for details that the SDK hides."""
    with httpx.Client(base_url=gateway.base_url, headers=bearer(), timeout=30) as http:
        yield http


def fill_retry_budget(gateway):
    """Makes one successful call, so that tests do not depend on earlier failures."""
    body = {"model": NOVA, "messages": HELLO}
    response = httpx.post(gateway.base_url + "/chat/completions", json=body, headers=bearer())
    assert response.status_code == 200, response.text


def connect(gateway, max_retries=0, **more):
    options = {"base_url": gateway.base_url, "api_key": API_KEY, "timeout": 30.0, **more}
    return openai.OpenAI(max_retries=max_retries, **options)


def connect_async(gateway, max_retries=0, **more):
    options = {"base_url": gateway.base_url, "api_key": API_KEY, "timeout": 30.0, **more}
    return openai.AsyncOpenAI(max_retries=max_retries, **options)


def bearer():
    return {"authorization": f"Bearer {API_KEY}"}


def sse_data(body):
    """The data of each event; comments are ignored, as by clients."""
    lines = body.split("\n")
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
