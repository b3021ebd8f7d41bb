"""The examples for frameworks in README.md work as they are printed."""

import sys

from documents import run_client_example


def test_the_example_for_the_agents_sdk_runs(demo, tmp_path):
    run_client_example("OpenAI's Agents SDK", [sys.executable, "-c"], demo, tmp_path)


def test_the_example_for_langchain_runs(demo, tmp_path):
    run_client_example("LangChain", [sys.executable, "-c"], demo, tmp_path)
