# syntax=docker/dockerfile:1

#   docker build -t outcrop .
#   docker build -t outcrop:demo --build-arg FEATURES=demo,token-input .    with `outcrop demo`
#
# Builder and final image are both Debian 13, because the binary needs the glibc version that it was
# linked against.
#
# Base images are pinned by the digest of their multi-platform index, because tags can change. To
# update one, change tag and digest together:
#   docker buildx imagetools inspect rust:1.95-slim-trixie

FROM rust:1.95-slim-trixie@sha256:28846ec5a6bcfcddb93f403ba7071bd579787852b2f2ac3839965620e8bd9456 AS builder
WORKDIR /src

# aws-lc-sys 0.47 and libmimalloc-sys 0.1 compile C. The gcc of this image suffices: neither cmake nor a
# C++ compiler is needed. With valgrind, scripts/build sorts the functions of the program.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends valgrind \
    && rm -rf /var/lib/apt/lists/*
COPY . .

# The caches keep crates and compiled dependencies between builds. They are not part of the image, so
# the same step copies the binary out of them. `locked` prevents two builds from writing the same
# target directory. Production needs neither feature: `demo` is the simulated Bedrock, `token-input`
# the tokenizers for embeddings of token lists.
ARG TARGETARCH
ARG FEATURES=""
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/usr/local/cargo/git \
    --mount=type=cache,id=outcrop-target-${TARGETARCH},target=/src/target,sharing=locked \
    scripts/build --no-default-features --features "${FEATURES}" \
    && install -D -t /out target/dist/outcrop \
    && install -D -m 644 -t /out/licenses LICENSE


# Certificates, time zones, glibc, libgcc and an unprivileged user (65532); no shell.
FROM gcr.io/distroless/cc-debian13:nonroot@sha256:e792ab3d241a468a4fd7519ddbbebe66b49b5f365771716ea688ad40b6c6f1c2 AS base

FROM base
ARG VERSION=unversioned
ARG REVISION=unknown
LABEL org.opencontainers.image.title="outcrop" \
      org.opencontainers.image.description="An OpenAI-compatible gateway for Amazon Bedrock" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="gcr.io/distroless/cc-debian13:nonroot"
COPY --from=builder /out/licenses /usr/share/licenses/outcrop
COPY --from=builder /out/outcrop /usr/local/bin/outcrop
USER 65532:65532
# On addresses other than loopback the gateway requires API keys; set OUTCROP_API_KEYS.
ENV OUTCROP_LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/usr/local/bin/outcrop", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/outcrop"]
CMD ["serve"]
