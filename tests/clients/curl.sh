#!/usr/bin/env bash
# Drives the gateway with plain curl: what is typed into a terminal, and what a hostile or careless
# client sends. Prints a line for every check, and exits with 1 when one failed.
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
# More than the 32 MiB that the gateway takes.
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

    answers
    streams
    refusals
    large_and_deep
    demo
    check "the gateway still lives" 200 'ok' "$url/healthz"
    ask_chat "the gateway still answers" 200 'Good morning, mountain' --data "$chat"

    echo "curl: $checked checks, $failed failed"
    [ "$failed" -eq 0 ]
}

answers() {
    ask_chat "a plain --data is read as JSON" 200 '"content":"You said: .*Good morning, mountain' --data "$chat"
    ask_chat "no content type is needed" 200 'Good morning, mountain' --data "$chat" --header 'content-type:'
    ask_chat "a charset beside the content type is no obstacle" 200 'Good morning, mountain' \
        --data "$chat" --header 'content-type: application/json; charset=utf-8'
    ask_chat "a body in chunks is read" 200 'Good morning, mountain' --data "$chat" --header 'transfer-encoding: chunked'
    check "models are listed" 200 '"id":"amazon.nova-lite-v1:0"' "$url/v1/models" --header "authorization: Bearer $key"
    check "a model with a colon is found" 200 '"id":"amazon.nova-lite-v1:0"' \
        "$url/v1/models/amazon.nova-lite-v1:0" --header "authorization: Bearer $key"
    check "readiness needs no key" 200 'ready' "$url/readyz"
}

streams() {
    ask_chat "a stream is events with data" 200 '^data: {"id":"chatcmpl-' --no-buffer --data "$stream"
    ask_chat "a stream ends with [DONE]" 200 '^data: \[DONE\]$' --no-buffer --data "$stream"
}

refusals() {
    local json='content-type: application/json'
    check "no key" 401 '"code":"invalid_api_key"' "$url/v1/chat/completions" --data "$chat"
    check "an unknown route" 404 '{"error":{"message":".*","type":"invalid_request_error","param":null,"code":"unknown_url"}}' \
        "$url/v1/nothing" --header "authorization: Bearer $key"
    check "an unknown route, posted to" 404 '{"error":{' "$url/v1/nothing" --data "$chat"
    check "the wrong method" 405 '{"error":{"message":".*"code":"method_not_allowed"}}' "$url/v1/chat/completions"
    ask_chat "an empty body" 400 '"code":"invalid_json"' --data '' --header "$json"
    ask_chat "half a body" 400 '"code":"invalid_json"' --data '{"model":' --header "$json"
    ask_chat "bytes that are no text" 400 '{"error":{' --data-binary $'{"model":"\xff\xfe"}' --header "$json"
    ask_chat "another content type, and no JSON" 415 '"code":"unsupported_media_type"' \
        --data 'hello' --header 'content-type: text/plain'
    ask_chat "an array" 400 '{"error":{' --data '[]' --header "$json"
}

large_and_deep() {
    local json='content-type: application/json'
    head -c "$too_large" /dev/zero | tr '\0' 'x' >"$folder/large"
    ask_chat "a body of more than 32 MiB, announced" 413 '"code":"request_too_large"' --data-binary "@$folder/large"
    ask_chat "a body of more than 32 MiB, sent without asking" 413 '"code":"request_too_large"' \
        --data-binary "@$folder/large" --header 'expect:'
    ask_chat "a body of more than 32 MiB, of unknown length" 413 '"code":"request_too_large"' \
        --data-binary "@$folder/large" --header 'transfer-encoding: chunked' --header 'expect:'

    {
        printf '{"model":"amazon.nova-lite-v1:0","messages":'
        head -c "$deep" /dev/zero | tr '\0' '['
        head -c "$deep" /dev/zero | tr '\0' ']'
        printf '}'
    } >"$folder/deep"
    ask_chat "a body nested 100,000 deep" 400 '"code":"invalid_json"' --data-binary "@$folder/deep" --header "$json"
    head -c "$deep" /dev/zero | tr '\0' '[' >"$folder/deep"
    ask_chat "the same without an end" 400 '"code":"invalid_json"' --data-binary "@$folder/deep" --header "$json"
}

# The command that `outcrop demo` prints, as it prints it.
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

# ask_chat NAME STATUS PATTERN CURL-OPTIONS...
ask_chat() {
    local name=$1 status=$2 pattern=$3
    shift 3
    check "$name" "$status" "$pattern" "$url/v1/chat/completions" --header "authorization: Bearer $key" "$@"
}

# check NAME STATUS PATTERN URL CURL-OPTIONS...: the status, and a line of the body that matches.
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
        complain "$name" "wanted $status and $pattern, got $seen"
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

# start NAME COMMAND...: in an empty home, so that nothing of this machine's settings gets in.
start() {
    local name=$1
    shift
    env -i PATH="$PATH" HOME="$folder" "$@" >"$folder/$name.log" 2>&1 &
    started+=($!)
}

# wait_for NAME SED-SCRIPT: what the script makes of the first line of the output that it fits.
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
