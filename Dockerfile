# Mission Control's image. docs/install.md says how it is built, and how it is run.
#
# BASE is what runs: a Debian with python3 (3.11 or newer) and ca-certificates, pinned by its digest.
# It needs no shell and no pip. BUILD_BASE makes the environment: the same Debian, with python3-venv.
ARG BASE
ARG BUILD_BASE=${BASE}

FROM ${BUILD_BASE} AS build
RUN python3 -m venv /opt/build && python3 -m venv --without-pip /opt/mission-control
COPY requirements/build.txt requirements/runtime.txt /src/requirements/
# Where packages come from is told by a secret; it stands in no layer.
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.pem \
    PIP_CONFIG_FILE=/run/secrets/pip.conf PIP_NO_CACHE_DIR=1 \
    && export PIP_CONFIG_FILE PIP_NO_CACHE_DIR \
    && /opt/build/bin/pip install --quiet --require-hashes --only-binary :all: --no-deps \
         -r /src/requirements/build.txt \
    && /opt/build/bin/pip --python /opt/mission-control/bin/python install --quiet --no-compile \
         --require-hashes --only-binary :all: --no-deps -r /src/requirements/runtime.txt
COPY . /src
# Left out: a second Kubernetes client, which nothing here imports, and packages' own commands. Byte code is made here, for the root
# file system is read-only; not that of the client's API classes, which are never loaded.
RUN /opt/build/bin/pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir /wheel /src \
    && /opt/build/bin/pip --python /opt/mission-control/bin/python install --quiet --no-compile \
         --no-cache-dir --no-index --no-deps /wheel/*.whl \
    && rm -rf /opt/mission-control/lib/python3*/site-packages/kubernetes/aio \
    && find /opt/mission-control/bin -type f ! -name 'mission-control*' -delete \
    && /opt/mission-control/bin/python -m compileall -q --invalidation-mode unchecked-hash \
         -x 'kubernetes/client/(api|models)/' /opt/mission-control/lib

FROM ${BASE}
LABEL org.opencontainers.image.title="Mission Control" \
      org.opencontainers.image.description="A read-only, fail-closed operations control plane for trading fleets" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/mission-control/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MISSION_CONTROL_ROOT=/data
WORKDIR /data
USER 10001:10001
EXPOSE 8080 8090
ENTRYPOINT ["/opt/mission-control/bin/python", "-m", "mission_control"]
CMD ["serve"]
COPY deploy/fleets /app/deploy/fleets
COPY --from=build /opt/mission-control /opt/mission-control
