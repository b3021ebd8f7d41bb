"""Drives a running simulator through boto3, the AWS SDK that most of Bedrock's users have.

    python boto3_check.py http://127.0.0.1:PORT

The simulator must check credentials (no --any-credentials). Needs boto3. Prints a line for every
check, and exits with 1 at the first that fails.
"""

import json
import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
BEARER_TOKEN = "bedrock-api-key-EXAMPLE"
CLAUDE, NOVA = "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-lite-v1:0"
HELLO = [{"role": "user", "content": [{"text": "Good morning, mountain"}]}]
WEATHER = {
    "tools": [
        {
            "toolSpec": {
                "name": "get_weather",
                "description": "Tells the weather of a city",
                "inputSchema": {
                    "json": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}},
                        "required": ["city"],
                    }
                },
            }
        }
    ]
}

URL = sys.argv[1].rstrip("/")


def client(service, secret=SECRET):
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=URL,
        aws_access_key_id=KEY,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )


def check(name, holds, seen=None):
    print(("ok      " if holds else "FAILED  ") + name)
    if not holds:
        print(f"        saw {seen!r}")
        sys.exit(1)


def refused(name, code, call):
    try:
        seen = call()
    except ClientError as error:
        seen = error.response["Error"]["Code"]
    check(f"{name}: {code}", seen == code, seen)


def order(script):
    body = json.dumps(script).encode()
    urllib.request.urlopen(urllib.request.Request(f"{URL}/_simulator/scripts", data=body))


def converse(runtime):
    answer = runtime.converse(modelId=CLAUDE, messages=HELLO)
    text = answer["output"]["message"]["content"][0]["text"]
    check("converse echoes the user", "Good morning, mountain" in text, text)
    check("converse gives usage", answer["usage"]["totalTokens"] > 0, answer["usage"])
    check("converse gives a request id", len(answer["ResponseMetadata"]["RequestId"]) == 36)
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{CLAUDE}"
    check("an ARN is a model id", runtime.converse(modelId=arn, messages=HELLO)["stopReason"] == "end_turn")
    limited = runtime.converse(modelId=NOVA, messages=HELLO, inferenceConfig={"maxTokens": 2})
    check("maxTokens is honoured", limited["stopReason"] == "max_tokens", limited)
    stopped = runtime.converse(modelId=NOVA, messages=HELLO, inferenceConfig={"stopSequences": ["mountain"]})
    check("stopSequences are honoured", stopped["stopReason"] == "stop_sequence", stopped)


def tools(runtime):
    asked = [{"role": "user", "content": [{"text": "How is the weather in New York?"}]}]
    answer = runtime.converse(modelId=CLAUDE, messages=asked, toolConfig=WEATHER)
    message = answer["output"]["message"]
    call = message["content"][-1]["toolUse"]
    check("a tool is called", (call["name"], call["input"]) == ("get_weather", {"city": "New York"}), call)
    result = {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"json": {"degrees": 21}}]}}
    turns = [*asked, message, {"role": "user", "content": [result]}]
    answer = runtime.converse(modelId=CLAUDE, messages=turns, toolConfig=WEATHER)
    text = answer["output"]["message"]["content"][0]["text"]
    check("its result is answered", '{"degrees":21}' in text, text)


def streams(runtime):
    stream = list(runtime.converse_stream(modelId=NOVA, messages=HELLO)["stream"])
    kinds = [next(iter(event)) for event in stream]
    check("a stream begins with messageStart", kinds[0] == "messageStart", kinds)
    check("a stream ends with messageStop and metadata", kinds[-2:] == ["messageStop", "metadata"], kinds)
    texts = [event["contentBlockDelta"]["delta"]["text"] for event in stream if "contentBlockDelta" in event]
    check("a stream brings the text in pieces", len(texts) > 3 and "mountain" in "".join(texts), texts)

    asked = [{"role": "user", "content": [{"text": "How is the weather in New York?"}]}]
    stream = list(runtime.converse_stream(modelId=CLAUDE, messages=asked, toolConfig=WEATHER)["stream"])
    starts = [event["contentBlockStart"] for event in stream if "contentBlockStart" in event]
    check("a streamed call has a start", starts[0]["start"]["toolUse"]["name"] == "get_weather", starts)
    deltas = [event["contentBlockDelta"]["delta"] for event in stream if "contentBlockDelta" in event]
    pieces = [delta["toolUse"]["input"] for delta in deltas if "toolUse" in delta]
    check("its input comes in pieces", len(pieces) > 2 and json.loads("".join(pieces)) == {"city": "New York"}, pieces)

    order({"faults": [{"kind": "exception", "after_events": 2, "code": "throttlingException", "message": "Slow down"}]})
    seen, code = 0, None
    try:
        for _ in runtime.converse_stream(modelId=NOVA, messages=HELLO)["stream"]:
            seen += 1
    except EventStreamError as error:
        code = error.response["Error"]["Code"]
    check("an exception in a stream is raised", (seen, code) == (2, "throttlingException"), (seen, code))


def invoke(runtime):
    body = json.dumps({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello you"}]}],
    })
    answer = runtime.invoke_model(modelId=CLAUDE, body=body)
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    message = json.loads(answer["body"].read())
    check("invoke_model answers a message", "Hello you" in message["content"][0]["text"], message)
    check("token counts come in headers", int(headers["x-amzn-bedrock-input-token-count"]) > 0, headers)
    answer = runtime.invoke_model_with_response_stream(modelId=CLAUDE, body=body)
    chunks = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    kinds = [chunk["type"] for chunk in chunks]
    check("invoke_model streams", (kinds[0], kinds[-1]) == ("message_start", "message_stop"), kinds)
    check("the last chunk has metrics", "amazon-bedrock-invocationMetrics" in chunks[-1], chunks[-1])
    embedding = runtime.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "hi"}))
    check("titan embeds", len(json.loads(embedding["body"].read())["embedding"]) == 1024)


def counts(runtime):
    counted = runtime.count_tokens(
        modelId="anthropic.claude-sonnet-4-20250514-v1:0", input={"converse": {"messages": HELLO}}
    )
    check("count_tokens counts", counted["inputTokens"] >= 3, counted)


def lists(control):
    models = control.list_foundation_models(byOutputModality="TEXT")["modelSummaries"]
    check("list_foundation_models", any(model["modelId"] == NOVA for model in models), models)
    pages = control.get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 4})
    profiles = [profile for page in pages for profile in page["inferenceProfileSummaries"]]
    ids = [profile["inferenceProfileId"] for profile in profiles]
    check("list_inference_profiles in pages", len(ids) > 4 and CLAUDE in ids and len(set(ids)) == len(ids), ids)
    check("times are read as times", profiles[0]["createdAt"].year == 2025, profiles[0])


def lookups(control, runtime):
    front = "arn:aws:bedrock:us-east-1:123456789012:"
    found = {
        "application-inference-profile/ap1234claude": lambda arn: control.get_inference_profile(
            inferenceProfileIdentifier=arn)["models"][0]["modelArn"],
        "provisioned-model/pm1234567890": lambda arn: control.get_provisioned_model_throughput(
            provisionedModelId=arn)["foundationModelArn"],
        "custom-model/amazon.nova-lite-v1:0/cm1234567890": lambda arn: control.get_custom_model(
            modelIdentifier=arn)["baseModelArn"],
        "custom-model-deployment/cd1234567890": lambda arn: control.get_custom_model_deployment(
            customModelDeploymentIdentifier=arn)["modelArn"],
        "imported-model/im1234567890": lambda arn: control.get_imported_model(
            modelIdentifier=arn)["modelArn"],
        "default-prompt-router/amazon.nova:1": lambda arn: control.get_prompt_router(
            promptRouterArn=arn)["fallbackModel"]["modelArn"],
    }
    for resource, look_up in found.items():
        seen = look_up(front + resource)
        check(f"{resource} is looked up", seen.startswith("arn:aws:bedrock:"), seen)
        answer = runtime.converse(modelId=front + resource, messages=HELLO)
        check(f"{resource} is called", answer["stopReason"] == "end_turn", answer)


def contract(runtime):
    """Blocks and fields that boto3 must be able to read."""
    document = {"format": "txt", "name": "snow", "citations": {"enabled": True},
                "source": {"text": "Snow is cold."}}
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    answer = runtime.converse(
        modelId=CLAUDE,
        messages=[{"role": "user", "content": [{"text": "Read"}, {"document": document}]}],
        additionalModelRequestFields=thinking,
        additionalModelResponseFieldPaths=["/usage/output_tokens_details"],
        serviceTier={"type": "flex"},
    )
    kinds = [next(iter(block)) for block in answer["output"]["message"]["content"]]
    check("reasoning, text, citations", kinds == ["reasoningContent", "text", "citationsContent"], kinds)
    check("the tier comes back", answer["serviceTier"] == {"type": "flex"}, answer)
    seen = answer["additionalModelResponseFields"]
    check("thinking tokens", seen["usage"]["output_tokens_details"]["thinking_tokens"] > 0, seen)
    stream = runtime.converse_stream(
        modelId=NOVA,
        messages=[{"role": "user", "content": [{"text": "Tell me of an avalanche"}]}],
        guardrailConfig={"guardrailIdentifier": "demoguardrail", "guardrailVersion": "1", "trace": "enabled",
                         "streamProcessingMode": "async"},
    )
    events = list(stream["stream"])
    seen = events[-1]["metadata"]["trace"]["guardrail"]["inputAssessment"]["demoguardrail"]
    word = seen["wordPolicy"]["customWords"][0]
    check("a guardrail's trace", word == {"action": "BLOCKED", "detected": True, "match": "avalanche"}, seen)
    long = [{"text": "All work and no play. " * 300}, {"cachePoint": {"type": "default"}}]
    usages = [runtime.converse(modelId=CLAUDE, messages=HELLO, system=long)["usage"] for _ in range(2)]
    check("a prompt is cached", usages[0]["cacheWriteInputTokens"] == usages[1]["cacheReadInputTokens"] > 1024, usages)
    tools = {"tools": [{"systemTool": {"name": "nova_grounding"}}]}
    stream = runtime.converse_stream(modelId="us.amazon.nova-2-lite-v1:0", messages=HELLO, toolConfig=tools)
    deltas = [event["contentBlockDelta"]["delta"] for event in stream["stream"] if "contentBlockDelta" in event]
    seen = {key for delta in deltas for key in delta}
    check("a server tool's events", {"toolUse", "toolResult", "citation", "text"} <= seen, seen)


def errors(runtime):
    call = lambda model, **more: runtime.converse(modelId=model, messages=HELLO, **more)["stopReason"]
    refused("an unknown model", "ValidationException", lambda: call("does-not-exist"))
    refused("a retired model", "ResourceNotFoundException", lambda: call("anthropic.claude-instant-v1"))
    refused("a model without its profile", "ValidationException", lambda: call(CLAUDE[3:]))
    refused(
        "temperature with topP on Claude 4.5",
        "ValidationException",
        lambda: call(CLAUDE, inferenceConfig={"temperature": 0.5, "topP": 0.5}),
    )
    for status, code in [
        (429, "ThrottlingException"),
        (503, "ServiceUnavailableException"),
        (424, "ModelErrorException"),
        (403, "AccessDeniedException"),
    ]:
        order({"answer": {"kind": "error", "status": status, "code": code, "message": "ordered"}})
        try:
            call(NOVA)
            seen = None
        except getattr(runtime.exceptions, code) as error:
            seen = error.response["Error"]["Code"]
        check(f"an ordered {code} has its class", seen == code, seen)


def credentials():
    call = lambda: client("bedrock-runtime", secret="wrong").converse(modelId=NOVA, messages=HELLO)
    refused("a wrong secret", "InvalidSignatureException", call)
    refused("a wrong secret in the control plane", "InvalidSignatureException",
            lambda: client("bedrock", secret="wrong").list_inference_profiles(maxResults=3))
    refused("a wrong secret in STS", "SignatureDoesNotMatch",
            lambda: client("sts", secret="wrong").get_caller_identity())
    account = client("sts").get_caller_identity()["Account"]
    check("get_caller_identity", account == "123456789012", account)

    # boto3 sends bearer tokens over HTTPS only.
    def with_token(token):
        request = urllib.request.Request(
            f"{URL}/model/{NOVA}/converse",
            data=json.dumps({"messages": HELLO}).encode(),
            headers={"authorization": f"Bearer {token}"},
        )
        try:
            return urllib.request.urlopen(request).status
        except urllib.error.HTTPError as error:
            return error.code, error.headers["x-amzn-errortype"].split(":")[0]

    check("the bearer token is accepted", with_token(BEARER_TOKEN) == 200)
    seen = with_token("other")
    check("another bearer token is refused", seen == (403, "AccessDeniedException"), seen)


if __name__ == "__main__":
    RUNTIME = client("bedrock-runtime")
    for group in (converse, tools, streams, invoke, counts, contract, errors):
        group(RUNTIME)
    lists(client("bedrock"))
    lookups(client("bedrock"), RUNTIME)
    credentials()
    print("all passed")
