import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { pipelineOf } from '../../main.ts';
import type { Outcome, RecordPipeline } from '../../outcome.ts';
import { inputSchema } from '../registry.ts';
import { runRecords } from './batch.ts';

const clock = { now: () => Date.UTC(2026, 0, 31), sleep: () => Promise.resolve() };
const good = { transaction_id: 'T1', step: 's', status: 'info', event_time: '2026-01-31T00:00:00Z' };

function run(record: string, logsMax: number, pipeline: RecordPipeline) {
  const records = [{ framed: { bytes: Buffer.from(record) } }];
  return runRecords({ name: 'web', pipeline, clock }, records, { requestId: 'r', meta: {} }, logsMax);
}

function inputOf(more: object) {
  return pipelineOf(v.parse(inputSchema, { type: 'http', name: 'web', port: 0, ...more }), clock);
}

describe('a record that gives several logs', () => {
  const json = inputOf({ decoder: { type: 'json' }, skip: { field: 'noise' } });

  test('counts as many, by what became of each', async () => {
    const parts = [good, { ...good, step: '' }, good, { noise: true }, { ...good, status: 'done' }];
    const batch = await run(JSON.stringify(parts), 5, json);
    expect(batch).toMatchObject({ accepted: 2, skipped: 1, rejected_count: 2 });
    expect(batch.rejected).toMatchObject([
      { index: 0, event_id: 'http/web/r/0#1', issues: [{ field: 'step' }, { field: 'status' }] },
    ]);
  });

  test('is refused with 413 if they are more than may be, and so are those of a mapping', async () => {
    const many = JSON.stringify(Array.from({ length: 6 }, () => good));
    await expect(run(many, 5, json)).rejects.toMatchObject({ status: 413 });
    await expect(run('[{},{},{},{},{},{}]', 5, json)).rejects.toMatchObject({ status: 413 });
    const logs = ['a', 'b', 'c'].map((step) => ({ step: { constant: step } }));
    const mapping = { transaction_id: 'transaction_id', status: 'status', event_time: 'event_time', logs };
    const mapped = inputOf({ decoder: { type: 'json' }, mapping });
    expect(await run(JSON.stringify(good), 3, mapped)).toMatchObject({ accepted: 3 });
    await expect(run(JSON.stringify(good), 2, mapped)).rejects.toMatchObject({ status: 413 });
  });

  test('may give more of them than a call can have arguments', async () => {
    const outcomes = Array.from({ length: 300_000 }, (): Outcome => ({ kind: 'skip' }));
    const many = { ...json, fromBytes: () => outcomes };
    expect(await run('x', 300_000, many)).toMatchObject({ skipped: 300_000 });
  });
});
