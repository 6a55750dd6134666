import { expect, test } from 'vitest';
import { createGate, GateFullError } from './gate.ts';

/** Work that ends when it is told to. */
function held() {
  let end: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (end = resolve));
  return { work: () => done, end: () => end() };
}

test('lets so many through, the others in their order, and refuses what is too many', async () => {
  const gate = createGate(1, 2);
  const [first, order] = [held(), [] as string[]];
  const running = gate.use(first.work);
  const waiting = ['a', 'b'].map((name) => gate.use(async () => void order.push(name)));
  await expect(gate.use(async () => undefined)).rejects.toBeInstanceOf(GateFullError);
  expect(order).toEqual([]);
  first.end();
  await Promise.all([running, ...waiting]);
  expect(order).toEqual(['a', 'b']);
});

test('who gives up while waiting leaves the place to the next', async () => {
  const gate = createGate(1, 2);
  const first = held();
  const running = gate.use(first.work);
  const controller = new AbortController();
  const given = gate.use(async () => 'never', controller.signal);
  const next = gate.use(async () => 'next');
  controller.abort(new Error('gone'));
  await expect(given).rejects.toThrow('gone');
  first.end();
  await running;
  expect(await next).toBe('next');
  expect(await gate.use(async () => 'free')).toBe('free');
});

test('work that fails frees its place', async () => {
  const gate = createGate(1, 0);
  await expect(gate.use(async () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await gate.use(async () => 1)).toBe(1);
});
