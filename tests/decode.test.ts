import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import iconv from 'iconv-lite';
import { afterAll, expect, test } from 'vitest';
import { CLI } from './support/landscape.ts';

/** `tranweave decode` as people run it while they write a config. */

const dir = mkdtempSync(join(tmpdir(), 'tranweave-decode-'));
afterAll(() => rmSync(dir, { recursive: true }));

writeFileSync(
  join(dir, 'tranweave.yml'),
  `inputs:
  - type: file
    name: hub
    paths: [/logs/*.log]
    encoding: euc-kr
    line_bytes_max: 200B
    decoder: { type: delimited, delimiter: '|' }
    skip: { field: result, is: TEST }
    mapping:
      transaction_id: id
      step: { constant: hub }
      status: { field: result, values: { OK: succeeded, NG: failed } }
      event_time: { field: time, time: yyyyMMddHHmmssSSS, zone: Asia/Seoul }
      business_keys: { customer: customer }
      node: meta.path
  - { type: http, name: api, port: 0 }
`,
);
const SAMPLE = `time|id|customer|result
20260131181500123|A-1001|홍길동|OK
20260131181501123|A-1002|김|TEST
20260131181502123|A-1003
20260131181503123||김|NG
2026-01-31|A-1005|김|OK
${'x'.repeat(300)}
`;

function run(input: string | Buffer, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'decode', ...args], {
    cwd: dir,
    input,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, stdout, stderr };
}

test('shows every record with its fields, then its log or what is wrong in words, and counts them', () => {
  const { status, stdout } = run(iconv.encode(SAMPLE, 'cp949'), '--input', 'hub');
  const records = stdout.split('\n\n');
  expect(records[0]).toBe(`record 1  (23 bytes at 0)
  time|id|customer|result
  skipped: it carries no data (as a header does), or is filtered out`);
  expect(records[1]).toMatch(
    /^record 2 {2}\(34 bytes at 24\)\n {2}20260131181500123\|A-1001\|홍길동\|OK\n {2}fields\n/,
  );
  expect(records[1]).toContain('    customer  홍길동\n');
  expect(records[1]).toMatch(/\n {2}log\n(?:.*\n)* {4}event_time +2026-01-31T09:15:00\.123000Z\n/);
  expect(records[1]).toMatch(/\n {4}business_keys +\{"customer":"홍길동"\}/);
  expect(records[2]).toContain('  skipped: ');
  expect(records[3]).toContain('  dead letter of stage decode: the record has 2 fields where 4 are expected');
  expect(records[4]).toContain('  dead letter of stage validate: transaction_id is required');
  expect(records[5]).toContain(
    '  dead letter of stage map: event_time "2026-01-31" is not a time of the pattern',
  );
  expect(records[6]).toContain(
    '  dead letter of stage frame: the line is longer than line_bytes_max (200 bytes)',
  );
  expect(records[7]).toBe(
    '7 records, 1 log, 2 skipped, 4 dead letters (decode 1, validate 1, map 1, frame 1)\n',
  );
  expect(status).toBe(1);
});

test('reads a file, whose path the mapping finds, and tells the same as JSON', () => {
  writeFileSync(join(dir, 'a.log'), iconv.encode(SAMPLE.slice(0, SAMPLE.indexOf('20260131181502')), 'cp949'));
  const { status, stdout } = run('', '--input', 'hub', '--json', 'a.log');
  expect(status).toBe(0);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(lines).toMatchObject([
    { offset: 0, fields: [], outcomes: [{ skipped: true }] },
    {
      offset: 24,
      fields: [{ id: 'A-1001' }],
      outcomes: [{ log: { transaction_id: 'A-1001', node: 'a.log' } }],
    },
    { outcomes: [{ skipped: true }] },
  ]);
});

test('shows only what is wrong if it is to be quiet', () => {
  const { stdout } = run(iconv.encode(SAMPLE, 'cp949'), '--input', 'hub', '--quiet');
  expect(stdout.split('\n\n').map((part) => part.slice(0, 8))).toEqual([
    'record 4',
    'record 5',
    'record 6',
    'record 7',
    '7 record',
  ]);
});

test('says which inputs there are, and what cannot be read', () => {
  expect(run('').stderr).toBe('tranweave: say which input: --input with one of hub, api\n');
  expect(run('', '--input', 'hbu').stderr).toBe('tranweave: the config has no input hbu; it has hub, api\n');
  expect(run('', '--input', 'hub', 'gone.log').stderr).toMatch(
    /^tranweave: the sample gone\.log cannot be read/,
  );
});

test('takes logs as HTTP does', () => {
  const log = { transaction_id: 'T1', step: 's', status: 'info', event_time: '2026-01-31T00:00:00Z' };
  expect(run(JSON.stringify(log), '--input', 'api').stdout).toMatch(
    /\n1 record, 1 log, 0 skipped, 0 dead letters\n$/,
  );
});
