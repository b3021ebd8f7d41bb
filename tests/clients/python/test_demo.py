"""The features that `outcrop demo` announces."""

import json
import subprocess
import sys
import textwrap

import openai
import pytest


def test_the_printed_python_example_runs(demo, tmp_path):
    demo.wait_for(lambda line: True if 'end=""' in line else None)
    printed = "\n".join(demo.lines)
    begin = printed.index("  from openai import OpenAI")
    end = printed.index("\n", printed.index('end=""'))
    program = textwrap.dedent(printed[begin:end])
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60)
    assert run.returncode == 0, run.stderr
    assert "Hello!" in run.stdout


def test_embeddings_images_and_videos_work(demo):
    with openai.OpenAI(base_url=demo.base_url, api_key="none", max_retries=0) as client:
        vectors = client.embeddings.create(model="text-embedding-3-small", input=["a lake", "a sea"])
        assert [len(vector.embedding) for vector in vectors.data] == [1024, 1024]
        assert client.images.generate(model="gpt-image-1", prompt="A lake").data[0].b64_json
        video = client.videos.create(model="sora-2", prompt="A lake", seconds="4", size="1280x720")
        # The simulator completes a video on the third lookup.
        while video.status == "in_progress":
            video = client.videos.retrieve(video.id)
        content = client.videos.download_content(video.id).read()
        assert content[4:8] == b"ftyp"


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-mini"])
def test_tool_calls_work(demo, model):
    tool = {"type": "function", "function": {
        "name": "get_weather",
        "description": "Tells the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }}
    messages = [{"role": "user", "content": "How is the weather in Paris?"}]
    with openai.OpenAI(base_url=demo.base_url, api_key="none", max_retries=0) as client:
        message = client.chat.completions.create(model=model, messages=messages, tools=[tool]).choices[0].message
        [call] = message.tool_calls
        assert json.loads(call.function.arguments) == {"city": "Paris"}
        messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"}]
        with client.chat.completions.stream(model=model, messages=messages, tools=[tool]) as stream:
            assert "21 degrees" in stream.get_final_completion().choices[0].message.content
