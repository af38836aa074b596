# The service in an image: `docker build -t tunedd .`; the whole stack is in docker-compose.yml.
FROM python:3.13.15-slim-trixie AS base

# What the lock says, in the words of pip: every package with its hashes.
FROM base AS lock
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --root-user-action=ignore poetry==2.5.1 poetry-plugin-export==1.10.1
WORKDIR /build
COPY pyproject.toml poetry.lock ./
# Of pyproject.toml's extras: add `embedded` for models inside the service (1 GB more with their weights).
ARG EXTRAS="servers tracing anthropic"
RUN poetry export --only main --extras "$EXTRAS" --output requirements.txt

# Wheels alone: nothing is compiled, neither here nor by you. The environment itself has no pip.
FROM base AS packages
RUN python -m venv --without-pip /opt/tunedd
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=bind,from=lock,source=/build/requirements.txt,target=/tmp/requirements.txt \
    pip --python /opt/tunedd/bin/python install --no-deps --require-hashes --only-binary :all: \
        --requirement /tmp/requirements.txt

FROM lock AS wheel
COPY README.md ./
COPY tunedd_api tunedd_api
RUN poetry build --format wheel --output dist

FROM base
# Compose files and clusters name users by number. Home belongs to it, so that a new volume does as well.
RUN groupadd --gid 10001 tunedd \
    && useradd --uid 10001 --gid tunedd --home-dir /data --no-create-home --shell /usr/sbin/nologin tunedd \
    && install --directory --owner=tunedd --group=tunedd /data /papers
COPY --from=packages /opt/tunedd /opt/tunedd
COPY --chown=tunedd:tunedd data /papers
# Last of the files: a change of the code makes this layer anew, one megabyte of the image.
RUN --mount=type=bind,from=wheel,source=/build/dist,target=/tmp/dist \
    pip --python /opt/tunedd/bin/python install --no-cache-dir --no-deps --no-index /tmp/dist/*.whl
ENV PATH=/opt/tunedd/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TUNEDD_HOME=/data \
    TUNEDD_PAPERS=/papers \
    TUNEDD_HOST=0.0.0.0 \
    TUNEDD_PORT=8000
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Tunedd" \
      org.opencontainers.image.description="Answers questions about a library of scientific papers" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
USER 10001:10001
WORKDIR /data
EXPOSE 8000
# A Ctrl-C: unlike a SIGTERM it also ends a process number one that is only starting or fetching models.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"TUNEDD_PORT\"]}/health', timeout=4)"]
ENTRYPOINT ["tunedd"]
CMD ["serve"]
