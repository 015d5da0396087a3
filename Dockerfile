# The workflow and its environment. To build the demo and digits into ./results of this machine:
#
#   docker build -t sfumato .
#   docker run --rm -v "$PWD/results:/sfumato/results" sfumato
#
# With --user "$(id -u):$(id -g)" the results are yours, and not root's.
FROM python:3.11-slim-bookworm

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /sfumato
COPY . .
RUN make setup && chmod a+w .

ENV PATH="/sfumato/.venv/bin:$PATH" XDG_CACHE_HOME=/tmp/.cache
CMD ["snakemake", "--cores", "1"]
