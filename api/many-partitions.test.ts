import { afterAll, beforeAll, expect, test } from 'vitest';
import { PARTITIONS_MAX } from '../common/partition.ts';
import { encodePositions, ID_CHARACTERS_MAX } from './position.ts';
import { openEventStream } from './testing/event-stream.ts';
import { createApiRig } from './testing/rig.ts';
import type { ApiRig, RunningApi } from './testing/rig.ts';

/** An id names every partition: that of the largest deployment can be come back with, too. */

let rig: ApiRig;
let api: RunningApi;
beforeAll(async () => {
  rig = await createApiRig();
  api = await rig.start({}, PARTITIONS_MAX);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

const queryOf = (id: string) => `?last_event_id=${encodeURIComponent(id)}`;

test.each(['in the header', 'as a parameter'])(
  'a stream of 1024 partitions goes on, the id %s',
  async (where) => {
    const first = await openEventStream(`${api.url}/v1/stream`);
    const id = first.lastId();
    await first[Symbol.asyncDispose]();
    await rig.publish(PARTITIONS_MAX - 1, [where]);
    const isHeader = where === 'in the header';
    await using again = await openEventStream(
      `${api.url}/v1/stream${isHeader ? '' : queryOf(id)}`,
      isHeader ? { 'last-event-id': id } : {},
    );
    expect(again.status).toBe(200);
    const [event] = await again.named('summary', 1);
    expect(event!.data['transaction_id']).toBe(where);
  },
);

test('the longest id is taken in the header and as a parameter at once, as EventSource sends it', async () => {
  const last = String(2n ** 64n - 1n);
  const longest = { id: `${last}-${last}`, ordinal: Number.MAX_SAFE_INTEGER, rows: 36 ** 6 - 1 };
  const id = encodePositions(Array.from({ length: PARTITIONS_MAX }, () => longest));
  expect(id).toHaveLength(ID_CHARACTERS_MAX);
  // The head alone: every partition would tell of a gap.
  const ask = (text: string) =>
    fetch(`${api.url}/v1/stream${queryOf(text)}`, { method: 'HEAD', headers: { 'last-event-id': text } });
  expect((await ask(id)).status).toBe(200);
  expect((await ask(`${id}0`)).status).toBe(400);
});
