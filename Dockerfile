# Two images from one file: `--target service` answers, `--target training` learns as well.
ARG PYTHON_IMAGE=python:3.11-slim

# --- what both stand on: a user without rights, and Python that writes nothing beside the code
FROM ${PYTHON_IMAGE} AS base
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RUBRICATOR_HOME=/var/lib/rubricator
RUN groupadd --system --gid 10001 rubricator \
    && useradd --system --uid 10001 --gid rubricator --home-dir /var/lib/rubricator --shell /usr/sbin/nologin rubricator \
    && install -d -o rubricator -g rubricator -m 0750 /var/lib/rubricator

# --- the locked dependencies of serving, in an environment of their own
FROM ${PYTHON_IMAGE} AS service-build
WORKDIR /src
COPY requirements-build.txt requirements.txt ./
RUN python3 -m venv /build \
    && /build/bin/python3 -m pip install --no-cache-dir --require-hashes -r requirements-build.txt \
    && python3 -m venv /opt/venv \
    && /opt/venv/bin/python3 -m pip install --no-cache-dir --require-hashes -r requirements.txt
COPY LICENSE pyproject.toml setup.py ./
COPY service ./service
# the wheel is made without a download, by the locked setuptools; pip stays behind
RUN /build/bin/python3 -m pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/venv/bin/python3 -m pip install --no-cache-dir --no-deps /dist/*.whl \
    && /opt/venv/bin/python3 -m pip uninstall --yes setuptools pip

FROM ${PYTHON_IMAGE} AS training-build
WORKDIR /src
COPY requirements-build.txt requirements-training.txt ./
RUN python3 -m venv /build \
    && /build/bin/python3 -m pip install --no-cache-dir --require-hashes -r requirements-build.txt \
    && python3 -m venv /opt/venv \
    && /opt/venv/bin/python3 -m pip install --no-cache-dir --require-hashes -r requirements-training.txt
COPY LICENSE pyproject.toml setup.py ./
COPY service ./service
COPY training ./training
# not into site-packages: training reads the data sets that lie beside it
RUN /build/bin/python3 -m pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/venv/bin/python3 -m pip install --no-cache-dir --no-deps --target /opt/rubricator /dist/*.whl \
    && /opt/venv/bin/python3 -m pip uninstall --yes setuptools pip
COPY datasets /opt/rubricator/datasets

# --- learns: trains, evaluates, and activates in the home it shares with the service
FROM base AS training
COPY --from=training-build /opt/venv /opt/venv
COPY --from=training-build /opt/rubricator /opt/rubricator
# matplotlib keeps a font cache: in the one place that can be written
ENV PATH=/opt/rubricator/bin:$PATH \
    PYTHONPATH=/opt/rubricator \
    MPLCONFIGDIR=/var/lib/rubricator/cache/matplotlib
WORKDIR /var/lib/rubricator
VOLUME /var/lib/rubricator
# by number: an orchestrator can see that it is not root
USER 10001:10001
ENTRYPOINT ["rubricator"]
CMD ["--help"]

# --- answers: service/ alone, without training, data sets or scikit-learn. The last stage is what a build without --target makes.
FROM base AS service
COPY --from=service-build /opt/venv /opt/venv
WORKDIR /var/lib/rubricator
VOLUME /var/lib/rubricator
# by number: an orchestrator can see that it is not root
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
ENTRYPOINT ["rubricator"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
