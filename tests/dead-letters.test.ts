import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { CLI, createLandscape } from './support/landscape.ts';
import type { Landscape } from './support/landscape.ts';

const MAPPING = {
  transaction_id: 'order_no',
  step: { constant: 'send' },
  status: { field: 'result', values: { OK: 'succeeded' } },
  event_time: 'time',
};

async function tranweave({ configFile }: Landscape, ...args: string[]) {
  const run = promisify(execFile)(process.execPath, [CLI, 'dead-letters', ...args, '-c', configFile]);
  return run.then(
    ({ stdout }) => stdout,
    (error: { stderr: string }) => Promise.reject(new Error(error.stderr)),
  );
}

/** The config with another mapping of the file input, as an operator mends it. */
async function mend(landscape: Landscape, mapping: object): Promise<void> {
  const config = parse(await readFile(landscape.configFile, 'utf8')) as { inputs: { name: string }[] };
  config.inputs = config.inputs.map((input) => (input.name === 'files' ? { ...input, mapping } : input));
  await writeFile(landscape.configFile, stringify(config));
}

test('dead letters are listed, shown, tried again once the mapping is mended, and dropped', async () => {
  await using landscape = await createLandscape({
    inputs: [
      {
        name: 'files',
        type: 'file',
        paths: ['inbox/*.log'],
        last_line_after: '300ms',
        decoder: { type: 'delimited', delimiter: '|' },
        mapping: MAPPING,
      },
    ],
  });
  await Promise.all([landscape.start('collector'), landscape.start('processor'), landscape.start('sinks')]);
  const lines = [
    'order_no|result|time',
    'SO-1|OK|2026-01-31T09:15:00Z',
    'SO-2|NG|2026-01-31T09:15:01Z',
    '주문-3|NG|2026-01-31T09:15:02Z',
    '|OK|2026-01-31T09:15:03Z',
  ];
  await writeFile(join(landscape.inbox, 'a.log'), `${lines.join('\n')}\n`);
  const count = async (table: string) =>
    (await landscape.rows<{ n: number }>(`SELECT count() AS n FROM tranweave.${table}`))[0]?.n;
  await expect.poll(() => count('dead_letter'), { timeout: 20_000 }).toBe(3);

  expect(await tranweave(landscape, 'list')).toMatch(/2 +files +\w+ +.*status/);
  const letter = (await tranweave(landscape, 'list', '--json', '-n', '3'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event_id: string; raw_base64: string })
    .find(({ raw_base64 }) => Buffer.from(raw_base64, 'base64').toString().startsWith('주문-3'));
  const shown = await tranweave(landscape, 'show', letter!.event_id);
  expect(shown).toContain('주문-3|NG|2026-01-31T09:15:02Z');
  expect(shown).toMatch(/path +.*a\.log/);
  expect(await tranweave(landscape, 'show', letter!.event_id, '--raw')).toBe(
    '주문-3|NG|2026-01-31T09:15:02Z',
  );

  for (const [args, words] of [
    [['list', '--input', 'nope'], 'the config has no input nope, nor has a dead letter; it has files'],
    [
      ['list', '--stage', 'nope'],
      'there is no stage nope; there are frame, decode, map, validate, backout, stream, sink ',
    ],
    [['list', letter!.event_id, 'nope'], 'there is no dead letter nope'],
    [['retry', 'nope'], 'there is no dead letter nope'],
    [['drop', 'nope', letter!.event_id], 'there is no dead letter nope'],
  ] as const) {
    await expect(tranweave(landscape, ...args)).rejects.toThrow(words);
  }
  expect(await tranweave(landscape, 'list', '--stage', 'frame')).toBe('there are no dead letters\n');

  await expect(tranweave(landscape, 'retry')).rejects.toThrow('say which');
  expect(await tranweave(landscape, 'retry', '--all')).toMatch(
    /^0 dead letters were taken .* 3 are refused still/,
  );
  await mend(landscape, {
    ...MAPPING,
    status: { field: 'result', values: { OK: 'succeeded', NG: 'failed' } },
  });
  expect(await tranweave(landscape, 'retry', '--all', '--dry-run')).toMatch(
    /^2 dead letters would be taken .* 1 are refused/,
  );
  expect(await tranweave(landscape, 'retry', '--input', 'files')).toMatch(
    /^2 dead letters were taken and 2 logs .* 1 are refused/,
  );
  await landscape.drained();
  expect(
    await landscape.rows(
      'SELECT transaction_id, status, event_id FROM tranweave.tracking_log FINAL ORDER BY transaction_id',
    ),
  ).toMatchObject([
    { transaction_id: 'SO-1', status: 'succeeded' },
    { transaction_id: 'SO-2', status: 'failed' },
    { transaction_id: '주문-3', status: 'failed', event_id: letter!.event_id },
  ]);
  expect(await tranweave(landscape, 'list', '--json')).toContain('transaction_id');
  expect((await tranweave(landscape, 'list', '--json')).trimEnd().split('\n')).toHaveLength(1);
  expect(await tranweave(landscape, 'drop', '--all')).toMatch(/^1 dead letters were dropped/);
  expect(await tranweave(landscape, 'list')).toBe('there are no dead letters\n');
  expect(await tranweave(landscape, 'list', '--resolved')).toMatch(/retried|dropped/);

  // Letters of an input that the config has no more can be asked for.
  const config = parse(await readFile(landscape.configFile, 'utf8')) as { inputs: unknown[] };
  await writeFile(landscape.configFile, stringify({ ...config, inputs: [] }));
  expect(await tranweave(landscape, 'list', '--input', 'files')).toBe('there are no dead letters\n');
}, 120_000);
