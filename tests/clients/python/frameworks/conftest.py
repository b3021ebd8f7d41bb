"""Settings of the framework tests, in addition to the fixtures of the parent folder."""

import warnings

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    # Run coroutine tests without markers; no fixture is a coroutine.
    config.option.asyncio_mode = "auto"
    warnings.filterwarnings("ignore", 'The configuration option "asyncio_default_fixture_loop_scope"')
    # Benchmarks run once, as tests.
    config.option.benchmark_disable = True


def pytest_collection_modifyitems(config, items):
    """Deselects the standard tests of features that a model does not support."""
    unsupported = [item for item in items if item.originalname in getattr(item.cls, "UNSUPPORTED", ())]
    config.hook.pytest_deselected(items=unsupported)
    items[:] = [item for item in items if item not in unsupported]
