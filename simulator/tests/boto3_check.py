"""Tests a running simulator with boto3.

    python boto3_check.py http://127.0.0.1:PORT

The simulator must check credentials (no --any-credentials). Prints one line per check and exits with
status 1 at the first failure.
"""

import base64
import io
import json
import sys
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
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
                "description": "Returns the weather of a city",
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
        # The default for presigned S3 URLs is Signature Version 2.
        config=Config(retries={"total_max_attempts": 1}, signature_version="s3v4" if service == "s3" else None),
    )


def check(name, holds, seen=None):
    print(("ok      " if holds else "FAILED  ") + name)
    if not holds:
        print(f"        saw {seen!r}")
        sys.exit(1)


def rejected(name, code, call):
    try:
        seen = call()
    except ClientError as error:
        seen = error.response["Error"]["Code"]
    check(f"{name}: {code}", seen == code, seen)


def push_script(script):
    body = json.dumps(script).encode()
    urllib.request.urlopen(urllib.request.Request(f"{URL}/_simulator/scripts", data=body))


def converse(runtime):
    response = runtime.converse(modelId=CLAUDE, messages=HELLO)
    text = response["output"]["message"]["content"][0]["text"]
    check("converse echoes the user", "Good morning, mountain" in text, text)
    check("converse returns usage", response["usage"]["totalTokens"] > 0, response["usage"])
    check("converse returns a request id", len(response["ResponseMetadata"]["RequestId"]) == 36)
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{CLAUDE}"
    check("an ARN is a model id", runtime.converse(modelId=arn, messages=HELLO)["stopReason"] == "end_turn")
    limited = runtime.converse(modelId=NOVA, messages=HELLO, inferenceConfig={"maxTokens": 2})
    check("maxTokens limits the response", limited["stopReason"] == "max_tokens", limited)
    stopped = runtime.converse(modelId=NOVA, messages=HELLO, inferenceConfig={"stopSequences": ["mountain"]})
    check("stopSequences end the response", stopped["stopReason"] == "stop_sequence", stopped)


def tools(runtime):
    sent = [{"role": "user", "content": [{"text": "How is the weather in New York?"}]}]
    response = runtime.converse(modelId=CLAUDE, messages=sent, toolConfig=WEATHER)
    message = response["output"]["message"]
    call = message["content"][-1]["toolUse"]
    check("a tool is called", (call["name"], call["input"]) == ("get_weather", {"city": "New York"}), call)
    result = {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"json": {"degrees": 21}}]}}
    turns = [*sent, message, {"role": "user", "content": [result]}]
    response = runtime.converse(modelId=CLAUDE, messages=turns, toolConfig=WEATHER)
    text = response["output"]["message"]["content"][0]["text"]
    check("a response follows the tool result", '{"degrees":21}' in text, text)


def streams(runtime):
    stream = list(runtime.converse_stream(modelId=NOVA, messages=HELLO)["stream"])
    kinds = [next(iter(event)) for event in stream]
    check("a stream begins with messageStart", kinds[0] == "messageStart", kinds)
    check("a stream ends with messageStop and metadata", kinds[-2:] == ["messageStop", "metadata"], kinds)
    texts = [event["contentBlockDelta"]["delta"]["text"] for event in stream if "contentBlockDelta" in event]
    check("a stream sends the text in deltas", len(texts) > 3 and "mountain" in "".join(texts), texts)

    sent = [{"role": "user", "content": [{"text": "How is the weather in New York?"}]}]
    stream = list(runtime.converse_stream(modelId=CLAUDE, messages=sent, toolConfig=WEATHER)["stream"])
    starts = [event["contentBlockStart"] for event in stream if "contentBlockStart" in event]
    check("a streamed tool call has a start event", starts[0]["start"]["toolUse"]["name"] == "get_weather", starts)
    deltas = [event["contentBlockDelta"]["delta"] for event in stream if "contentBlockDelta" in event]
    fragments = [delta["toolUse"]["input"] for delta in deltas if "toolUse" in delta]
    check("its input is sent in deltas", len(fragments) > 2 and json.loads("".join(fragments)) == {"city": "New York"}, fragments)

    push_script({"faults": [{"kind": "exception", "after_events": 2, "code": "throttlingException", "message": "Slow down"}]})
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
    response = runtime.invoke_model(modelId=CLAUDE, body=body)
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    message = json.loads(response["body"].read())
    check("invoke_model returns a message", "Hello you" in message["content"][0]["text"], message)
    check("token counts are in headers", int(headers["x-amzn-bedrock-input-token-count"]) > 0, headers)
    response = runtime.invoke_model_with_response_stream(modelId=CLAUDE, body=body)
    chunks = [json.loads(event["chunk"]["bytes"]) for event in response["body"]]
    kinds = [chunk["type"] for chunk in chunks]
    check("invoke_model streams", (kinds[0], kinds[-1]) == ("message_start", "message_stop"), kinds)
    check("the last chunk has metrics", "amazon-bedrock-invocationMetrics" in chunks[-1], chunks[-1])
    embedding = runtime.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "hi"}))
    check("titan embeds", len(json.loads(embedding["body"].read())["embedding"]) == 1024)
    body = json.dumps({"query": "ore", "documents": ["rock", "an ore"], "api_version": 2})
    ranking = runtime.invoke_model(modelId="cohere.rerank-v3-5:0", body=body)
    check("cohere reranks", json.loads(ranking["body"].read())["results"][0]["index"] == 1)
    try:
        runtime.invoke_model(modelId="cohere.embed-v4:0", body=json.dumps({"texts": ["hi"], "colour": "red"}))
        check("a body with an unknown key is rejected", False)
    except runtime.exceptions.ValidationException as error:
        message = error.response["Error"]["Message"]
        expected = "required key [input_type] not found#: extraneous key [colour] is not permitted, please"
        check("a body with an unknown key is rejected", expected in message, message)


def images(runtime):
    def sent(model, body):
        return json.loads(runtime.invoke_model(modelId=model, body=json.dumps(body))["body"].read())

    stability, canvas = "stability.sd3-5-large-v1:0", "amazon.nova-canvas-v1:0"
    generated = sent(stability, {"prompt": "a cat", "seed": 7})
    check("stability generates an image", base64.b64decode(generated["images"][0]).startswith(b"\x89PNG"))
    check("the seed and no filter reason are returned", (generated["seeds"], generated["finish_reasons"]) == ([7], [None]))
    generated = sent(canvas, {
        "taskType": "TEXT_IMAGE",
        "textToImageParams": {"text": "a cat"},
        "imageGenerationConfig": {"numberOfImages": 2, "width": 320, "height": 320},
    })
    check("nova canvas generates images", len(generated["images"]) == 2 and generated["error"] is None)
    rejected("an unknown key in an image request", "ValidationException",
            lambda: sent(stability, {"prompt": "a cat", "n": 2}))
    rejected("a filtered prompt", "ValidationException",
            lambda: sent(canvas, {"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a forbidden cat"}}))


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
    check("timestamps are parsed", profiles[0]["createdAt"].year == 2025, profiles[0])
    lives = {model["modelId"]: model["modelLifecycle"] for model in control.list_foundation_models()["modelSummaries"]}
    legacy = lives["anthropic.claude-opus-4-1-20250805-v1:0"]
    check("a legacy model has an end of life", (legacy["status"], legacy["endOfLifeTime"].year) == ("LEGACY", 2099), legacy)
    check("an active model has no end of life", lives[NOVA] == {"status": "ACTIVE"}, lives[NOVA])


def own_lists(control):
    """The account's resources in each list, including marketplace endpoints."""
    arn_prefix = "arn:aws:bedrock:us-east-1:123456789012:"
    lists = {
        "list_custom_model_deployments": ("customModelDeploymentArn", "custom-model-deployment/cd1234567890"),
        "list_imported_models": ("modelArn", "imported-model/im1234567890"),
        "list_provisioned_model_throughputs": ("provisionedModelArn", "provisioned-model/pm1234567890"),
        "list_prompt_routers": ("promptRouterArn", "prompt-router/pr1234567890"),
        "list_marketplace_model_endpoints": ("endpointArn", None),
    }
    for name, (key, resource) in lists.items():
        paginator = control.get_paginator(name)
        for size in (1, 1000):
            pages = list(paginator.paginate(PaginationConfig={"PageSize": size}))
            entries = [entry for page in pages for entry in next(v for v in page.values() if isinstance(v, list))]
            arns = [entry[key] for entry in entries]
            expected = arn_prefix + resource if resource else "arn:aws:sagemaker:us-east-1:123456789012:endpoint/our-endpoint"
            check(f"{name} in pages of {size}", expected in arns and len(set(arns)) == len(arns), arns)
    applications = control.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"]
    kinds = {profile["type"] for profile in applications}
    check("only application profiles", kinds == {"APPLICATION"}, applications)
    active = control.list_custom_model_deployments(statusEquals="Active")["modelDeploymentSummaries"]
    check("a filter by status", [one["status"] for one in active] == ["Active"], active)
    imported = control.list_imported_models()["modelSummaries"][0]
    check("an imported model supports instructions", imported["instructSupported"] is True, imported)


def lookups(control, runtime):
    arn_prefix = "arn:aws:bedrock:us-east-1:123456789012:"
    entries = {
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
    for resource, look_up in entries.items():
        seen = look_up(arn_prefix + resource)
        check(f"{resource} is looked up", seen.startswith("arn:aws:bedrock:"), seen)
        response = runtime.converse(modelId=arn_prefix + resource, messages=HELLO)
        check(f"{resource} can be called", response["stopReason"] == "end_turn", response)


def contract(runtime):
    """Blocks and fields that boto3 parses."""
    document = {"format": "txt", "name": "snow", "citations": {"enabled": True},
                "source": {"text": "Snow is cold."}}
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    response = runtime.converse(
        modelId=CLAUDE,
        messages=[{"role": "user", "content": [{"text": "Read"}, {"document": document}]}],
        additionalModelRequestFields=thinking,
        additionalModelResponseFieldPaths=["/usage/output_tokens_details"],
        serviceTier={"type": "flex"},
    )
    kinds = [next(iter(block)) for block in response["output"]["message"]["content"]]
    check("reasoning, text, citations", kinds == ["reasoningContent", "text", "citationsContent"], kinds)
    check("the service tier is echoed", response["serviceTier"] == {"type": "flex"}, response)
    seen = response["additionalModelResponseFields"]
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


def guardrails(runtime):
    """InvokeGuardrailChecks and ApplyGuardrail."""
    checked_content = [{"role": "user", "content": [{"text": "I will kill you. Mail a@b.example"}]}]
    checks = {
        "contentFilter": {"categories": [{"category": "VIOLENCE"}, {"category": "HATE"}]},
        "promptAttack": {"categories": [{"category": "JAILBREAK"}]},
        "sensitiveInformation": {"entities": [{"type": "EMAIL"}]},
    }
    response = runtime.invoke_guardrail_checks(messages=checked_content, checks=checks)
    scores = {entry["category"]: entry["severityScore"] for entry in response["results"]["contentFilter"]["results"]}
    check("checks return a severity score", scores == {"VIOLENCE": 0.6, "HATE": 0.0}, scores)
    [entries] = response["results"]["sensitiveInformation"]["results"]
    check("checks return the offsets of an address", (entries["beginOffset"], entries["endOffset"]) == (22, 33), entries)
    check("checks return text units", response["usage"]["promptAttack"]["textUnits"] == 1, response["usage"])

    apply = lambda text, version="1": runtime.apply_guardrail(
        guardrailIdentifier="demoguardrail", guardrailVersion=version, source="INPUT", outputScope="FULL",
        content=[{"text": {"text": text}}, {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}}],
    )
    seen = apply("An avalanche")
    check("a guardrail intervenes", seen["action"] == "GUARDRAIL_INTERVENED", seen)
    seen = apply("you idiot")
    filters = {entry["type"]: entry["confidence"] for entry in seen["assessments"][0]["contentPolicy"]["filters"]}
    check("a guardrail returns its confidence", (filters["INSULTS"], filters["HATE"]) == ("MEDIUM", "NONE"), filters)
    rejected("an unknown guardrail", "ValidationException", lambda: apply("a", "7"))


def errors(runtime):
    call = lambda model, **more: runtime.converse(modelId=model, messages=HELLO, **more)["stopReason"]
    rejected("an unknown model", "ValidationException", lambda: call("does-not-exist"))
    rejected("a retired model", "ResourceNotFoundException", lambda: call("anthropic.claude-instant-v1"))
    rejected("a model without its profile", "ValidationException", lambda: call(CLAUDE[3:]))
    rejected(
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
        push_script({"response": {"kind": "error", "status": status, "code": code, "message": "ordered"}})
        try:
            call(NOVA)
            seen = None
        except getattr(runtime.exceptions, code) as error:
            seen = error.response["Error"]["Code"]
        check(f"a scripted {code} raises its exception class", seen == code, seen)


def s3():
    bucket, store = "outcrop-example", client("s3")
    store.put_object(Bucket=bucket, Key="boto/a b&ä.txt", Body=b"0123456789", ContentType="text/plain")
    entries = store.get_object(Bucket=bucket, Key="boto/a b&ä.txt", Range="bytes=2-4")
    seen = (entries["Body"].read(), entries["ContentRange"], entries["ContentType"])
    check("S3 returns a range of an object", seen == (b"234", "bytes 2-4/10", "text/plain"), seen)
    for number in range(3):
        store.put_object(Bucket=bucket, Key=f"boto/{number}", Body=io.BytesIO(b"x" * number))
    pages = store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="boto/", PaginationConfig={"PageSize": 3})
    keys = [entry["Key"] for page in pages for entry in page["Contents"]]
    check("S3 lists in pages", keys == ["boto/0", "boto/1", "boto/2", "boto/a b&ä.txt"], keys)
    transfer = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    store.upload_fileobj(io.BytesIO(b"y" * (11 << 20)), bucket, "boto/large", Config=transfer)
    length = store.head_object(Bucket=bucket, Key="boto/large")["ContentLength"]
    check("S3 accepts a multipart upload", length == 11 << 20, length)
    back = io.BytesIO()
    store.download_fileobj(bucket, "boto/large", back, Config=transfer)
    check("S3 returns the uploaded object", back.getvalue() == b"y" * (11 << 20))
    address = store.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "boto/2"}, ExpiresIn=60)
    seen = urllib.request.urlopen(address).read()
    check("S3 accepts a presigned URL", seen == b"xx", seen)
    deleted = store.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in [*keys, "boto/large"]]})
    check("S3 deletes several at once", len(deleted["Deleted"]) == 5, deleted)
    get = lambda **more: store.get_object(**{"Bucket": bucket, "Key": "boto/0", **more})
    rejected("a missing key", "NoSuchKey", get)
    rejected("a missing bucket", "NoSuchBucket", lambda: get(Bucket="no-such-bucket"))
    rejected("a wrong secret in S3", "SignatureDoesNotMatch",
            lambda: client("s3", secret="wrong").list_objects_v2(Bucket=bucket))


def videos(runtime):
    config = {"durationSeconds": 6, "fps": 24, "dimension": "1280x720"}
    reel = {"taskType": "TEXT_VIDEO", "textToVideoParams": {"text": "A lake"}, "videoGenerationConfig": config}
    output = {"s3OutputDataConfig": {"s3Uri": "s3://outcrop-example/boto"}}

    def start(job_input=reel, **more):
        return runtime.start_async_invoke(
            modelId="amazon.nova-reel-v1:1", modelInput=job_input, outputDataConfig=output, **more
        )["invocationArn"]

    arn = start(clientRequestToken="boto")
    check("a token starts one video job", start(clientRequestToken="boto") == arn)
    states = [runtime.get_async_invoke(invocationArn=arn)["status"] for _ in range(3)]
    check("a video job completes at the third lookup", states == ["InProgress", "InProgress", "Completed"], states)
    job = runtime.get_async_invoke(invocationArn=arn)
    check("timestamps of video jobs are parsed", job["endTime"] >= job["submitTime"], job)
    bucket, _, folder = job["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"].removeprefix("s3://").partition("/")
    video = client("s3").get_object(Bucket=bucket, Key=f"{folder}/output.mp4")
    check("the video is in S3", video["Body"].read(8)[4:] == b"ftyp", folder)
    listed = runtime.list_async_invokes(statusEquals="Completed")["asyncInvokeSummaries"]
    check("video jobs are listed", arn in [job["invocationArn"] for job in listed], listed)
    wrong = {**reel, "textToVideoParams": {"text": "x" * 513}}
    rejected("a prompt above the length limit", "ValidationException", lambda: start(wrong))
    changed = {**reel, "textToVideoParams": {"text": "A sea"}}
    rejected("a token for a different video", "ConflictException", lambda: start(changed, clientRequestToken="boto"))


def jobs(control, store, bucket="outcrop-example"):
    records = [{"recordId": f"{number:011}", "modelInput": {"messages": HELLO}} for number in range(100)]
    records[3]["modelInput"] = {"messages": []}
    body = "".join(json.dumps(record) + "\n" for record in records)
    store.put_object(Bucket=bucket, Key="jobs/in.jsonl", Body=body.encode())
    push_script = {
        "jobName": "boto-1",
        "roleArn": "arn:aws:iam::123456789012:role/batches",
        "clientRequestToken": "boto-1",
        "modelId": NOVA,
        "modelInvocationType": "Converse",
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": f"s3://{bucket}/jobs/in.jsonl"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{bucket}/jobs/out/"}},
    }
    arn = control.create_model_invocation_job(**push_script)["jobArn"]
    again = control.create_model_invocation_job(**push_script)["jobArn"]
    check("the same token returns the same job", arn == again, again)
    seen = []
    while not seen or seen[-1] not in ("Completed", "Failed"):
        job = control.get_model_invocation_job(jobIdentifier=arn)
        seen.append(job["status"])
    check("a job advances through its statuses", seen == ["Submitted", "Validating", "Scheduled", "InProgress", "Completed"], seen)
    counts = [job[name] for name in ("totalRecordCount", "successRecordCount", "errorRecordCount")]
    check("a job counts its records", counts == [100, 99, 1], counts)
    output = store.get_object(Bucket=bucket, Key=f"jobs/out/{arn.rsplit('/', 1)[1]}/in.jsonl.out")["Body"].read()
    results = {result["recordId"]: result for result in map(json.loads, output.splitlines())}
    text = results["00000000007"]["modelOutput"]["output"]["message"]["content"][0]["text"]
    check("a record has a response", "Good morning" in text, text)
    check("a record is rejected", results["00000000003"]["error"]["errorCode"] == 400, results["00000000003"])
    listed = control.list_model_invocation_jobs(nameContains="boto")["invocationJobSummaries"]
    check("jobs are listed", [job["jobArn"] for job in listed] == [arn], listed)
    stop = lambda: control.stop_model_invocation_job(jobIdentifier=arn)
    rejected("stopping a completed job", "ConflictException", stop)
    other = control.create_model_invocation_job(**{**push_script, "clientRequestToken": "boto-2"})["jobArn"]
    control.stop_model_invocation_job(jobIdentifier=other)
    seen = [control.get_model_invocation_job(jobIdentifier=other)["status"] for _ in range(2)]
    check("a job is stopped", seen == ["Stopping", "Stopped"], seen)
    few = {**push_script, "clientRequestToken": "boto-3"}
    store.put_object(Bucket=bucket, Key="jobs/in.jsonl", Body=json.dumps(records[0]).encode())
    arn = control.create_model_invocation_job(**few)["jobArn"]
    seen = [control.get_model_invocation_job(jobIdentifier=arn) for _ in range(3)][-1]
    check("a job with too few records fails", seen["status"] == "Failed" and "less records" in seen["message"], seen)
    create = lambda **more: control.create_model_invocation_job(**{**push_script, "clientRequestToken": "boto-4", **more})
    rejected("a malformed role", "ValidationException", lambda: create(roleArn="arn:aws:iam::1:role/x"))
    rejected("a malformed job name", "ValidationException", lambda: create(jobName="-x"))
    rejected("a timeout above the limit", "ValidationException", lambda: create(timeoutDurationInHours=169))
    rejected("an unknown batch model", "ValidationException", lambda: create(modelId="none.such"))
    unknown = arn[:-12] + "abcdefghijkl"
    rejected("an unknown job", "ResourceNotFoundException",
            lambda: control.get_model_invocation_job(jobIdentifier=unknown))
    keys = [entry["Key"] for entry in store.list_objects_v2(Bucket=bucket, Prefix="jobs/")["Contents"]]
    store.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})


def credentials():
    call = lambda: client("bedrock-runtime", secret="wrong").converse(modelId=NOVA, messages=HELLO)
    rejected("a wrong secret", "InvalidSignatureException", call)
    rejected("a wrong secret in the control plane", "InvalidSignatureException",
            lambda: client("bedrock", secret="wrong").list_inference_profiles(maxResults=3))
    # boto3 would reject the request itself.
    unchecked = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    rejected("a page size above the limit", "ValidationException",
            lambda: boto3.client("bedrock", region_name="us-east-1", endpoint_url=URL, aws_access_key_id=KEY,
                                 aws_secret_access_key=SECRET, config=unchecked).list_prompt_routers(maxResults=1001))
    rejected("a wrong secret in STS", "SignatureDoesNotMatch",
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
    check("another bearer token is rejected", seen == (403, "AccessDeniedException"), seen)


if __name__ == "__main__":
    RUNTIME = client("bedrock-runtime")
    for group in (converse, tools, streams, invoke, images, counts, contract, guardrails, errors):
        group(RUNTIME)
    lists(client("bedrock"))
    own_lists(client("bedrock"))
    lookups(client("bedrock"), RUNTIME)
    s3()
    videos(RUNTIME)
    jobs(client("bedrock"), client("s3"))
    credentials()
    print("all passed")
