// The official OpenAI SDK for Node, through the gateway.
import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';

// Node 18 has File, but not as a global; the SDK's uploads look for it there.
globalThis.File ??= File;

const { PENSTOCK_URL: url, PENSTOCK_KEY: key, UPSTREAM_URL: upstream, REQUEST_LOG: log } = process.env;
const words = ['Penstock ', 'feeds ', 'the ', 'turbine.'];
const text = words.join('');
const messages = [{ role: 'user', content: 'hello' }];
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

// A client whose requests are found again by its id, upstream and in the gateway's log.
function clientOf(options = {}) {
  const id = `t-${randomUUID()}`;
  const client = new OpenAI({
    baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, timeout: 20_000,
    defaultHeaders: { 'x-request-id': id, 'x-test-id': id }, ...options,
  });
  return { client, id };
}

async function until(what, holds) {
  for (const end = Date.now() + 15_000; Date.now() < end; await sleep(20)) {
    const value = await holds();
    if (value) return value;
  }
  throw new Error(`not in time: ${what}`);
}

async function upstreamRequests(id) {
  const all = await (await fetch(`${upstream}/_recorded`)).json();
  return all.filter((r) => r.headers.some(([name, value]) => name === 'x-test-id' && value === id));
}

const upstreamBody = async (id) => JSON.parse((await upstreamRequests(id))[0].body);
const clientIsGone = (id) => until('the upstream sees the client leave', async () =>
  (await upstreamRequests(id)).some((r) => r.client_closed));

// The last line may be half written.
const logLines = (id, count) => until(`${count} log lines`, async () => {
  const text = await readFile(log, 'utf8').catch(() => '');
  const lines = text.split('\n').slice(0, -1).filter((l) => l.includes(id));
  return lines.length >= count && lines.map((l) => JSON.parse(l));
});

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

test('an unstreamed chat', async () => {
  const { client, id } = clientOf();
  const answer = await client.chat.completions.create({ model: 'chat', messages });
  assert.equal(answer.choices[0].message.content, text);
  assert.equal(answer.usage.prompt_tokens, 11);
  assert.equal((await upstreamBody(id)).model, 'scripted-chat');
});

test('a stream without stream_options shows no empty choices but is counted exactly', async () => {
  const { client, id } = clientOf();
  const chunks = await collect(
    await client.chat.completions.create({ model: 'chat', messages, stream: true }));
  assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
  assert.deepEqual(chunks.map((c) => c.choices[0].delta.content).filter(Boolean), words);
  const [line] = await logLines(id, 1);
  assert.deepEqual([line.prompt, line.output, line.estimated], [11, 4, false]);
});

test('a stream that asked for usage gets it last', async () => {
  const { client } = clientOf();
  const chunks = await collect(await client.chat.completions.create(
    { model: 'chat', messages, stream: true, stream_options: { include_usage: true } }));
  assert.equal(chunks.at(-1).choices.length, 0);
  assert.equal(chunks.at(-1).usage.completion_tokens, 4);
});

test('a streamed tool call is put together by the helper', async () => {
  const { client } = clientOf();
  const stream = client.chat.completions.stream({ model: 'tools', messages, tools: [weather] });
  const [call] = (await stream.finalChatCompletion()).choices[0].message.tool_calls;
  assert.equal(call.function.name, 'get_weather');
  assert.equal(call.function.arguments, '{"city": "Bremen"}');
});

test('completions', async () => {
  const { client } = clientOf();
  const answer = await client.completions.create({ model: 'chat', prompt: 'hello' });
  assert.equal(answer.choices[0].text, text);
});

test('embeddings in the SDK\'s own base64 equal those as floats', async () => {
  const { client, id } = clientOf();
  const packed = await client.embeddings.create({ model: 'embed', input: ['one', 'two'] });
  assert.equal((await upstreamBody(id)).encoding_format, 'base64');
  const plain = await client.embeddings.create(
    { model: 'embed', input: ['one', 'two'], encoding_format: 'float' });
  assert.deepEqual(packed.data[1].embedding, plain.data[1].embedding);
});

test('responses, unstreamed and streamed', async () => {
  const { client } = clientOf();
  assert.equal((await client.responses.create({ model: 'chat', input: 'hello' })).output_text, text);
  const events = await collect(
    await client.responses.create({ model: 'chat', input: 'hello', stream: true }));
  assert.equal(events.at(-1).type, 'response.completed');
  const deltas = events.filter((e) => e.type === 'response.output_text.delta').map((e) => e.delta);
  assert.deepEqual(deltas, words);
});

test('a transcription is uploaded whole', async () => {
  const { client } = clientOf();
  const file = await OpenAI.toFile(Buffer.alloc(200_000, 7), 'speech.wav');
  const answer = await client.audio.transcriptions.create({ model: 'chat', file });
  assert.equal(answer.text, text);
  assert.equal(answer.file_bytes, 200_000);
});

test('speech comes as bytes', async () => {
  const { client } = clientOf();
  const answer = await client.audio.speech.create({ model: 'chat', voice: 'alloy', input: 'hello' });
  assert.equal((await answer.arrayBuffer()).byteLength, 16384);
});

test('models', async () => {
  const { client } = clientOf();
  const names = (await collect(await client.models.list())).map((model) => model.id);
  assert.ok(names.includes('chat'));
});

const refusals = [
  ['a wrong key', OpenAI.AuthenticationError, { apiKey: 'sk-wrong' }, {}, 'invalid_api_key'],
  ['an unknown model', OpenAI.NotFoundError, {}, { model: 'none-such' }, 'model_not_found'],
  ['a field of the wrong type', OpenAI.BadRequestError, {}, { model: 17 }, 'invalid_type'],
  ['a failing upstream', OpenAI.InternalServerError, {}, { model: 'fail-500' }, 'upstream_failed'],
  ['an error as the first event', OpenAI.InternalServerError, {},
    { model: 'error-first', stream: true }, 'upstream_failed'],
];
for (const [name, kind, options, fields, code] of refusals) {
  test(`${name} is the SDK's own error`, async () => {
    const { client } = clientOf(options);
    const asked = client.chat.completions.create({ model: 'chat', messages, ...fields });
    await assert.rejects(asked, (error) => {
      assert.equal(error.constructor, kind);
      assert.equal(error.code, code);
      return true;
    });
  });
}

test('an error inside a stream is thrown after what came before', async () => {
  for (const model of ['error-in-stream', 'cut-in-stream']) {
    const { client } = clientOf();
    const seen = [];
    await assert.rejects(async () => {
      const stream = await client.chat.completions.create({ model, messages, stream: true });
      for await (const chunk of stream) seen.push(chunk.choices[0].delta.content);
    }, OpenAI.APIError);
    assert.deepEqual(seen, ['', ...words.slice(0, 2)]);
  }
});

test('a 503 with retry-after-ms is retried by the SDK and succeeds', async () => {
  const { client, id } = clientOf({ maxRetries: 2 });
  const answer = await client.chat.completions.create({ model: 'fail-503-once', messages });
  assert.equal(answer.choices[0].message.content, text);
  assert.deepEqual((await logLines(id, 2)).map((line) => line.status), [503, 200]);
});

test('what must not be retried is sent once', async () => {
  const { client, id } = clientOf({ maxRetries: 3, apiKey: 'sk-wrong' });
  await assert.rejects(client.chat.completions.create({ model: 'chat', messages }));
  assert.equal((await logLines(id, 1)).length, 1);
});

test('an aborted stream is seen upstream', async () => {
  const { client, id } = clientOf();
  const stream = await client.chat.completions.create({ model: 'endless', messages, stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0].delta.content) break;
  }
  await clientIsGone(id);
});

test('an aborted unstreamed request is seen upstream', async () => {
  const { client, id } = clientOf();
  const leave = new AbortController();
  const asked = client.chat.completions.create({ model: 'never', messages }, { signal: leave.signal });
  asked.catch(() => {});
  await until('the upstream has it', async () => (await upstreamRequests(id)).length === 1);
  leave.abort();
  await assert.rejects(asked, OpenAI.APIUserAbortError);
  await clientIsGone(id);
});
