"""Every attribute, event and resource name that evalspan reads or writes, spelled once.

The `gen_ai.*` names follow the OpenTelemetry GenAI semantic conventions
(https://github.com/open-telemetry/semantic-conventions-genai). They are spelled here because the
constants published in `opentelemetry-semantic-conventions` are all deprecated ("moved").
Names that only one foreign dialect uses stand in that dialect's file under `ingest/dialects/`.
"""

from __future__ import annotations

from typing import Final

# What a case is: these make an experiment out of spans.
PROJECT_NAME: Final = "evalspan.project.name"
EXPERIMENT_ID: Final = "evalspan.experiment.id"
EXPERIMENT_NAME: Final = "evalspan.experiment.name"
RUN_ID: Final = "evalspan.run.id"
RUN_ITERATION: Final = "evalspan.run_iteration"
# On a case whose program does not know it: the executions of a record are numbered by their start.
RUN_ITERATION_BY_START: Final = "evalspan.run_iteration.by_start"
RECORD_ID: Final = "evalspan.record.id"
DATASET_ID: Final = "evalspan.dataset.id"
DATASET_NAME: Final = "evalspan.dataset.name"
DATASET_VERSION: Final = "evalspan.dataset.version"
INPUT: Final = "evalspan.input"
OUTPUT: Final = "evalspan.output"
EXPECTED_OUTPUT: Final = "evalspan.expected_output"
TAGS: Final = "evalspan.tags"
METADATA_PREFIX: Final = "evalspan.metadata."
EXPERIMENT_METADATA_PREFIX: Final = "evalspan.experiment.metadata."
RETENTION_DAYS: Final = "evalspan.retention_days"  # a key of an experiment's metadata

# What a span is, where no convention says it: CASE, TASK, EVALUATOR, TOOL, ...
SPAN_TYPE: Final = "evalspan.span.type"
RETRIES: Final = "evalspan.task.retries"
EVALUATOR_NAME: Final = "evalspan.evaluator.name"  # on all that an evaluator does: its cost is not the case's
# The member of `tracestate` that says the same to services that an evaluator calls: every SDK hands it on.
TRACE_STATE_EVALUATOR: Final = "evalspan"
PROMPT_ID: Final = "evalspan.prompt.id"
PROMPT_NAME: Final = "evalspan.prompt.name"
PROMPT_VERSION: Final = "evalspan.prompt.version"
DROPPED_ATTRIBUTES: Final = "evalspan.dropped_attributes"
TRUNCATED: Final = "evalspan.truncated"
# What the ingest keeps of a number that its column cannot hold: the number as it came.
STATED_END_TIME: Final = "evalspan.end_time_unix_nano"
STATED_EVENT_TIME: Final = "evalspan.event_time_unix_nano"
STATED_SEVERITY: Final = "evalspan.severity_number"

# The registry's (or proposed) twins of the names above, written beside them for other backends.
TEST_SUITE_NAME: Final = "test.suite.name"
TEST_SUITE_RUN_ID: Final = "test.suite.run.id"
TEST_CASE_ID: Final = "test.case.id"
TEST_CASE_RUN_ATTEMPT: Final = "test.case.run.attempt"

# A score: one log record (or span event) of this name.
EVALUATION_RESULT: Final = "gen_ai.evaluation.result"
EVALUATION_NAME: Final = "gen_ai.evaluation.name"
EVALUATION_SCORE_VALUE: Final = "gen_ai.evaluation.score.value"
EVALUATION_SCORE_LABEL: Final = "gen_ai.evaluation.score.label"
EVALUATION_EXPLANATION: Final = "gen_ai.evaluation.explanation"
EVALUATOR_ID: Final = "gen_ai.evaluation.evaluator.id"
EVALUATOR_TYPE: Final = "gen_ai.evaluation.evaluator.type"
EVALUATOR_VERSION: Final = "gen_ai.evaluation.evaluator.version"
# What the convention has no name for (yet).
EVALUATION_TYPE: Final = "evalspan.evaluation.type"  # score | categorical | boolean | json
EVALUATION_JSON: Final = "evalspan.evaluation.json"
EVALUATION_ASSESSMENT: Final = "evalspan.evaluation.assessment"
EVALUATION_SOURCE: Final = "evalspan.evaluation.source"  # record | summary
EVALUATION_ERROR: Final = "evalspan.evaluation.error"  # the message beside error.type
EVALUATION_METADATA_PREFIX: Final = "evalspan.evaluation.metadata."
EVALUATION_TAG_PREFIX: Final = "evalspan.evaluation.tag."

# GenAI spans.
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
SYSTEM: Final = "gen_ai.system"  # the provider's older key
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_TOP_K: Final = "gen_ai.request.top_k"
REQUEST_SEED: Final = "gen_ai.request.seed"
REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
REQUEST_PREVIOUS_RESPONSE_ID: Final = "gen_ai.request.previous_response.id"
REQUEST_ENCODING_FORMATS: Final = "gen_ai.request.encoding_formats"
EMBEDDING_DIMENSIONS: Final = "gen_ai.embeddings.dimension.count"
OUTPUT_TYPE: Final = "gen_ai.output.type"  # text | json
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"  # seconds
USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"  # cached tokens included
USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"  # reasoning tokens included
USAGE_TOTAL_TOKENS: Final = "gen_ai.usage.total_tokens"
USAGE_CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
USAGE_REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
USAGE_COST: Final = "gen_ai.usage.cost"  # US dollars; no convention, but what backends accept
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
PROMPT: Final = "gen_ai.prompt"  # these two, and names that begin with them: the messages of old
COMPLETION: Final = "gen_ai.completion"
EVENT_CONTENT: Final = "gen_ai.event.content"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
AGENT_ID: Final = "gen_ai.agent.id"
AGENT_NAME: Final = "gen_ai.agent.name"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
# The log event that carries a call's content, where it is wanted there.
INFERENCE_DETAILS: Final = "gen_ai.client.inference.operation.details"

# Values of gen_ai.operation.name.
EXECUTE_TOOL: Final = "execute_tool"
INVOKE_AGENT: Final = "invoke_agent"
INVOKE_WORKFLOW: Final = "invoke_workflow"

# General conventions.
ERROR_TYPE: Final = "error.type"
SERVICE_NAME: Final = "service.name"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
SESSION_ID: Final = "session.id"
USER_ID: Final = "user.id"
HTTP_REQUEST_METHOD: Final = "http.request.method"
HTTP_METHOD: Final = "http.method"  # its older name
HTTP_STATUS_CODE: Final = "http.response.status_code"
URL_FULL: Final = "url.full"
HTTP_URL: Final = "http.url"  # its older name
EVENT_NAME: Final = "event.name"  # the older place of a log record's event_name
EXCEPTION_EVENT: Final = "exception"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"

# The span types of the SQL contract.
CASE: Final = "CASE"
TASK: Final = "TASK"
EVALUATOR: Final = "EVALUATOR"
LLM: Final = "LLM"
EMBEDDING: Final = "EMBEDDING"
TOOL: Final = "TOOL"
AGENT: Final = "AGENT"
WORKFLOW: Final = "WORKFLOW"
RETRIEVER: Final = "RETRIEVER"
RERANKER: Final = "RERANKER"
GUARDRAIL: Final = "GUARDRAIL"
CHAIN: Final = "CHAIN"
HTTP: Final = "HTTP"
OTHER: Final = "OTHER"
