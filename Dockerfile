# syntax=docker/dockerfile:1

# Two images from one build:
#   docker build -t outcrop .                                       the gateway
#   docker build -t bedrock-simulator --target simulator .          Amazon Bedrock's stand-in
#
# The builder and the final images are both Debian 12: the binaries ask for the glibc they were
# linked against.
#
# Bases are pinned by the digest of their index, which has every platform: a tag can be moved, and a
# digest cannot. To renew one, change tag and digest together:
#   docker buildx imagetools inspect rust:1.95-slim-bookworm

FROM rust:1.95-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082 AS builder
WORKDIR /src

# aws-lc-sys 0.47 and libmimalloc-sys 0.1 compile C. Both are content with the gcc of this image
# (neither cmake nor a C++ compiler is called), so nothing is installed here.
COPY . .

# The caches keep crates and compiled dependencies between builds. They are not part of the
# image, which is why the binaries are copied out in the same step. `locked`, because two builds
# must not write one target directory at a time. The gateway is built without the feature `demo`:
# what stands in for Bedrock has no business in production.
ARG TARGETARCH
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/usr/local/cargo/git \
    --mount=type=cache,id=outcrop-target-${TARGETARCH},target=/src/target,sharing=locked \
    cargo build --package outcrop --no-default-features --bins --release --locked \
    && cargo build --package bedrock-simulator --bins --release --locked \
    && install -D -t /out target/release/outcrop target/release/bedrock-simulator


# Certificates, time zones, glibc, libgcc and an unprivileged user (65532); no shell.
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f AS base
ARG VERSION=unversioned
ARG REVISION=unknown
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12:nonroot"
COPY LICENSE /usr/share/licenses/outcrop/LICENSE
COPY --from=builder /out/outcrop /usr/local/bin/outcrop
USER 65532:65532


FROM base AS simulator
LABEL org.opencontainers.image.title="bedrock-simulator" \
      org.opencontainers.image.description="Amazon Bedrock's runtime over its real wire protocol, for trying out and testing without an AWS account"
COPY --from=builder /out/bedrock-simulator /usr/local/bin/bedrock-simulator
EXPOSE 9000
# The simulator has no client of its own; the gateway's asks the same question of any address.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/usr/local/bin/outcrop", "healthcheck", "--listen", "127.0.0.1:9000"]
ENTRYPOINT ["/usr/local/bin/bedrock-simulator"]
CMD ["--listen", "0.0.0.0:9000"]


# The last stage is what a build without --target gives.
FROM base AS gateway
LABEL org.opencontainers.image.title="outcrop" \
      org.opencontainers.image.description="An OpenAI-compatible gateway for Amazon Bedrock"
# Off loopback the gateway wants API keys: it does not start without OUTCROP_API_KEYS.
ENV OUTCROP_LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/usr/local/bin/outcrop", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/outcrop"]
CMD ["serve"]
