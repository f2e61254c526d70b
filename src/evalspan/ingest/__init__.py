"""Telemetry in: OTLP over HTTP and gRPC, decoded, brought to one dialect, committed in groups."""

from evalspan.ingest.body import CODINGS, inflate, too_large
from evalspan.ingest.budget import Budget, Overloaded, share_of_request
from evalspan.ingest.grpc import GrpcServer
from evalspan.ingest.http import OtlpEndpoint, otlp_error, otlp_routes
from evalspan.ingest.instruments import SECONDS
from evalspan.ingest.receipt import Receipt
from evalspan.ingest.service import Encoding, Ingest
from evalspan.ingest.signals import Signal
from evalspan.ingest.stats import IngestStats
from evalspan.ingest.wire import Undecodable

__all__ = [
    "CODINGS",
    "SECONDS",
    "Budget",
    "Encoding",
    "GrpcServer",
    "Ingest",
    "IngestStats",
    "OtlpEndpoint",
    "Overloaded",
    "Receipt",
    "Signal",
    "Undecodable",
    "inflate",
    "otlp_error",
    "otlp_routes",
    "share_of_request",
    "too_large",
]
