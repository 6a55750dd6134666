import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FatalError, RetriableError } from '../../../common/errors.ts';
import { createHealth } from '../../../common/health.ts';
import { GUARD_CHANGING } from '../../../common/redis/partition-change.ts';
import type { Outcome } from '../../outcome.ts';
import { aLog, createFixture, createInput, keys, plainPipeline } from './fixture.ts';
import type { Fixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture();
});
beforeEach(() => fixture.redis.flushall());
afterEach(() => fixture.stopInputs());
afterAll(() => fixture.end());

const json = JSON.stringify;
/** An append that waits until it is let go. */
function held() {
  const appended: (readonly Outcome[])[] = [];
  let letGo!: () => void;
  const gone = new Promise<void>((resolve) => (letGo = resolve));
  const append = async (outcomes: readonly Outcome[]) => {
    appended.push(outcomes);
    await gone;
  };
  const appender = { append, openSource: () => Promise.reject(new Error('not for http')) };
  return { appender, letGo, appended };
}
async function until(condition: () => boolean | Promise<boolean>) {
  while (!(await condition())) await delay(5);
}

describe('back-pressure', () => {
  test('answers 503 with Retry-After while the stream is full, and 200 once it is drained', async () => {
    const { post, input, counter } = await fixture.start({ streamEntriesMax: 1 });
    const body = json(aLog('T1'));
    for (const expected of [200, 503, 503]) expect((await post(body)).status).toBe(expected);
    const refused = await post(body);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.body).toEqual({ error: expect.stringContaining('can not take more now') as string });
    expect(input.trouble()).toContain('full');
    expect(await counter('tranweave_collector_back_pressure_total')).toBe(3);
    expect(await fixture.logs()).toHaveLength(1);
    await fixture.redis.flushall();
    expect((await post(body)).status).toBe(200);
    expect(input.trouble()).toBeUndefined();
  });

  test('answers 503 while the number of partitions is being changed; once it was, also, and the process ends', async () => {
    const failures: unknown[] = [];
    const { post, input } = await fixture.start({ deps: { fail: (error) => failures.push(error) } });
    const shut = (guard: string) => fixture.redis.mset(keys.guard(0), guard, keys.guard(1), guard);
    await shut(GUARD_CHANGING);
    const answer = await post(json(aLog('T1')));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(input.trouble()).toContain('the number of partitions is being changed');
    expect(failures).toEqual([]);
    await shut('7');
    expect((await post(json(aLog('T1')))).status).toBe(503);
    expect(failures).toEqual([expect.any(FatalError)]);
    expect(await fixture.logs()).toEqual([]);
  });

  test('answers 503 while Redis is away', async () => {
    const appender = {
      ...held().appender,
      append: () => Promise.reject(new RetriableError('Redis cannot be reached')),
    };
    let now = 0;
    const clock = { now: () => now, sleep: () => Promise.resolve() };
    const { post, input } = await fixture.start({ deps: { appender, clock } });
    const answer = await post(json(aLog('T1')));
    expect(answer.status).toBe(503);
    expect(answer.headers.has('retry-after')).toBe(true);
    expect(input.trouble()).toContain('Redis cannot be reached');
    // Nobody sends requests to who is not ready: it must get ready again without one.
    now += 60_000;
    expect(input.trouble()).toBeUndefined();
  });

  test('answers 503 at once when as many requests as may be are under way', async () => {
    const { appender, letGo, appended } = held();
    const { post } = await fixture.start({ config: { requests_max: 1 }, deps: { appender } });
    const first = post(json(aLog('T1')));
    await until(() => appended.length === 1);
    expect((await post(json(aLog('T2')))).status).toBe(503);
    letGo();
    expect((await first).status).toBe(200);
    expect((await post(json(aLog('T3')))).status).toBe(200);
  });

  test('answers 503 when the bodies under way would fill more than their memory', async () => {
    const { appender, letGo, appended } = held();
    const config = { body_bytes_max: '64KiB', bodies_bytes_max: '64KiB' };
    const { post } = await fixture.start({ config, deps: { appender } });
    const large = json(aLog('T1', { payload: 'x'.repeat(50_000) }));
    const first = post(large);
    await until(() => appended.length === 1);
    expect((await post(large)).status).toBe(503);
    letGo();
    expect((await first).status).toBe(200);
    expect((await post(large)).status).toBe(200);
  });
});

describe('a failure that nobody expected', () => {
  test('is answered 500 without its details, and the input goes on', async () => {
    const pipeline = {
      ...plainPipeline,
      fromFields: (...args: Parameters<typeof plainPipeline.fromFields>) => {
        if (args[0]['transaction_id'] === 'bug') throw new TypeError('secret internals');
        return plainPipeline.fromFields(...args);
      },
    };
    const { post } = await fixture.start({ deps: { pipeline } });
    const answer = await post(json(aLog('bug')));
    expect(answer.status).toBe(500);
    expect(json(answer.body)).not.toContain('secret');
    expect((await post(json(aLog('T1')))).status).toBe(200);
  });
});

describe('routes', () => {
  test('other methods are answered 405 with Allow', async () => {
    const { url } = await fixture.start();
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await fetch(url, { method });
      expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, 'POST']);
      expect(await response.json()).toEqual({ error: expect.stringContaining('use POST') as string });
    }
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(405);
  });

  test('other paths are answered 404 in JSON', async () => {
    const { port } = await fixture.start();
    const response = await fetch(`http://127.0.0.1:${port}/v2/logs`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: 'there is nothing at /v2/logs; logs go to POST /v1/logs',
    });
  });

  test('the OpenAPI document derives the log from the standard log', async () => {
    const { port } = await fixture.start();
    const response = await fetch(`http://127.0.0.1:${port}/v1/openapi.json`);
    const document = (await response.json()) as {
      openapi: string;
      components: { schemas: { Log: { required: string[]; properties: Record<string, object> } } };
    };
    expect(document.openapi).toBe('3.1.0');
    const { Log } = document.components.schemas;
    expect(Log.required).toEqual(['transaction_id', 'step', 'status', 'event_time']);
    expect(Log.properties['status']).toMatchObject({
      enum: ['started', 'succeeded', 'failed', 'skipped', 'info'],
    });
    expect(Log.properties['ingest_time']).toMatchObject({ readOnly: true });
    expect(Object.values(Log.properties).every((property) => 'description' in property)).toBe(true);
  });

  test('with a mapping the document promises no fields', async () => {
    const { port } = await fixture.start({ config: { mapping: { transaction_id: 'order_no' } } });
    const response = await fetch(`http://127.0.0.1:${port}/v1/openapi.json`);
    const { components } = (await response.json()) as { components: { schemas: { Log: object } } };
    expect(components.schemas.Log).not.toHaveProperty('properties');
  });
});

describe('start and stop', () => {
  test('stop is safe before start and twice', async () => {
    const { input } = createInput(fixture.redis);
    await input.stop();
    expect(input.trouble()).toContain('not listening yet');
    await input.start();
    expect(input.trouble()).toBeUndefined();
    await Promise.all([input.stop(), input.stop()]);
    await input.stop();
    expect(input.trouble()).toContain('stopping');
  });

  test('a taken port is a fatal error that names the key', async () => {
    const { port } = await fixture.start();
    const { input } = createInput(fixture.redis, { config: { port } });
    const started = input.start();
    await expect(started).rejects.toThrow(FatalError);
    await expect(started).rejects.toThrow('`inputs[1].port`');
    await input.stop();
  });

  test('stop waits for the requests under way and takes no new connection', async () => {
    const { appender, letGo, appended } = held();
    const { post, input } = await fixture.start({ deps: { appender } });
    const open = post(json(aLog('T1')));
    await until(() => appended.length === 1);
    let stopped = false;
    const stopping = input.stop().then(() => (stopped = true));
    await until(() =>
      post('{}').then(
        () => false,
        () => true,
      ),
    );
    expect(stopped).toBe(false);
    letGo();
    expect((await open).status).toBe(200);
    await stopping;
  });

  test('force ends the wait, and what comes later is not appended', async () => {
    const { appender, appended } = held();
    const { port, input, force } = await fixture.start({ deps: { appender } });
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write('POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{');
    await once(socket, 'connect');
    await delay(50);
    const stopping = input.stop();
    force.abort();
    await stopping;
    expect(appended).toEqual([]);
  });

  test('what is still being worked off when the wait is cut short is not appended', async () => {
    const { appender, appended } = held();
    const running: { stop?: () => Promise<void> } = {};
    let stopping: Promise<void> | undefined;
    let records = 0;
    const pipeline: typeof plainPipeline = {
      ...plainPipeline,
      fromFields: (...args) => {
        records += 1;
        stopping ??= running.stop?.();
        return plainPipeline.fromFields(...args);
      },
    };
    const { post, input, force } = await fixture.start({ deps: { appender, pipeline } });
    running.stop = () => {
      force.abort();
      return input.stop();
    };
    await post(json(Array.from({ length: 20_000 }, (_, i) => aLog(`T${i}`)))).catch(() => undefined);
    await stopping;
    await until(() => records === 20_000);
    await delay(50);
    expect(appended).toEqual([]);
  });

  test('a request whose sender left is waited for as well', async () => {
    const { appender, letGo, appended } = held();
    const { port, input } = await fixture.start({ deps: { appender } });
    const body = json(aLog('T1'));
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write(`POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await until(() => appended.length === 1);
    socket.destroy();
    let stopped = false;
    const stopping = input.stop().then(() => (stopped = true));
    await delay(100);
    expect(stopped).toBe(false);
    letGo();
    await stopping;
  });

  test('an append that hangs shows in the health of the process', async () => {
    let now = 0;
    const health = createHealth({ now: () => now });
    const { appender, letGo, appended } = held();
    const { post } = await fixture.start({ deps: { appender, health } });
    const open = post(json(aLog('T1')));
    await until(() => appended.length === 1);
    now += 10 * 60_000;
    expect(health.report().parts).toEqual([{ name: 'input web', state: 'stalled', quiet_ms: 600_000 }]);
    letGo();
    await open;
    expect(health.report().parts).toEqual([{ name: 'input web', state: 'idle', quiet_ms: null }]);
    await fixture.stopInputs();
    expect(health.report().parts).toEqual([]);
  });
});
