import { expect, test } from 'vitest';
import { createCharset } from '../../charset.ts';
import type { Outcome, RecordPipeline } from '../../outcome.ts';
import { planBatch } from './batch.ts';
import { RFH2_DESCRIPTOR } from './rfh2-fixture.ts';

test('a message may give more logs than a call can have arguments', () => {
  const outcomes = Array.from({ length: 300_000 }, (): Outcome => ({ kind: 'skip' }));
  const pipeline: Partial<RecordPipeline> = { fromBytes: () => outcomes };
  const deps = {
    name: 'mq',
    fieldsFrom: 'body' as const,
    charset: createCharset(),
    pipeline: pipeline as RecordPipeline,
    clock: { now: () => 0, sleep: () => Promise.resolve() },
  };
  const message = { descriptor: { ...RFH2_DESCRIPTOR, format: '' }, data: Buffer.from('x') };
  const settings = { threshold: undefined, queue: undefined };
  const plan = planBatch(deps, 'Q', [message, message], settings, {});
  expect(plan.outcomes).toHaveLength(600_000);
});
