// The writer: a Node service that knows nothing of experiments. Its requests are traced by the HTTP
// instrumentation in telemetry.js, its LLM calls by hand, with the stock API.

const http = require('node:http');
const { SpanKind, SpanStatusCode, trace } = require('@opentelemetry/api');

const MODEL = 'gpt-4o';
const tracer = trace.getTracer('writer');

http
  .createServer(async (request, response) => {
    const { pathname, searchParams: asked } = new URL(request.url, 'http://localhost');
    const prompt =
      pathname === '/judgement'
        ? `Is this right?\n${asked.get('question')}\n${asked.get('answer')}`
        : `Answer from the passage.\n${asked.get('passage')}\n${asked.get('question')}`;
    try {
      response.end(await chat(prompt));
    } catch (error) {
      response.writeHead(502).end(error.message);
    }
  })
  .listen(Number(process.env.PORT), '127.0.0.1');

// Asks the LLM, in a span of the GenAI conventions.
function chat(prompt) {
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': MODEL,
  };
  return tracer.startActiveSpan(`chat ${MODEL}`, { kind: SpanKind.CLIENT, attributes }, async (span) => {
    try {
      const reply = await post(prompt);
      span.setAttributes({
        'gen_ai.response.id': reply.id,
        'gen_ai.response.model': reply.model,
        'gen_ai.usage.input_tokens': reply.usage.prompt_tokens,
        'gen_ai.usage.output_tokens': reply.usage.completion_tokens,
      });
      return reply.choices[0].message.content;
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      throw error;
    } finally {
      span.end();
    }
  });
}

async function post(prompt) {
  const answer = await fetch(`${process.env.LLM_URL}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${process.env.LLM_API_KEY}` },
    body: JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: prompt }] }),
  });
  if (!answer.ok) throw new Error(`the LLM answered ${answer.status}`);
  return answer.json();
}
