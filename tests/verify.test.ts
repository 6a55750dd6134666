import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { generateLogs } from '../scripts/generate/generator.ts';
import type { Ledger } from '../scripts/generate/generator.ts';
import { CLI, createLandscape } from './support/landscape.ts';
import type { Landscape } from './support/landscape.ts';
import { verify } from './support/verify.ts';

const LOGS = { transactions: 200, seed: 5, duplicates: 0.05 };

function generated(): { lines: string[]; ledger: Ledger } {
  const lines: string[] = [];
  const made = generateLogs(LOGS);
  let next = made.next();
  for (; next.done !== true; next = made.next()) lines.push(next.value);
  return { lines, ledger: next.value };
}

async function post({ httpUrl }: Landscape, body: string): Promise<void> {
  const headers = { 'content-type': 'application/x-ndjson' };
  const answer = await fetch(httpUrl, { method: 'POST', headers, body });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}

test('tells that all is well, however often logs came, and names what somebody took out of the store', async () => {
  await using landscape = await createLandscape();
  const roles = await Promise.all([landscape.start('collector'), landscape.start('processor')]);
  const { lines, ledger } = generated();
  await post(landscape, `${lines.join('\n')}\n`);
  // The same once more, in another order, as a sender that had no answer; and what is no log.
  await post(landscape, `${lines.slice(0, 50).reverse().join('\n')}\n`);
  await writeFile(join(landscape.inbox, 'a.log'), 'neither this\nnor that\n');

  // Nobody stores anything yet: all of it is in flight, and no table is there.
  const before = await verify(landscape.configFile, '--wait', '100ms');
  expect(before.code).toBe(1);
  expect(sum(before.report.logs, 'in_flight')).toBe(sum(before.report.logs, 'accepted'));
  expect(before.report.logs.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(before.report.not_asked).toMatchObject([{ sink: 'clickhouse' }]);

  await landscape.start('sinks');
  await landscape.drained();
  const { code, report } = await verify(landscape.configFile);
  expect(report).toMatchObject({
    conserved: true,
    transactions: { differing: [], compared: LOGS.transactions },
  });
  expect(code).toBe(0);
  expect(sum(report.logs, 'accepted')).toBe(lines.length + 50);
  expect(sum(report.logs, 'taken')).toBe(lines.length + 50);
  expect(sum(report.logs, 'repeated')).toBe(lines.length + 50 - ledger.logs);
  expect(report.logs.reduce((n, { stored }) => n + (stored?.logs ?? 0), 0)).toBe(ledger.logs);
  expect(report.dead_letters).toEqual([
    { sink: 'clickhouse', input: 'files', kept: 2, taken: 2, in_flight: 0, wrong: [] },
  ]);
  const words = await promisify(execFile)(process.execPath, [CLI, 'verify', '-c', landscape.configFile]);
  expect(words.stdout).toContain('Everything adds up.');

  await Promise.all(roles.map((role) => role.stop()));
  const [one, other] = await landscape.rows<{ id: string }>(
    "SELECT transaction_id AS id FROM tranweave.transaction_summary WHERE interface_id != '' ORDER BY transaction_id LIMIT 2",
  );
  await landscape.clickhouse.command({
    query: 'DELETE FROM tranweave.tracking_log WHERE transaction_id = {id:String}',
    query_params: { id: one!.id },
  });
  await landscape.clickhouse.command({
    query: 'DELETE FROM tranweave.transaction_summary_revision WHERE transaction_id = {id:String}',
    query_params: { id: other!.id },
  });
  const after = await verify(landscape.configFile, '--wait', '100ms');
  expect([after.code, after.report.conserved]).toEqual([1, false]);
  const differing = new Map(
    after.report.transactions.differing.map(({ transaction_id, differs }) => [transaction_id, differs]),
  );
  expect([...differing.keys()].sort()).toEqual([one!.id, other!.id]);
  expect(differing.get(one!.id)).toMatch(/^lacks (\d) of its \1 logs there$/);
  expect(differing.get(other!.id)).toBe('has no summary there');
  const missing = after.report.logs.flatMap(({ wrong }) => wrong);
  expect(missing).toHaveLength(1);
  expect(missing[0]).toMatch(/^\d given to the store and not in it$/);
}, 120_000);

function sum<T>(items: readonly T[], field: keyof T): number {
  return items.reduce((n, item) => n + Number(item[field]), 0);
}
