import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FatalError } from '../../../common/errors.ts';
import { untilReady } from '../../../common/redis/connection.ts';
import { freePort } from '../../../common/testing/redis-server.ts';
import { backoutCountOf } from '../../../common/testing/ibm-mq/queue-server.ts';
import { until } from '../../../common/testing/until.ts';
import { aLog, createMqFixture, hastyClock } from './fixture.ts';
import type { MqFixture, Running } from './fixture.ts';
import { isReal, QUEUES } from './queue-manager-fixture.ts';

/** Queue managers, connections, Redis and users that are not as they should be. A real queue manager cannot be told to be so. */

let fixture: MqFixture;
let committedBefore = 0;
beforeAll(async () => {
  if (!isReal) fixture = await createMqFixture({ credentials: { user: 'app', password: 'secret' } });
});
beforeEach(() => {
  if (!isReal) committedBefore = fixture.server.committed(QUEUES.a);
});
afterEach(async () => {
  if (!isReal) await fixture.clean();
});
afterAll(async () => {
  if (!isReal) await fixture.end();
});

const start = (config: Record<string, unknown> = {}, more = {}) => fixture.start({ config, ...more });
const put = (...ids: string[]) => {
  for (const id of ids) fixture.server.put(QUEUES.a, aLog(id));
};
const logsAre = (...ids: string[]) =>
  until(`logs are ${ids.join(', ')}`, async () => (await fixture.ids()).join() === ids.toSorted().join());
const committed = () => fixture.server.committed(QUEUES.a) - committedBefore;
const isTrouble = ({ input }: Running, words: string) =>
  until(`trouble: ${words}`, () => input.trouble()?.includes(words) === true);
const isWell = ({ input }: Running) => until('no trouble', () => input.trouble() === undefined);

describe.skipIf(isReal)('a connection that is lost', () => {
  test('while nothing is under way is made again', async () => {
    const running = await start();
    await isWell(running);
    await fixture.server.dropConnections();
    put('A');
    await logsAre('A');
    await isWell(running);
  });

  test('before the commit brings messages again, under the same ids', async () => {
    fixture.server.fail('MQCMIT', 2009, 1);
    put('A', 'B');
    await start();
    await until('both are committed', () => committed() === 2);
    const logs = await fixture.logs();
    expect(new Set(logs.map(({ event_id }) => event_id)).size).toBe(2);
    // The first time neither was committed, the second time each was.
    expect(logs.map(({ transaction_id }) => transaction_id).sort()).toEqual(['A', 'A', 'B', 'B']);
  });

  test.each([
    ['MQGET', 2009, 'the connection to the queue manager was lost (MQGET: 2009, MQRC_CONNECTION_BROKEN)'],
    ['MQGET', 2161, 'about to stop'],
    ['MQGET', 2162, 'stopping'],
    ['MQGET', 2003, 'backed out'],
    ['MQCONNX', 2059, 'not available'],
    ['MQOPEN', 2009, 'was lost'],
    ['MQGET', 2999, 'reason 2999'],
  ] as const)('%s with %i is told in words, and ends', async (verb, reason, words) => {
    const running = await start();
    await isWell(running);
    fixture.server.fail(verb, reason);
    if (verb !== 'MQGET') await fixture.server.dropConnections();
    await isTrouble(running, words);
    fixture.server.heal();
    put('A');
    await logsAre('A');
    await isWell(running);
  });

  test('because nobody listens any more is 2538, until somebody does', async () => {
    const running = await start();
    await isWell(running);
    await fixture.server.unlisten();
    await isTrouble(running, 'nobody answers at that address');
    await fixture.server.listen();
    put('A');
    await logsAre('A');
  });

  test('without a word from the library is noticed all the same', async () => {
    const running = await start({ quiet_max: '300ms' });
    await isWell(running);
    fixture.server.silence();
    await isTrouble(running, 'nothing was heard');
    fixture.server.speak();
    put('A');
    await logsAre('A');
    await isWell(running);
  });
});

describe.skipIf(isReal)('what somebody has to mend is told in words and tried slowly', () => {
  test.each([
    ['a wrong password', { password: 'wrong' }, '2035'],
    ['a queue that is not there', { queues: ['TRANWEAVE.TEST.NONE'] }, 'no such queue (MQOPEN: 2085'],
  ])('%s', async (_, config, words) => {
    const pauses: number[] = [];
    const clock = {
      ...hastyClock,
      sleep: (ms: number, signal?: AbortSignal) => {
        pauses.push(ms);
        return hastyClock.sleep(ms, signal);
      },
    };
    const running = await start(config, { deps: { clock } });
    await isTrouble(running, words);
    await until('a second attempt', () => pauses.length > 1);
    expect(new Set(pauses)).toEqual(new Set([60_000]));
  });

  test('an outage is tried sooner, and less and less often', async () => {
    const pauses: number[] = [];
    const clock = {
      ...hastyClock,
      sleep: (ms: number, signal?: AbortSignal) => {
        pauses.push(ms);
        return hastyClock.sleep(ms, signal);
      },
    };
    fixture.server.fail('MQCONNX', 2059);
    await start({ reconnect_delay_max: '2s' }, { deps: { clock } });
    await until('five attempts', () => pauses.length > 4);
    expect(pauses[0]).toBeLessThanOrEqual(500);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(2000);
    expect(Math.min(...pauses.slice(3))).toBeGreaterThanOrEqual(1000);
  });
});

describe.skipIf(isReal)('a queue that does not say how often a message may come back', () => {
  test.each([
    ['since the user may not ask', 'MQOPEN', 2035],
    ['since it is an alias', 'MQINQ', 2068],
  ] as const)('%s, is got from all the same', async (_, verb, reason) => {
    fixture.server.fail(verb, reason, 1);
    put('A');
    await start();
    await logsAre('A');
  });
});

describe.skipIf(isReal)('Redis', () => {
  test('that is away stops the getting and keeps the connection; nothing is lost or backed out', async () => {
    const running = await start({ batch_messages_max: 2 });
    await isWell(running);
    const [connection] = fixture.server.connections();
    await fixture.redisServer.kill();
    put('A', 'B', 'C', 'D', 'E');
    await isTrouble(running, 'cannot append');
    // One batch is under way, and stays so.
    expect(fixture.server.depth(QUEUES.a)).toBe(3);
    await fixture.redisServer.restart();
    await untilReady(fixture.redis, 10_000);
    await logsAre('A', 'B', 'C', 'D', 'E');
    await until('all are committed', () => committed() === 5);
    expect(fixture.server.connections()).toEqual([connection]);
    expect(fixture.server.connections()[0]).toBe(connection);
    expect(await running.metric('tranweave_collector_back_pressure_total')).toBeGreaterThan(0);
    await isWell(running);
  });

  test('that is full makes messages wait in their queue', async () => {
    const running = await start({ batch_messages_max: 1 }, { streamEntriesMax: 2 });
    put(...Array.from({ length: 20 }, (_, index) => `T${index}`));
    await isTrouble(running, 'is full');
    expect(fixture.server.depth(QUEUES.a)).toBeGreaterThan(0);
    await until('everything is taken once there is room', async () => {
      for (const key of await fixture.redis.keys('t:*:log')) await fixture.redis.xtrim(key, 'MAXLEN', 0);
      return committed() === 20;
    });
  });

  test('that is away when the collector stops gets its messages later: they are backed out', async () => {
    const running = await start();
    await isWell(running);
    await fixture.redisServer.kill();
    put('A', 'B');
    await isTrouble(running, 'cannot append');
    await running.input.stop();
    expect(fixture.server.messages(QUEUES.a).map(backoutCountOf)).toEqual([1, 1]);
    await fixture.redisServer.restart();
    await untilReady(fixture.redis, 10_000);
    await start();
    await logsAre('A', 'B');
  });
});

describe.skipIf(isReal)('stopping', () => {
  test('ends every connection, and takes nothing more', async () => {
    const running = await start({ getters: 2 });
    await isWell(running);
    await Promise.all([running.input.stop(), running.input.stop()]);
    expect(fixture.server.connections()).toEqual([]);
    put('A');
    expect(fixture.server.depth(QUEUES.a)).toBe(1);
    expect(running.input.trouble()).toContain('is stopping');
    expect(running.health.report().parts).toEqual([]);
  });

  test('before the start does nothing', async () => {
    const running = fixture.create();
    await running.input.stop();
    await running.input.start();
    expect(fixture.server.connections()).toEqual([]);
  });

  test('is not held up by a queue manager that does not answer, once waiting is pointless', async () => {
    const running = await start();
    await isWell(running);
    put('A');
    await logsAre('A');
    fixture.server.silence();
    const stopped = running.input.stop();
    running.force.abort();
    await stopped;
    expect(running.failures).toEqual([]);
  });
});

describe.skipIf(isReal)('how the queue manager is reached', () => {
  test('a list of addresses is tried in its order', async () => {
    const connection = `127.0.0.1(${await freePort()}),${fixture.server.connectionName}`;
    await isWell(await start({ connection }));
  });

  test('the queue manager is told channel, user, program, cipher and keys', async () => {
    const tls = { cipher: 'ANY_TLS12_OR_HIGHER', key_repository: '/etc/mq/client.p12' };
    await isWell(await start({ queue_manager: 'QM1', program: 'woven', tls }));
    expect(fixture.server.connections()).toEqual([
      {
        queueManager: 'QM1',
        channel: 'APP.SVRCONN',
        user: 'app',
        program: 'woven',
        cipher: tls.cipher,
        keyRepository: tls.key_repository,
      },
    ]);
  });

  test('a table of channels, and a password from a file', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tranweave-mq-'));
    const ccdt = join(dir, 'ccdt.json');
    const channel = {
      name: 'APP.SVRCONN',
      clientConnection: {
        connection: [{ host: '127.0.0.1', port: fixture.server.port }],
        queueManager: 'QM1',
      },
      type: 'clientConnection',
    };
    await writeFile(ccdt, JSON.stringify({ channel: [channel] }));
    await writeFile(join(dir, 'password'), 'secret\n');
    const running = fixture.create({
      config: { ccdt: `file://${ccdt}`, user: 'app', password_file: join(dir, 'password') },
      only: true,
    });
    await running.input.start();
    await isWell(running);
    await rm(dir, { recursive: true });
  });

  test.each([
    ['that is not there', undefined, 'there is no libmqm_r.so in'],
    ['that is broken', 'no library at all', 'libmqm_r.so: '],
  ])('with a client library %s the input does not start, and says why', async (_, content, words) => {
    const dir = await mkdtemp(join(tmpdir(), 'tranweave-mq-'));
    if (content !== undefined) await writeFile(join(dir, 'libmqm_r.so'), content);
    const running = fixture.create({ config: { client_library_dir: dir } });
    const failure = await running.input.start().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FatalError);
    expect(String(failure)).toContain(`IBM's MQ client library (libmqm_r) cannot be loaded from ${dir}`);
    expect(String(failure)).toContain(words);
    await rm(dir, { recursive: true });
  });
});
