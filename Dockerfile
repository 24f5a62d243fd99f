# The image of the controller and the command line, built from the repository's root: `make images`.
ARG BASE_IMAGE=docker.io/library/python:3.12-slim-bookworm

FROM ${BASE_IMAGE} AS builder
# The base's bundle of certificates: a build behind a proxy replaces this one file.
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
ENV UV_LINK_MODE=copy UV_NO_CACHE=1
RUN apt-get update -qq && apt-get install -qq --no-install-recommends binutils >/dev/null
WORKDIR /build
COPY requirements/bootstrap.txt requirements/build.txt requirements/
RUN python3 -m venv tools \
 && tools/bin/pip install --quiet --no-cache-dir --require-hashes -r requirements/bootstrap.txt \
 && tools/bin/uv pip install --quiet --python tools/bin/python --require-hashes -r requirements/build.txt
RUN python3 -m venv --without-pip /opt/kserve-lite
COPY tools/images/install /usr/local/bin/install-locked

# Dependencies before code: a change of our code leaves their layer as it is.
FROM builder AS dependencies
COPY requirements/runtime.txt requirements/
RUN install-locked requirements/runtime.txt

FROM builder AS code
COPY pyproject.toml README.md LICENSE code/
COPY kserve_lite code/kserve_lite
RUN install-locked --code code

FROM ${BASE_IMAGE} AS kserve-lite
ENV PATH=/opt/kserve-lite/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 1000:1000
LABEL org.opencontainers.image.source=https://github.com/kserve-lite/kserve-lite \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.title="kserve-lite controller"
COPY --from=dependencies /opt/kserve-lite /opt/kserve-lite
COPY --from=code /opt/kserve-lite /opt/kserve-lite
ENTRYPOINT ["kserve-lite"]
