// The official OpenAI SDK for Node, through the gateway: every test on the scripted upstream, and on
// the bundled worker where no script is needed.
import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';

// Node 18 has File, but not as a global; the SDK's uploads look for it there.
globalThis.File ??= File;

const { PENSTOCK_URL: url, PENSTOCK_KEY: key, UPSTREAM_URL: upstream, REQUEST_LOG: log } = process.env;
const { WORKER_SOCKET: workerSocket } = process.env;
const words = ['Penstock ', 'feeds ', 'the ', 'turbine.'];
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather in a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};
const user = (content) => [{ role: 'user', content }];

// One says what its script says, and each of its failures is a model of its own.
const scripted = {
  name: 'scripted', model: 'chat', messages: user('hello'), prompt: 'hello', options: {},
  tools: { model: 'tools' }, endless: { model: 'endless' }, never: { model: 'never' },
  said: async () => ({ text: words.join(''), prompt: 11, output: 4 }),
};
// What the bundled worker says is not known beforehand, but it says it again to whoever asks in the
// same way.
const worker = {
  name: 'worker', model: 'bundled', messages: user('Tell me a short story about a fox.'),
  prompt: 'Once upon a time', options: { temperature: 0, max_tokens: 16 },
  tools: { messages: user('What is the weather in Bremen?'), max_tokens: 64 },
  endless: { max_tokens: 900, ignore_eos: true },
  never: { max_tokens: 900, ignore_eos: true, n: 16 },
  said: async (route = 'chat/completions') => {
    const { model, messages, prompt, options } = worker;
    const body = { model, ...options, ...(route === 'completions' ? { prompt } : { messages }) };
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await (await fetch(
      `${url}/v1/${route}`, { method: 'POST', headers, body: JSON.stringify(body) })).json();
    return {
      text: answer.choices[0].text ?? answer.choices[0].message.content,
      prompt: answer.usage.prompt_tokens, output: answer.usage.completion_tokens,
    };
  },
};
const noRoute = 'the worker has no such route';
const fails = 'the worker does not fail on request';

// The same test on each; on the worker it is skipped for `why`.
function onBoth(name, body, why = undefined) {
  test(name, () => body(scripted));
  test(`${name} (worker)`, { skip: why ?? false }, () => body(worker));
}

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

// Of the bundled worker, as it tells those who do not ask through the gateway.
const workerState = () => new Promise((resolve, reject) => {
  get({ socketPath: workerSocket, path: '/internal/state' }, async (answer) => {
    let text = '';
    for await (const piece of answer) text += piece;
    resolve(JSON.parse(text).realtime);
  }).on('error', reject);
});
const numAborted = async () => (await workerState()).aborted;
const numRunning = async () => {
  const { q_len_prefill: prefill, q_len_decode: decode } = await workerState();
  return prefill + decode;
};

// Returns what waits until the upstream has seen the client of `id` leave.
async function departures(on, id) {
  const before = on === worker ? await numAborted() : 0;
  return () => until('the upstream sees the client leave', async () => (on === worker
    ? await numAborted() > before
    : (await upstreamRequests(id)).some((r) => r.client_closed)));
}

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

onBoth('an unstreamed chat', async (on) => {
  const { client, id } = clientOf();
  const { model, messages, options } = on;
  const answer = await client.chat.completions.create({ model, messages, ...options });
  const said = await on.said();
  assert.equal(answer.choices[0].message.content, said.text);
  assert.equal(answer.usage.prompt_tokens, said.prompt);
  if (on === scripted) assert.equal((await upstreamBody(id)).model, 'scripted-chat');
});

onBoth('a stream without stream_options shows no empty choices but is counted exactly', async (on) => {
  const { client, id } = clientOf();
  const { model, messages, options } = on;
  const chunks = await collect(
    await client.chat.completions.create({ model, messages, ...options, stream: true }));
  assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
  const pieces = chunks.map((c) => c.choices[0].delta.content).filter(Boolean);
  const said = await on.said();
  assert.equal(pieces.join(''), said.text);
  if (on === scripted) assert.deepEqual(pieces, words);
  const [line] = await logLines(id, 1);
  assert.deepEqual([line.prompt, line.output, line.estimated], [said.prompt, said.output, false]);
});

onBoth('a stream that asked for usage gets it last', async (on) => {
  const { client } = clientOf();
  const { model, messages, options } = on;
  const chunks = await collect(await client.chat.completions.create(
    { model, messages, ...options, stream: true, stream_options: { include_usage: true } }));
  assert.equal(chunks.at(-1).choices.length, 0);
  assert.equal(chunks.at(-1).usage.completion_tokens, (await on.said()).output);
});

onBoth('a streamed tool call is put together by the helper', async (on) => {
  const { client } = clientOf();
  const { model, messages, options } = on;
  const stream = client.chat.completions.stream(
    { model, messages, ...options, tools: [weather], ...on.tools });
  const [call] = (await stream.finalChatCompletion()).choices[0].message.tool_calls;
  assert.equal(call.function.name, 'get_weather');
  assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), ['city']);
  if (on === scripted) assert.equal(call.function.arguments, '{"city": "Bremen"}');
});

onBoth('completions', async (on) => {
  const { client } = clientOf();
  const { model, prompt, options } = on;
  const answer = await client.completions.create({ model, prompt, ...options });
  assert.equal(answer.choices[0].text, (await on.said('completions')).text);
});

onBoth('embeddings in the SDK\'s own base64 equal those as floats', async () => {
  const { client, id } = clientOf();
  const packed = await client.embeddings.create({ model: 'embed', input: ['one', 'two'] });
  assert.equal((await upstreamBody(id)).encoding_format, 'base64');
  const plain = await client.embeddings.create(
    { model: 'embed', input: ['one', 'two'], encoding_format: 'float' });
  assert.deepEqual(packed.data[1].embedding, plain.data[1].embedding);
}, noRoute);

onBoth('responses, unstreamed and streamed', async () => {
  const { client } = clientOf();
  assert.equal((await client.responses.create({ model: 'chat', input: 'hello' })).output_text, words.join(''));
  const events = await collect(
    await client.responses.create({ model: 'chat', input: 'hello', stream: true }));
  assert.equal(events.at(-1).type, 'response.completed');
  const deltas = events.filter((e) => e.type === 'response.output_text.delta').map((e) => e.delta);
  assert.deepEqual(deltas, words);
}, noRoute);

onBoth('a transcription is uploaded whole', async () => {
  const { client } = clientOf();
  const file = await OpenAI.toFile(Buffer.alloc(200_000, 7), 'speech.wav');
  const answer = await client.audio.transcriptions.create({ model: 'chat', file });
  assert.equal(answer.text, words.join(''));
  assert.equal(answer.file_bytes, 200_000);
}, noRoute);

onBoth('speech comes as bytes', async () => {
  const { client } = clientOf();
  const answer = await client.audio.speech.create({ model: 'chat', voice: 'alloy', input: 'hello' });
  assert.equal((await answer.arrayBuffer()).byteLength, 16384);
}, noRoute);

onBoth('models', async (on) => {
  const { client } = clientOf();
  const names = (await collect(await client.models.list())).map((model) => model.id);
  assert.ok(names.includes(on.model));
});

const refusals = [
  ['a wrong key', OpenAI.AuthenticationError, { apiKey: 'sk-wrong' }, {}, 'invalid_api_key'],
  ['an unknown model', OpenAI.NotFoundError, {}, { model: 'none-such' }, 'model_not_found'],
  ['a field of the wrong type', OpenAI.BadRequestError, {}, { model: 17 }, 'invalid_type'],
  ['a failing upstream', OpenAI.InternalServerError, {}, { model: 'fail-500' }, 'upstream_failed',
    fails],
  ['an error as the first event', OpenAI.InternalServerError, {},
    { model: 'error-first', stream: true }, 'upstream_failed', fails],
];
for (const [name, kind, options, fields, code, why] of refusals) {
  onBoth(`${name} is the SDK's own error`, async (on) => {
    const { client } = clientOf(options);
    const { model, messages } = on;
    const asked = client.chat.completions.create({ model, messages, ...fields });
    await assert.rejects(asked, (error) => {
      assert.equal(error.constructor, kind);
      assert.equal(error.code, code);
      return true;
    });
  }, why);
}

onBoth('an error inside a stream is thrown after what came before', async ({ messages }) => {
  for (const model of ['error-in-stream', 'cut-in-stream']) {
    const { client } = clientOf();
    const seen = [];
    await assert.rejects(async () => {
      const stream = await client.chat.completions.create({ model, messages, stream: true });
      for await (const chunk of stream) seen.push(chunk.choices[0].delta.content);
    }, OpenAI.APIError);
    assert.deepEqual(seen, ['', ...words.slice(0, 2)]);
  }
}, fails);

onBoth('a 503 with retry-after-ms is retried by the SDK and succeeds', async (on) => {
  const { client, id } = clientOf({ maxRetries: 2 });
  const answer = await client.chat.completions.create(
    { model: 'fail-503-once', messages: on.messages });
  assert.equal(answer.choices[0].message.content, words.join(''));
  assert.deepEqual((await logLines(id, 2)).map((line) => line.status), [503, 200]);
}, fails);

onBoth('what must not be retried is sent once', async ({ model, messages }) => {
  const { client, id } = clientOf({ maxRetries: 3, apiKey: 'sk-wrong' });
  await assert.rejects(client.chat.completions.create({ model, messages }));
  assert.equal((await logLines(id, 1)).length, 1);
});

onBoth('an aborted stream is seen upstream', async (on) => {
  const { client, id } = clientOf();
  const { model, messages, options } = on;
  const clientIsGone = await departures(on, id);
  const stream = await client.chat.completions.create(
    { model, messages, ...options, ...on.endless, stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0].delta.content) break;
  }
  await clientIsGone();
});

onBoth('an aborted unstreamed request is seen upstream', async (on) => {
  const { client, id } = clientOf();
  const { model, messages, options } = on;
  const clientIsGone = await departures(on, id);
  const leave = new AbortController();
  const asked = client.chat.completions.create(
    { model, messages, ...options, ...on.never }, { signal: leave.signal });
  asked.catch(() => {});
  if (on === scripted)
    await until('the upstream has it', async () => (await upstreamRequests(id)).length === 1);
  else
    await until('the worker has it', async () => (await numRunning()) > 0);
  leave.abort();
  await assert.rejects(asked, OpenAI.APIUserAbortError);
  await clientIsGone();
});
