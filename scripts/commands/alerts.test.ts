import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { systemClock } from '../../common/clock.ts';
import { FatalError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { createKeys } from '../../common/redis/keys.ts';
import { startClickHouse } from '../../common/testing/clickhouse.ts';
import type { TestClickHouse } from '../../common/testing/clickhouse.ts';
import { startRedis } from '../../common/testing/redis-server.ts';
import type { TestRedis } from '../../common/testing/redis-server.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import { createAlertStore } from '../../sinks/alerting/store.ts';
import { startHttpReceiver } from '../../sinks/alerting/testing/receivers.ts';
import type { HttpReceiver } from '../../sinks/alerting/testing/receivers.ts';
import { createSink } from '../../sinks/registry.ts';
import type { SinkConfig } from '../../sinks/registry.ts';
import { aDeadLetter, aSummary, batchOf } from '../../sinks/testing/rows.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';
import { addSilence, listAlerts, listSilences, removeSilence, sendTest } from './alerts.ts';
import { testRules } from './alerts-test.ts';

/** `tranweave alerts …` on a real Redis and the real ClickHouse engine. */

const zone = 'Asia/Seoul';
let dir: string;
let config: string;
let server: TestRedis;
let clickhouse: TestClickHouse;
let receiver: HttpReceiver;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tranweave-alerts-'));
  config = join(dir, 'tranweave.yml');
  [server, clickhouse, receiver] = await Promise.all([startRedis(), startClickHouse(), startHttpReceiver()]);
  await writeFile(
    config,
    stringify({
      redis: { url: server.url },
      default_flow: { steps: ['send', 'hub'], deadline: '10m' },
      sinks: [{ name: 'store', type: 'clickhouse', url: clickhouse.url }],
      alerts: {
        channels: [{ name: 'hook', type: 'webhook', url: receiver.url, language: 'ko' }],
        rules: [
          { name: 'failures', type: 'failed', window: '10m', for: '1m', severity: 'critical' },
          { name: 'silent', type: 'no_transactions', where: { interface: 'order' }, window: '30m' },
          { name: 'letters', type: 'dead_letters', window: '5m' },
        ],
      },
    }),
  );
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await clickhouse.stop();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** What a command prints. */
async function printed(
  command: Promise<void>,
  write = vi.spyOn(process.stdout, 'write').mockReturnValue(true),
): Promise<string> {
  await command;
  const text = write.mock.calls.map(([chunk]) => String(chunk)).join('');
  write.mockRestore();
  return text;
}
const print = (command: () => Promise<void>) => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  return printed(command(), write);
};
/** Runs of spaces as one. */
const squeezed = (text: string) => text.replaceAll(/ +/g, ' ');

test('before anything was evaluated, that is what it says', async () => {
  expect(await print(() => listAlerts({ config, zone }))).toBe(
    'nothing was evaluated yet; 3 rules in this config\n\nno alert is pending or firing\n',
  );
});

test('what is pending and firing, and which channel is in trouble since when', async () => {
  const redis = await server.client();
  const store = createAlertStore(redis, createKeys('tranweave'), 10_000);
  const at = Date.parse('2026-01-30T00:00:00Z');
  await store.take(1, ['hook']);
  const alert = {
    rule: 'failures',
    key: 'k',
    labels: { interface: 'order', step: 'hub', branch: '' },
    since: at,
    held_since: at,
    value: 1,
    peak: 1,
    count: 4000,
    cleared: 12,
  };
  const alerts = [
    { ...alert, state: 'pending' as const, key: 'k2', labels: { interface: '주문' } },
    {
      ...alert,
      state: 'firing' as const,
      fired_at: at + 60_000,
      told: { at: at + 60_000, count: 1, number: 1 },
    },
  ];
  await store.commit(1, at + 120_000, { alerts, memories: {} }, []);
  await store.tellTrouble('hook', { words: 'nobody is there', since: at });
  expect(squeezed(await print(() => listAlerts({ config, zone }))).split('\n')).toEqual([
    'evaluated up to 2026-01-30 09:02:00.000 +09:00; 3 rules in this config',
    '',
    'state rule of since firing since count cleared last told',
    'firing failures interface=order step=hub 2026-01-30 09:00:00.000 +09:00 2026-01-30 09:01:00.000 +09:00 4000 12 2026-01-30 09:01:00.000 +09:00',
    'pending failures interface=주문 2026-01-30 09:00:00.000 +09:00 4000 12',
    '',
    'channel does not take messages since why',
    'hook 2026-01-30 09:00:00.000 +09:00 nobody is there',
    '',
  ]);
  const json = JSON.parse(await print(() => listAlerts({ config, zone, json: true }))) as {
    alerts: unknown[];
  };
  expect(json.alerts).toEqual(alerts);
});

test('silences are added, listed and removed', async () => {
  const added = await print(() =>
    addSilence({
      config,
      zone,
      where: ['interface=shop-*', 'severity=warning'],
      for: '2h',
      comment: 'maintenance',
      by: 'ops',
    }),
  );
  const [, id] = /\n([0-9a-f]{8}) +active +interface=shop-\* severity=warning .* ops +maintenance\n$/.exec(
    added,
  )!;
  expect(await print(() => listSilences({ config, zone }))).toBe(added);
  expect(await print(() => removeSilence(id!, { config }))).toBe(`silence ${id} is removed\n`);
  expect(await print(() => listSilences({ config, zone }))).toBe('no silence\n');
  await expect(removeSilence(id!, { config })).rejects.toThrow(FatalError);
  const bad = { config, zone, comment: '', for: '2h' };
  await expect(addSilence({ ...bad, where: [] })).rejects.toThrow('say which alerts');
  await expect(addSilence({ ...bad, where: ['shop'] })).rejects.toThrow('--where must be label=pattern');
  await expect(addSilence({ ...bad, where: [], all: true, for: '2' })).rejects.toThrow(
    '--for must be a duration',
  );
});

test('a channel is tried with a message that says that it is a test', async () => {
  expect(await print(() => sendTest({ config, channel: 'hook' }))).toBe(
    'the channel hook has taken a test message\n',
  );
  expect(JSON.parse(receiver.posts[0]!.body)).toMatchObject({
    kind: 'test',
    subject:
      '[시험] [정보] test: test-interface / hub / E-TEST: 시험 메시지입니다. 실제로 발생한 일은 없습니다',
  });
  receiver.answer(404);
  await expect(sendTest({ config, channel: 'hook' })).rejects.toThrow('answers 404');
  receiver.answer(200);
  await expect(sendTest({ config, channel: 'mail' })).rejects.toThrow(
    'the config has no channel mail; it has: hook',
  );
});

test('what is stored is replayed through the rules: what would have fired, and when it would have been over', async () => {
  const loaded = loadTranweaveConfig(config);
  const sink = createSink(loaded.sinks[0] as SinkConfig, {
    name: 'store',
    clock: systemClock,
    logger: silentLogger(),
  });
  const never = new AbortController().signal;
  await sink.open(never);
  const ago = (minutes: number) =>
    timestampFromMillis(Math.floor(systemClock.now() / 60_000) * 60_000 - minutes * 60_000);
  const step = { ...aSummary(1).steps[0]!, step: 'hub', status: 'failed' as const, error_code: 'E42' };
  const failed = (i: number, minutes: number) =>
    aSummary(i, { status: 'failed', steps: [step], created_at: ago(minutes), updated_at: ago(minutes) });
  const cleared = (i: number) =>
    aSummary(i, {
      status: 'completed',
      error_step: 'hub',
      error_code: 'E43',
      error_at: ago(200),
      created_at: ago(200),
      updated_at: ago(195),
    });
  const rows = [
    failed(1, 180),
    failed(2, 179),
    failed(3, 2),
    cleared(4),
    aSummary(5, { created_at: ago(120), updated_at: ago(120) }),
  ];
  await sink.write(batchOf('summary', 's', rows), never);
  await sink.write(batchOf('dead_letter', 'd', [aDeadLetter(1, { ingest_time: ago(60) })]), never);
  await sink.close();

  const text = await print(() => testRules({ config, zone, since: '4h', rule: [] }));
  expect(text).toMatch(/^5 transactions that changed from \S+ \S+ \+09:00 to \S+ \S+ \+09:00, 3 rules\n/);
  const [titles, ...told] = text
    .trimEnd()
    .split('\n')
    .slice(2)
    .map((line) => line.split(/ {2,}/));
  expect(titles).toEqual(['rule', 'severity', 'since', 'fires', 'resolved', 'what']);
  expect(
    told.map(([rule, severity, , , resolved, what]) => [
      rule,
      severity,
      /^\(|\+09:00$/.exec(resolved!)?.[0],
      what,
    ]),
  ).toEqual([
    [
      'silent',
      'warning',
      '+09:00',
      expect.stringMatching(/^order: no transaction for (39m\d+s|40m\d*s?)$/) as string,
    ],
    ['failures', 'critical', '+09:00', 'order / hub / E43: 1 transaction failed'],
    ['failures', 'critical', '+09:00', 'order / hub / E42: 2 transactions failed'],
    ['silent', 'warning', '+09:00', expect.any(String) as string],
    ['silent', 'warning', '+09:00', expect.any(String) as string],
    ['letters', 'warning', '+09:00', 'api / decode: 1 dead letter'],
    ['failures', 'critical', '(', 'order / hub / E42: 1 transaction failed'],
  ]);
  const only = await print(() => testRules({ config, zone, since: '4h', rule: ['letters'] }));
  expect(only.match(/^letters /gm)).toHaveLength(1);
  expect(only).not.toContain('failures');
  await expect(testRules({ config, zone, since: '4h', rule: ['x'] })).rejects.toThrow(
    'the config has no rule x',
  );
  await expect(testRules({ config, zone, since: '40d', rule: [] })).rejects.toThrow(
    '--since must be at most 31d',
  );
});
