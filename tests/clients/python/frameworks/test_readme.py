"""The examples for frameworks in README.md work as they are printed."""

import sys

from documents import run_client_example


def test_the_example_for_langchain_runs(demo, tmp_path):
    run_client_example("LangChain", [sys.executable, "-c"], demo, tmp_path)
