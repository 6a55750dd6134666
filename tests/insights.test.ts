import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '../common/testing/redis-server.ts';
import { until } from '../common/testing/until.ts';
import { CLI, createLandscape } from './support/landscape.ts';
import type { Landscape, RoleProcess } from './support/landscape.ts';

/**
 * Insights end to end, in one landscape of real processes: the campaign example, whose answer awk computes from the raw files, and many orders by
 * HTTP while sinks processes are killed, whose answer SQL computes from tracking_log.
 */

const examples = fileURLToPath(new URL('../examples/', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const page = readFileSync(`${examples}campaign/README.md`, 'utf8');
const manual = readFileSync(`${root}docs/insights.md`, 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, name, body]) =>
    name === language ? [body!] : [],
  );
const example = parse(readFileSync(`${examples}campaign/tranweave.yml`, 'utf8')) as {
  inputs: { paths: string[] }[];
  flows: object[];
  insights: object[];
};

const BULK = {
  name: 'bulk_hourly',
  history: '3650d',
  where: { interface_id: 'bulk', status: 'completed' },
  group_by: ['key.customer', { field: 'key.region', as: 'area' }],
  window: { size: '1h', zone: 'Asia/Seoul' },
  measures: {
    revenue: { sum: 'key.amount', scale: 2 },
    average: { avg: 'key.amount', scale: 2 },
    smallest: { min: 'key.amount', scale: 2 },
    largest: { max: 'key.amount', scale: 2 },
    median: { quantile: 'key.amount', at: 0.5, scale: 2 },
    items: { distinct: 'key.item' },
  },
};
/** Closed as soon as everything that was there is counted. */
const QUICK = {
  name: 'quick',
  where: { interface_id: 'quick' },
  window: { size: '1d', zone: 'Asia/Seoul' },
  measures: { orders: 'count' },
  lateness: '0s',
  history: '3650d',
};

let landscape: Landscape;
const sinks: RoleProcess[] = [];
let httpUrl = '';
beforeAll(async () => {
  const port = await freePort();
  httpUrl = `http://127.0.0.1:${port}/v1/logs`;
  landscape = await createLandscape({
    inputs: [
      ...example.inputs.map((input) => ({
        ...input,
        paths: input.paths.map((path) => `${examples}campaign/${path}`),
      })),
      { name: 'api', type: 'http', port },
    ],
    flows: [...example.flows, { interface: 'bulk', steps: ['order'], deadline: '30d' }],
    insights: [...example.insights, BULK, QUICK],
  });
  await Promise.all([
    landscape.start('collector'),
    landscape.start('processor'),
    ...[0, 1].map(async () => sinks.push(await landscape.start('sinks'))),
  ]);
}, 120_000);
afterAll(() => landscape[Symbol.asyncDispose]());

async function post(logs: readonly object[]): Promise<void> {
  const response = await fetch(httpUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: logs.map((log) => `${JSON.stringify(log)}\n`).join(''),
  });
  expect(response.status).toBeLessThan(300);
}

const HOUR = 3_600_000;
const FROM = Date.UTC(2026, 2, 2);

/** The logs of one order: some fail after they had succeeded, some turn out to be of another region. */
function logsOf(number: number): object[] {
  const at = (ms: number) => new Date(FROM + (number % 3) * HOUR + number * 7 + ms).toISOString();
  const order = { transaction_id: `B-${number}`, interface_id: 'bulk', step: 'order' };
  const business_keys = {
    customer: `C-${number % 11}`,
    region: number % 2 === 0 ? 'Seoul' : 'Busan',
    amount: `${(number * 37) % 1000}.${String(number % 100).padStart(2, '0')}`,
    item: `item ${number % 5}`,
  };
  return [
    { ...order, status: 'succeeded', event_time: at(0), business_keys },
    ...(number % 7 === 0 ? [{ ...order, status: 'failed', event_time: at(1000) }] : []),
    ...(number % 9 === 0
      ? [{ ...order, status: 'info', event_time: at(2000), business_keys: { region: 'Jeju' } }]
      : []),
  ];
}

/** The same numbers out of the logs alone. */
const BULK_BY_SQL = `
  SELECT toString(toStartOfHour(first, 'Asia/Seoul')) AS hour, customer, area, count() AS transactions, toString(sum(amount)) AS revenue,
    toString(min(amount)) AS smallest, toString(max(amount)) AS largest,
    toString(arraySort(groupArray(amount))[toUInt32(ceil(count() / 2))]) AS median, uniqExact(item) AS items
  FROM (
    SELECT transaction_id, min(event_time) AS first, argMaxIf(status, event_time, status != 'info') AS status,
      argMaxIf(business_keys['customer'], event_time, business_keys['customer'] != '') AS customer,
      argMaxIf(business_keys['region'], event_time, business_keys['region'] != '') AS area,
      argMaxIf(business_keys['item'], event_time, business_keys['item'] != '') AS item,
      toDecimal128(argMaxIf(business_keys['amount'], event_time, business_keys['amount'] != ''), 2) AS amount
    FROM tranweave.tracking_log FINAL WHERE interface_id = 'bulk' GROUP BY transaction_id
  )
  WHERE status = 'succeeded' GROUP BY ALL ORDER BY ALL`;
const BULK_BY_INSIGHT = `
  SELECT toString(window_start) AS hour, customer, area, transactions, toString(revenue) AS revenue, toString(smallest) AS smallest,
    toString(largest) AS largest, toString(median) AS median, items
  FROM tranweave.insight_bulk_hourly ORDER BY ALL`;

test('many orders are counted exactly while sinks processes are killed', async () => {
  const ORDERS = 3_000;
  const orders = Array.from({ length: ORDERS }, (_, number) => logsOf(number));
  const rounds = 4;
  for (let round = 0; round < rounds; round += 1) {
    const part = orders.slice((round * ORDERS) / rounds, ((round + 1) * ORDERS) / rounds);
    // First that they succeeded, so that they are counted, and then what changes that.
    await post(part.map(([first]) => first!));
    const killed = round % 2 === 1 ? sinks.shift() : undefined;
    killed?.kill('SIGKILL');
    await post(part.flatMap(([, ...rest]) => rest));
    if (killed !== undefined) sinks.push(await landscape.start('sinks'));
  }
  const stored = `SELECT uniqExact(event_id) AS n FROM tranweave.tracking_log WHERE interface_id = 'bulk'`;
  const logs = orders.flat().length;
  await until(
    'every log is stored',
    async () => (await landscape.rows<{ n: number }>(stored))[0]!.n === logs,
  );
  await landscape.drained();
  const expected = await landscape.rows(BULK_BY_SQL);
  expect(expected.length).toBeGreaterThan(70);
  await until('the insight has the same', async () => {
    const rows = await landscape.rows(BULK_BY_INSIGHT);
    return JSON.stringify(rows) === JSON.stringify(expected);
  }).catch(() => undefined);
  expect(await landscape.rows(BULK_BY_INSIGHT)).toEqual(expected);
}, 60_000);

const run = async (...args: string[]) =>
  promisify(execFile)(process.execPath, [CLI, 'insights', ...args, '--config', landscape.configFile], {
    timeout: 20_000,
  }).catch((error: { stdout: string; stderr: string }) => error);

describe('examples/campaign', () => {
  /** `2026-03-02 09|C-1004|Busan` → orders and revenue, by the awk of its page. */
  const answer = () => {
    const { stdout } = spawnSync('sh', ['-c', blocks('sh')[0]!], {
      cwd: `${examples}campaign`,
      encoding: 'utf8',
    });
    const lines = stdout.trim().split('\n');
    return lines.map((line) => line.split('|'));
  };
  const IN_TABLE = `SELECT formatDateTime(window_start, '%Y-%m-%d %H') AS hour, customer, region, toString(orders) AS orders, toString(revenue) AS revenue
    FROM tranweave.insight_orders_hourly ORDER BY hour, customer, region`;
  const ordered = (rows: readonly string[][]) => rows.map((row) => row.join('|')).toSorted();

  test('has in its table what awk makes of the raw files', async () => {
    const expected = ordered(answer());
    const table = async () =>
      ordered((await landscape.rows<Record<string, string>>(IN_TABLE)).map((row) => Object.values(row)));
    await until(
      'the rows are there',
      async () => JSON.stringify(await table()) === JSON.stringify(expected),
    ).catch(() => undefined);
    expect(await table()).toEqual(expected);
    const [, counts] = /\| rows \|.*\n\|[- |]+\n\| (.*) \|/.exec(page)!;
    const sum = (column: number) => answer().reduce((total, row) => total + Number(row[column]), 0);
    expect(counts!.split('|').map(Number)).toEqual([expected.length, sum(3), sum(4)]);
    expect(
      await landscape.rows("SELECT sum(unusable['revenue']) AS n FROM tranweave.insight_orders_hourly"),
    ).toEqual([{ n: 2 }]);
  });

  test.each([page, manual])('is looked up as its page, and the manual, say', async (text) => {
    const commands = [...text.matchAll(/^redis-cli -p 6399 (.*)$/gm)].map((m) => m[1]!);
    expect(commands.length).toBe(2);
    const [row, state] = await Promise.all(
      commands.map((command) => {
        const [name = '', ...args] = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
          ([, quoted, plain]) => quoted ?? plain!,
        );
        return landscape.streams.redis.call(name, ...args) as Promise<string>;
      }),
    );
    expect(JSON.parse(row!)).toMatchObject({
      customer: 'C-1004',
      region: 'Busan',
      orders: 1,
      revenue: '89000',
      state: 'open',
    });
    expect(state).toBe('open');
  });

  test('is read by a consumer group as its page says', () => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', blocks('js')[0]!], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, REDIS_URL: landscape.redis.url },
      timeout: 20_000,
    });
    expect(stderr).toBe('');
    const newest = new Map<string, string[]>();
    for (const line of stdout.trim().split('\n')) {
      const m = /^(\S{10})T(\d\d):00:00\+09:00 (\S+) (\S*): (\d+) orders, (\d+) won, open$/.exec(line)!;
      const row = [`${m[1]} ${m[2]}`, ...m.slice(3, 7)] as string[];
      newest.set(row.slice(0, 3).join('|'), row);
    }
    expect(ordered([...newest.values()])).toEqual(ordered(answer()));
  });

  test('is shown by the commands of its page and of the manual', async () => {
    const lines = [...`${page}\n${manual}`.matchAll(/^ *npx tranweave insights (.*)$/gm)].map((m) => m[1]!);
    expect(lines.length).toBe(4);
    const answers = await Promise.all(
      lines.map((line) => run(...line.replace(/ --config \S+/, '').split(' '))),
    );
    expect(answers.map(({ stderr }) => stderr)).toEqual(['', '', '', '']);
    expect(answers[3]!.stdout).toMatch(
      /^insight orders_hourly, windows in Asia\/Seoul\ncounted since .* \+09:00\n\n2026-03-02T13:00:00\+09:00 to 2026-03-02T14:00:00\+09:00: open, closes at /,
    );
  });

  test('answers the questions of its page', async () => {
    const answers = await Promise.all(blocks('sql').map((sql) => landscape.rows(sql)));
    expect(answers.map((rows) => rows.length > 0)).toEqual([true, true, true]);
  });
});

test('a window is final once its time is over; what comes later is late, and the command shows it', async () => {
  const order = (id: string) => ({
    transaction_id: id,
    interface_id: 'quick',
    step: 'order',
    status: 'succeeded',
    event_time: '2026-03-02T03:00:00Z',
  });
  const windows = async () =>
    landscape.rows<{ state: string; late: number }>(
      `SELECT toString(window_start, 'Asia/Seoul') AS day, state, transactions, late FROM tranweave.insight_window FINAL WHERE insight = 'quick'`,
    );
  await post([order('Q-1')]);
  await until('the day is final', async () => (await windows())[0]?.state === 'final');
  await post([order('Q-2')]);
  await until('the second is late', async () => (await windows())[0]?.late !== 0);
  expect(await windows()).toEqual([{ day: '2026-03-02 00:00:00', state: 'final', transactions: 1, late: 1 }]);

  const [shown, list, none] = await Promise.all([run('show', 'quick'), run('list'), run('show', 'none')]);
  expect([shown.stderr, shown.stdout]).toEqual([
    '',
    expect.stringContaining(
      '2026-03-02T00:00:00+09:00 to 2026-03-03T00:00:00+09:00: final; 1 transactions in 1 groups; 1 came late',
    ),
  ]);
  const [titles, ...lines] = list.stdout.trim().split('\n');
  expect(titles).toMatch(/^insight +windows in +counted since +open +final/);
  expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual(['orders_hourly', 'bulk_hourly', 'quick']);
  expect(none.stderr).toContain('the config has no insight none; it has orders_hourly, bulk_hourly, quick');
});
