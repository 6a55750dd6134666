import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../common/testing/until.ts';
import { loadTranweaveConfig } from '../scripts/tranweave-config.ts';
import { CLI, createLandscape } from './support/landscape.ts';
import type { Landscape } from './support/landscape.ts';
import { parse } from 'yaml';

/** The examples of formats: each as its config says, woven into what its page counts, all side by side in one landscape. */

const examples = fileURLToPath(new URL('../examples/', import.meta.url));
const FOLDERS = {
  'hub-euc-kr': { file: 'hub.dat', interfaces: ['ORD-WMS', 'PAY-ERP'] },
  java: { file: 'bridge.log', interfaces: ['shop-wms'] },
  'ibm-ace': { file: 'events.xml', interfaces: ['orders'] },
};
const each = Object.entries(FOLDERS).map(([folder, { file, interfaces }]) => ({ folder, file, interfaces }));
const read = (file: string) => readFileSync(examples + file, 'utf8');

/** The row of the table under "What comes out". */
function countsOf(folder: string, name: string): number[] {
  const rows = read(`${folder}/README.md`)
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()));
  return rows
    .find((row) => row[1] === name && /^\d+$/.test(row[2] ?? ''))!
    .slice(2, -1)
    .map(Number);
}

interface RawConfig {
  inputs: { paths: string[] }[];
  flows?: object[];
  default_flow?: object;
}

let landscape: Landscape;
beforeAll(async () => {
  const configs = each.map(({ folder }) => ({
    folder,
    config: parse(read(`${folder}/tranweave.yml`)) as RawConfig,
  }));
  landscape = await createLandscape({
    inputs: configs.flatMap(({ folder, config }) =>
      config.inputs.map((input) => ({
        ...input,
        paths: input.paths.map((path) => `${examples}${folder}/${path}`),
        last_line_after: '200ms',
      })),
    ),
    flows: configs.flatMap(({ config }) => config.flows ?? []),
    default_flow: configs.find(({ config }) => config.default_flow !== undefined)!.config.default_flow,
  });
  await Promise.all([landscape.start('collector'), landscape.start('processor'), landscape.start('sinks')]);
  const expected = each.flatMap(({ folder, interfaces }) =>
    interfaces.map((name) => countsOf(folder, name)[0]!),
  );
  const all = expected.reduce((sum, count) => sum + count, 0);
  await until('every log is stored', async () => {
    const [row] = await landscape.rows<{ n: number }>('SELECT count() AS n FROM tranweave.tracking_log');
    return row!.n >= all;
  });
  await landscape.drained();
}, 120_000);
afterAll(() => landscape[Symbol.asyncDispose]());

describe.each(each)('examples/$folder', ({ folder, file, interfaces }) => {
  test.each(interfaces)('%s is woven into what its page counts', async (name) => {
    const rows = await landscape.rows(
      `SELECT (SELECT count() FROM tranweave.tracking_log WHERE interface_id = '${name}') AS logs, count() AS transactions,
              countIf(status = 'completed') AS completed, countIf(status = 'failed') AS failed,
              countIf(status = 'in_progress') AS open
       FROM tranweave.transaction_summary WHERE interface_id = '${name}'`,
    );
    expect(Object.values(rows[0] as Record<string, number>)).toEqual(countsOf(folder, name));
  });

  test('is decoded to what its page says', () => {
    const { stdout } = spawnSync(
      process.execPath,
      [CLI, 'decode', '--config', `${examples}${folder}/tranweave.yml`, `${examples}${folder}/${file}`],
      { encoding: 'utf8', timeout: 20_000, maxBuffer: 16 * 1024 * 1024 },
    );
    expect(read(`${folder}/README.md`)).toContain(
      `Its last line is \`${stdout.trimEnd().split('\n').at(-1)}\``,
    );
    expect(loadTranweaveConfig(`${examples}${folder}/tranweave.yml`, {}).inputs).toHaveLength(1);
  });
});

test('customers of the hub have their names, cut at no wrong byte, and the record that broke off is a dead letter', async () => {
  const names = await landscape.rows<{ name: string }>(
    `SELECT DISTINCT business_keys['customer'] AS name FROM tranweave.transaction_summary
     WHERE interface_id IN ('ORD-WMS', 'PAY-ERP') ORDER BY name`,
  );
  expect(names.every(({ name }) => /^[가-힣]{2,4}$/.test(name))).toBe(true);
  expect(names.length).toBeGreaterThan(5);
  expect(
    await landscape.rows('SELECT input, stage, reason FROM tranweave.dead_letter FINAL ORDER BY input'),
  ).toEqual([
    {
      input: 'hub-fixed',
      stage: 'decode',
      reason: 'the record has 50 bytes where its fields have 89',
    },
  ]);
});

test('an exception of the Java program is told with its whole trace, and a retry clears it', async () => {
  const [failed] = await landscape.rows<{ error_code: string; error_message: string }>(
    `SELECT error_code, error_message FROM tranweave.transaction_summary WHERE transaction_id = 'SO-5016'`,
  );
  expect(failed?.error_code).toBe('org.springframework.dao.DuplicateKeyException');
  expect(failed?.error_message).toMatch(
    /^org\.spring[^]*\nCaused by: java\.sql[^]*violated\n\n\tat oracle[^]* omitted$/,
  );
  const retried = `SELECT status, error_code FROM tranweave.transaction_summary WHERE transaction_id = 'SO-5011'`;
  expect(await landscape.rows(retried)).toEqual([
    { status: 'completed', error_code: 'java.net.SocketTimeoutException' },
  ]);
});

test('the message of an event is its payload', async () => {
  const payloads = await landscape.rows<{ payload: string }>(
    `SELECT payload FROM tranweave.tracking_log WHERE transaction_id = 'SO-7001' AND step = 'send' AND status = 'started'`,
  );
  expect(payloads).toHaveLength(1);
  expect(payloads[0]?.payload).toMatch(/^<order no="SO-7001"><customer>[가-힣]+<\/customer>/);
});
