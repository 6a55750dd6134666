import { copyFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { until } from '../common/testing/until.ts';
import { createLandscape } from './support/landscape.ts';

const SAMPLE = fileURLToPath(new URL('../../shared/data/orders/single__orders.log', import.meta.url));
const example = parse(readFileSync(new URL('../examples/orders/tranweave.yml', import.meta.url), 'utf8')) as {
  inputs: object[];
  flows: object[];
};

test('the public order sample gives two orders, completed, with five steps in order', async () => {
  const input = { ...example.inputs[0], paths: ['inbox/*.log'], last_line_after: '200ms' };
  const mapping = {
    ...(input as { mapping?: object }).mapping,
    event_time: { field: 'time', time: 'dd MMM yyyy HH:mm:ss', zone: 'UTC' },
  };
  await using landscape = await createLandscape({ inputs: [{ ...input, mapping }], flows: example.flows });
  await copyFile(SAMPLE, join(landscape.inbox, 'orders.log'));
  await Promise.all([landscape.start('collector'), landscape.start('processor'), landscape.start('sinks')]);
  const query = `SELECT transaction_id AS id, status, steps.step AS steps, toString(started_at) AS started_at, toString(ended_at) AS ended_at
                 FROM tranweave.transaction_summary ORDER BY id`;
  const steps = ['placed', 'received', 'processing', 'processed', 'shipped'];
  interface Row {
    id: string;
    status: string;
  }
  await until('both are completed', async () => {
    const rows = await landscape.rows<Row>(query);
    return rows.length === 2 && rows.every((row) => row.status === 'completed');
  });
  expect(await landscape.rows<Row>(query)).toEqual([
    {
      id: '12-3456',
      status: 'completed',
      steps,
      started_at: '2021-07-12 12:34:52.000000',
      ended_at: '2021-07-13 11:10:18.000000',
    },
    {
      id: '12-73946',
      status: 'completed',
      steps,
      started_at: '2021-07-12 13:22:36.000000',
      ended_at: '2021-07-13 11:10:18.000000',
    },
  ]);
  await landscape.drained();
  expect(await landscape.rows('SELECT count() AS n FROM tranweave.tracking_log')).toEqual([{ n: 10 }]);
}, 120_000);
