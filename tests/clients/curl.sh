#!/usr/bin/env bash
# Tests the gateway with plain curl: commands as typed into a terminal, and requests of hostile or
# careless clients. Prints one line per check, and exits with status 1 if one failed.
#
#     tests/clients/curl.sh
#
# Needs the debug binaries (cargo build --workspace).
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly binaries="${CARGO_TARGET_DIR:-target}/debug"
readonly key="sk-test-key-1"
readonly chat='{"model":"amazon.nova-lite-v1:0","messages":[{"role":"user","content":"Good morning, mountain"}]}'
readonly stream='{"stream":true,"model":"amazon.nova-lite-v1:0","messages":[{"role":"user","content":"Good morning, mountain"}]}'
# More than the gateway's limit of 32 MiB.
readonly too_large=$((33 * 1024 * 1024))
readonly deep=100000

folder=$(mktemp -d)
started=()
checked=0
failed=0

main() {
    trap stop EXIT
    start simulator "$binaries/bedrock-simulator" --listen 127.0.0.1:0
    local simulated
    simulated=$(wait_for simulator 's|^listening on \(http://.*\)$|\1|p')
    start gateway env AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE \
        AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY \
        AWS_ENDPOINT_URL="$simulated" OUTCROP_API_KEYS="$key" \
        "$binaries/outcrop" serve --config /dev/null --listen 127.0.0.1:0
    local address
    address=$(wait_for gateway 's|.*"listening".*"address":"\([^"]*\)".*|\1|p; s|.*"address":"\([^"]*\)".*"listening".*|\1|p')
    url="http://$address"

    responses
    streams
    rejections
    large_and_deep
    demo
    check "the gateway is still healthy" 200 'ok' "$url/healthz"
    check_chat "the gateway still responds" 200 'Good morning, mountain' --data "$chat"

    echo "curl: $checked checks, $failed failed"
    [ "$failed" -eq 0 ]
}

responses() {
    check_chat "plain --data is parsed as JSON" 200 '"content":"You said: .*Good morning, mountain' --data "$chat"
    check_chat "no content type is required" 200 'Good morning, mountain' --data "$chat" --header 'content-type:'
    check_chat "a charset in the content type is accepted" 200 'Good morning, mountain' \
        --data "$chat" --header 'content-type: application/json; charset=utf-8'
    check_chat "a chunked body is accepted" 200 'Good morning, mountain' --data "$chat" --header 'transfer-encoding: chunked'
    check "models are listed" 200 '"id":"amazon.nova-lite-v1:0"' "$url/v1/models" --header "authorization: Bearer $key"
    check "a model with a colon is found" 200 '"id":"amazon.nova-lite-v1:0"' \
        "$url/v1/models/amazon.nova-lite-v1:0" --header "authorization: Bearer $key"
    check "readiness needs no key" 200 'ready' "$url/readyz"
}

streams() {
    check_chat "a stream consists of data events" 200 '^data: {"id":"chatcmpl-' --no-buffer --data "$stream"
    check_chat "a stream ends with [DONE]" 200 '^data: \[DONE\]$' --no-buffer --data "$stream"
}

rejections() {
    local json='content-type: application/json'
    check "no key" 401 '"code":"invalid_api_key"' "$url/v1/chat/completions" --data "$chat"
    check "an unknown route" 404 '{"error":{"message":".*","type":"invalid_request_error","param":null,"code":"unknown_url"}}' \
        "$url/v1/nothing" --header "authorization: Bearer $key"
    check "an unknown route, posted to" 404 '{"error":{' "$url/v1/nothing" --data "$chat"
    check "the wrong method" 405 '{"error":{"message":".*"code":"method_not_allowed"}}' "$url/v1/chat/completions"
    check_chat "an empty body" 400 '"code":"invalid_json"' --data '' --header "$json"
    check_chat "half a body" 400 '"code":"invalid_json"' --data '{"model":' --header "$json"
    check_chat "invalid UTF-8" 400 '{"error":{' --data-binary $'{"model":"\xff\xfe"}' --header "$json"
    check_chat "another content type without JSON" 415 '"code":"unsupported_media_type"' \
        --data 'hello' --header 'content-type: text/plain'
    check_chat "an array" 400 '{"error":{' --data '[]' --header "$json"
}

large_and_deep() {
    local json='content-type: application/json'
    head -c "$too_large" /dev/zero | tr '\0' 'x' >"$folder/large"
    check_chat "a body of more than 32 MiB, with content-length and expect" 413 '"code":"request_too_large"' --data-binary "@$folder/large"
    check_chat "a body of more than 32 MiB, with content-length" 413 '"code":"request_too_large"' \
        --data-binary "@$folder/large" --header 'expect:'
    check_chat "a body of more than 32 MiB, of unknown length" 413 '"code":"request_too_large"' \
        --data-binary "@$folder/large" --header 'transfer-encoding: chunked' --header 'expect:'

    {
        printf '{"model":"amazon.nova-lite-v1:0","messages":'
        head -c "$deep" /dev/zero | tr '\0' '['
        head -c "$deep" /dev/zero | tr '\0' ']'
        printf '}'
    } >"$folder/deep"
    check_chat "a body nested 100,000 deep" 400 '"code":"invalid_json"' --data-binary "@$folder/deep" --header "$json"
    head -c "$deep" /dev/zero | tr '\0' '[' >"$folder/deep"
    check_chat "the same, not closed" 400 '"code":"invalid_json"' --data-binary "@$folder/deep" --header "$json"
}

# Runs the command that `outcrop demo` prints.
demo() {
    start demo "$binaries/outcrop" demo --listen 127.0.0.1:0
    wait_for demo 's|.*listening on \(http://[^ ]*\) .*|\1|p' >/dev/null
    wait_for demo 's|.*flush=\(True\).*|\1|p' >/dev/null
    local command
    command=$(grep -A 1 '^  curl -N ' "$folder/demo.log")
    checked=$((checked + 1))
    if env -i PATH="$PATH" HOME="$folder" bash -c "$command" >"$folder/body" 2>"$folder/error" && grep -q '^data: \[DONE\]$' "$folder/body"; then
        echo "ok      the command that the demo prints"
    else
        complain "the command that the demo prints" "$command"
    fi
}

# check_chat NAME STATUS PATTERN CURL-OPTIONS...
check_chat() {
    local name=$1 status=$2 pattern=$3
    shift 3
    check "$name" "$status" "$pattern" "$url/v1/chat/completions" --header "authorization: Bearer $key" "$@"
}

# check NAME STATUS PATTERN URL CURL-OPTIONS...: compares the status, and searches the body.
check() {
    local name=$1 status=$2 pattern=$3 seen
    shift 3
    checked=$((checked + 1))
    : >"$folder/body"
    seen=$(curl -q --silent --show-error --noproxy '*' --max-time 60 --output "$folder/body" \
        --write-out '%{http_code}' "$@" 2>"$folder/error") || true
    if [ "$seen" = "$status" ] && grep -q -- "$pattern" "$folder/body"; then
        echo "ok      $name: $status"
    else
        complain "$name" "expected $status and $pattern, got $seen"
    fi
}

complain() {
    echo "FAILED  $1"
    {
        echo "$2"
        head -c 2000 "$folder/body"
        echo
        cat "$folder/error"
    } | sed 's/^/        /'
    failed=$((failed + 1))
}

# start NAME COMMAND...: runs in an empty home, without this machine's settings.
start() {
    local name=$1
    shift
    env -i PATH="$PATH" HOME="$folder" "$@" >"$folder/$name.log" 2>&1 &
    started+=($!)
}

# wait_for NAME SED-SCRIPT: waits until the script matches a line of the output; prints its result.
wait_for() {
    local found
    for _ in $(seq 600); do
        found=$(sed -n "$2" "$folder/$1.log" | head -n 1)
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
        sleep 0.05
    done
    echo "$1 did not start:" >&2
    cat "$folder/$1.log" >&2
    return 1
}

stop() {
    local process
    for process in "${started[@]}"; do
        kill -INT "$process" 2>/dev/null || true
    done
    wait
    rm -rf "$folder"
}

main
