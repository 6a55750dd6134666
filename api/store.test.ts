import * as v from 'valibot';
import { expect, test } from 'vitest';
import { cursorOf } from './cursor.ts';
import { createStore } from './store.ts';

const store = createStore(() => Promise.resolve([]));
const { signal } = new AbortController();
const TIME = '2026-01-31T09:15:00.123456Z';
const NO_TIMES = ['', 'x', '2026-01-31', '2026-02-31T09:15:00.123456Z', '2026-01-31T09:15:00Z', `${TIME} `];

test.each(NO_TIMES)('a cursor of logs that was made up with the time %j is refused', async (text) => {
  const cursor = cursorOf('logs', v.any());
  const logs = (event_time: string) =>
    store.logs('T', { limit: 1, cursor: cursor.encode({ event_time, event_id: 'E' }, 'T') }, signal);
  await expect(logs(text)).rejects.toThrow('is no `next_cursor`');
  expect(await logs(TIME)).toEqual({ items: [], next_cursor: null });
});

test.each(NO_TIMES)('a cursor of transactions that was made up with the time %j is refused', async (text) => {
  const filter = { interfaces: [], statuses: [], keys: [] };
  const place = { from: TIME, to: TIME, created_at: TIME, id: 'T' };
  const transactions = (times: object) => {
    const question = [filter, undefined, undefined];
    const cursor = cursorOf('transactions', v.any()).encode({ ...place, ...times }, question);
    return store.transactions(filter, { limit: 1, cursor }, 0, signal);
  };
  for (const name of ['from', 'to', 'created_at']) {
    await expect(transactions({ [name]: text })).rejects.toThrow('is no `next_cursor`');
  }
  expect(await transactions({})).toEqual({ items: [], next_cursor: null });
});
