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
# Left out: packages' own tests, and a second Kubernetes client that nothing here imports. Byte code is
# made here, for the root file system is read-only; that of API classes which are never loaded is not.
RUN /opt/build/bin/pip --python /opt/mission-control/bin/python install --quiet --no-compile \
         --no-cache-dir --no-index --no-deps --no-build-isolation /src \
    && cd /opt/mission-control/lib/python3*/site-packages \
    && rm -rf kubernetes/aio ./*/tests \
    && /opt/mission-control/bin/python -m compileall -q --invalidation-mode unchecked-hash \
         -x 'kubernetes/client/(api|models)/' .

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Mission Control" \
      org.opencontainers.image.description="A read-only, fail-closed operations control plane for trading fleets" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/mission-control /opt/mission-control
COPY deploy/fleets /app/deploy/fleets
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
