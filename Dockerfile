# syntax=docker/dockerfile:1

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The caches outlive the layer, so that a rebuild compiles only what changed.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release -p leakage-api --bin leakage \
    && install -D target/release/leakage /out/leakage

FROM debian:bookworm-slim
# ca-certificates: for S3, OTLP and other outgoing TLS. Its version is the release's.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 leakage \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/leakage --shell /usr/sbin/nologin leakage \
    && install -d -o leakage -g leakage -m 0700 /var/lib/leakage /var/spool/leakage
COPY --from=build /out/leakage /usr/local/bin/leakage
USER 10001:10001
WORKDIR /var/lib/leakage
# The key files' paths are no secrets; the files are made on the volume at the first start.
# Files are received on a disk, not in memory.
# hadolint ignore=DL3064
ENV LEAKAGE_BIND=0.0.0.0:8080 \
    TMPDIR=/var/spool/leakage \
    LEAKAGE_OBJECTS__FOLDER=/var/lib/leakage/objects \
    LEAKAGE_TOKENS__KEY_FILE=/var/lib/leakage/token-keys.pem \
    LEAKAGE_SECRETS__KEY_FILE=/var/lib/leakage/secret-keys.txt \
    LEAKAGE_TELEMETRY__FORMAT=json
VOLUME /var/lib/leakage /var/spool/leakage
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["leakage", "health"]
# SIGTERM (docker stop) finishes running requests and jobs first.
STOPSIGNAL SIGTERM
ENTRYPOINT ["leakage"]
CMD ["serve"]
