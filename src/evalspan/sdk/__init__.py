"""The client side: experiments, datasets, and the delivery of what they produce.

Nothing here imports `ingest`, `store` or `api`: the service is reached over HTTP and OTLP only.
"""

from evalspan.sdk.history import finished

__all__ = ["finished"]
