# The workflow and its environment. To build the demo and digits into ./results of this machine:
#
#   docker build -t sfumato .
#   docker run --rm -v "$PWD/results:/sfumato/results" sfumato
FROM python:3.11-slim-bookworm

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /sfumato
COPY . .
RUN make setup

ENV PATH="/sfumato/.venv/bin:$PATH"
CMD ["snakemake", "--cores", "1"]
