FROM python:3.13-slim
WORKDIR /app
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --constraint requirements.lock '.[server]' \
    && useradd --create-home evalspan
# Where the embedded store is when EVALSPAN_STORE names no server.
USER evalspan
WORKDIR /home/evalspan
EXPOSE 4317 4318
ENTRYPOINT ["evalspan"]
CMD ["serve"]
