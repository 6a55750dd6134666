import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until as untilWithin } from '../common/testing/until.ts';
import {
  startAlertmanager,
  startHttpReceiver,
  startMailServer,
} from '../sinks/alerting/testing/receivers.ts';
import type { Alertmanager, HttpReceiver, MailServer } from '../sinks/alerting/testing/receivers.ts';
import { createLandscape } from './support/landscape.ts';
import type { Landscape, RoleName, RoleProcess } from './support/landscape.ts';

/** A failing interface, a stuck receiver and a silent interface, while processors and sinks are killed: who is told what, and how often. */

/** Everything is awaited; how long that may take at most is of no interest here. */
const until = (what: string, condition: () => boolean | Promise<boolean>) =>
  untilWithin(what, condition, 60_000);

const SECRET = 'a-secret-of-the-receiver';
const FAILURES = 40;
const STUCK = 5;

let mail: MailServer;
let hook: HttpReceiver;
let manager: Alertmanager;
let landscape: Landscape;
const running = new Map<RoleName, RoleProcess[]>();

beforeAll(async () => {
  mail = await startMailServer();
  hook = await startHttpReceiver();
  manager = await startAlertmanager(() => Date.now());
  landscape = await createLandscape({
    sinks: [],
    claims: { ttl: '1200ms', heartbeat: '300ms' },
    processor: { merge_delay: '20ms' },
    flows: [
      { interface: 'failing', steps: ['send', 'hub'] },
      { interface: 'stuck', steps: ['send', { step: 'receive', branches: ['wms'] }], deadline: '1s' },
    ],
    alerts: {
      resolution: '250ms',
      time_zone: 'Asia/Seoul',
      channels: [
        {
          name: 'mail',
          type: 'email',
          host: '127.0.0.1',
          port: mail.port,
          tls: 'off',
          from: 'eai@example.com',
          to: ['ops@example.com'],
        },
        { name: 'hook', type: 'webhook', url: `${hook.url}/alerts`, secret: SECRET, language: 'ko' },
        { name: 'manager', type: 'alertmanager', url: manager.url, refresh: '200ms' },
      ],
      rules: [
        // Fires when the last of them is counted: were one counted twice, or not at all, it would say another number, or nothing.
        {
          name: 'failing',
          type: 'failed',
          where: { interface: 'failing' },
          above: FAILURES - 1,
          resolve_at: 0,
          window: '10m',
        },
        {
          name: 'stuck',
          type: 'timed_out',
          above: STUCK - 1,
          resolve_at: 0,
          window: '10m',
          severity: 'critical',
        },
        { name: 'silent', type: 'no_transactions', where: { interface: 'silent' }, window: '2s' },
        { name: 'quiet', type: 'no_transactions', where: { interface: 'elsewhere' }, window: '3s' },
      ],
      inhibit: [{ when: 'silent', quiet: ['quiet'] }],
    },
  });
  await Promise.all([start('collector', 1), start('processor', 1), start('sinks', 2)]);
});
afterAll(async () => {
  await landscape[Symbol.asyncDispose]();
  for (const receiver of [mail, hook, manager]) await receiver[Symbol.asyncDispose]();
});

async function start(role: RoleName, count: number): Promise<void> {
  const started = await Promise.all(Array.from({ length: count }, () => landscape.start(role)));
  running.set(role, started);
}

/** Kills all of a role, and starts one in their place. */
async function replaceAll(role: RoleName, meanwhile: () => void = () => undefined): Promise<void> {
  const killed = running.get(role) ?? [];
  for (const process of killed) process.kill('SIGKILL');
  await Promise.all(killed.map(({ ended }) => ended));
  meanwhile();
  await start(role, 1);
}

interface Log {
  transaction_id: string;
  interface_id: string;
  step: string;
  status: string;
  [field: string]: unknown;
}

async function post(...logs: Log[]): Promise<void> {
  const body = logs.map((log) => JSON.stringify({ event_time: new Date().toISOString(), ...log })).join('\n');
  const response = await fetch(landscape.httpUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: `${body}\n`,
  });
  expect(response.status).toBe(200);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
const failing = (i: number) => ({ transaction_id: `F-${i}`, interface_id: 'failing' });
const stuck = (i: number) => ({ transaction_id: `S-${i}`, interface_id: 'stuck' });

const hooked = () => hook.posts.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
const isHooked = (rule: string, kind: string) => () =>
  hooked().some((message) => message['rule'] === rule && message['kind'] === kind);
const isMailed = (rule: string, kind: string) => () =>
  mail.mails.some(
    ({ headers }) => headers.get('x-tranweave-rule') === rule && headers.get('x-tranweave-kind') === kind,
  );

/** What any of the sinks processes says is wrong. */
async function reasons(): Promise<string> {
  const answers = (running.get('sinks') ?? []).map(async ({ adminUrl }) =>
    (await fetch(`${adminUrl}/readyz`)).text(),
  );
  return (await Promise.all(answers)).join('\n');
}

/** A message that was handed over and not noted before a crash comes again with its id: receivers drop it by that. */
function unique<T>(all: readonly T[], idOf: (one: T) => unknown): T[] {
  return [...new Map(all.map((one) => [idOf(one), one])).values()];
}

test(
  'three troubles end in exactly their messages by mail, by webhook and at an Alertmanager',
  { timeout: 120_000 },
  async () => {
    // Everything fails at the hub, while processors and sinks processes are killed.
    const quarter = FAILURES / 4;
    const fail = (part: number) =>
      post(
        ...range(part * quarter, (part + 1) * quarter).flatMap((i) => [
          { ...failing(i), step: 'send', status: 'succeeded' },
          {
            ...failing(i),
            step: 'hub',
            status: 'failed',
            error_code: 'E42',
            error_message: 'no route to host',
          },
        ]),
      );
    await fail(0);
    await replaceAll('processor');
    await fail(1);
    await replaceAll('sinks');
    await fail(2);
    await post(...range(0, STUCK).map((i) => ({ ...stuck(i), step: 'send', status: 'succeeded' })));
    mail.refuse(451);
    await fail(3);
    const troubles = ['failing', 'stuck', 'silent'];
    for (const rule of troubles) await until(`${rule} is told`, isHooked(rule, 'firing'));
    await until('the Alertmanager knows all', () => manager.alerts.size === 3);

    // The mail server takes nothing meanwhile, which holds up nobody else and can be seen. Then whoever evaluates is killed: mails are not lost by that.
    await until('it is seen', async () => (await reasons()).includes('alerts are not told by mail: '));
    expect(isMailed('failing', 'firing')()).toBe(false);
    await Promise.all([replaceAll('sinks', () => mail.refuse(undefined)), replaceAll('processor')]);
    for (const rule of troubles) await until(`${rule} is told by mail`, isMailed(rule, 'firing'));

    // All of it is mended by later attempts.
    await post(
      ...range(0, FAILURES).map((i) => ({ ...failing(i), step: 'hub', status: 'succeeded', attempt: 2 })),
      ...range(0, STUCK).map((i) => ({ ...stuck(i), step: 'receive', branch: 'wms', status: 'succeeded' })),
    );
    for (const rule of ['failing', 'stuck']) {
      await until(`${rule} is over`, isHooked(rule, 'resolved'));
      await until(`${rule} is over by mail`, isMailed(rule, 'resolved'));
    }
    await until('the Alertmanager knows that', () =>
      ['failing', 'stuck'].every((rule) => managed(rule)?.became.at(-1) === 'resolved'),
    );
    await Promise.all((running.get('sinks') ?? []).map((process) => process.stop()));

    expect(
      unique(hooked(), ({ id }) => id)
        .map(({ rule, kind, count }) => `${String(rule)} ${String(kind)} ${String(count)}`)
        .sort(),
    ).toEqual([
      `failing firing ${FAILURES}`,
      `failing resolved ${FAILURES}`,
      'silent firing 0',
      `stuck firing ${STUCK}`,
      `stuck resolved ${STUCK}`,
    ]);
    expect(mailed()).toEqual(
      [
        '[FIRING] [critical] stuck: stuck / receive / wms: 5 transactions timed out',
        '[FIRING] [warning] silent: silent: no transaction for 2s',
        '[FIRING] [warning] failing: failing / hub / E42: 40 transactions failed',
        '[RESOLVED] [critical] stuck: stuck / receive / wms: 5 transactions timed out',
        '[RESOLVED] [warning] failing: failing / hub / E42: 40 transactions failed',
      ].sort(),
    );
    expect(
      [...manager.alerts.values()]
        .map(({ labels, became }) => `${labels['alertname']} ${became.join(', ')}`)
        .sort(),
    ).toEqual(['failing firing, resolved', 'silent firing', 'stuck firing, resolved']);
    saysWhatIsNeeded();
  },
);

const managed = (rule: string) =>
  [...manager.alerts.values()].find(({ labels }) => labels['alertname'] === rule);

const mailed = () =>
  unique(mail.mails, ({ headers }) => headers.get('message-id'))
    .map(({ headers }) => String(headers.get('subject')))
    .sort();

function saysWhatIsNeeded(): void {
  for (const { headers, body } of hook.posts) {
    const [, seconds, signature] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-tranweave-signature'])) ?? [];
    expect(signature).toBe(createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex'));
    expect(headers['idempotency-key']).toBe((JSON.parse(body) as { id: string }).id);
  }
  const resolved = hooked().find(({ rule, kind }) => rule === 'failing' && kind === 'resolved');
  expect(resolved).toMatchObject({
    subject: '[해소] [경고] failing: failing / hub / E42: 거래 40건 실패',
    labels: { interface: 'failing', step: 'hub', branch: '', error_code: 'E42' },
    error_message: 'no route to host',
    cleared: FAILURES,
  });
  expect(resolved?.['samples']).toHaveLength(3);
  const text = mail.mails.find(({ headers }) => headers.get('subject')?.includes('stuck / receive'))?.text;
  expect(text).toMatch(/^Receiver +wms$/m);
  expect(text).toMatch(/^Since +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \+09:00$/m);
  expect(text).toMatch(/^Samples +S-\d, S-\d, S-\d$/m);
  expect(text).toMatch(/^Look further +tranweave trace S-\d$/m);
}
