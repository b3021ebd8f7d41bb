"""What the tests of frameworks need beside the fixtures of the folder above."""

import warnings

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    # Tests that are coroutines are run as they stand; no fixture here is one.
    config.option.asyncio_mode = "auto"
    warnings.filterwarnings("ignore", 'The configuration option "asyncio_default_fixture_loop_scope"')
    # Benchmarks run once, as tests.
    config.option.benchmark_disable = True


def pytest_collection_modifyitems(config, items):
    """Leaves out the standard tests of what a model lacks."""
    lacking = [item for item in items if item.originalname in getattr(item.cls, "LACKS", ())]
    config.hook.pytest_deselected(items=lacking)
    items[:] = [item for item in items if item not in lacking]
