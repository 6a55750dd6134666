import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignPartitions } from './assignment.ts';

const replicas = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 12 });
const partitions = fc.integer({ min: 1, max: 64 });

test('every partition has one holder, and no replica holds more than one above another', () => {
  fc.assert(
    fc.property(partitions, replicas, (n, names) => {
      const assigned = assignPartitions(n, names);
      const all = [...assigned.values()].flat().sort((a, b) => a - b);
      expect(all).toEqual(Array.from({ length: n }, (_, i) => i));
      for (const held of assigned.values()) {
        expect(held.length).toBeGreaterThanOrEqual(Math.floor(n / names.length));
        expect(held.length).toBeLessThanOrEqual(Math.ceil(n / names.length));
      }
    }),
  );
});

test('the order in which replicas are listed does not matter', () => {
  fc.assert(
    fc.property(partitions, replicas, (n, names) => {
      const reversed = assignPartitions(n, names.toReversed());
      for (const [name, held] of assignPartitions(n, names)) expect(reversed.get(name)).toEqual(held);
    }),
  );
});

test('a replica that leaves moves few partitions besides its own', () => {
  const names = ['a', 'b', 'c', 'd'];
  const before = assignPartitions(64, names);
  const after = assignPartitions(64, names.slice(0, 3));
  const kept = names
    .slice(0, 3)
    .flatMap((name) => (before.get(name) ?? []).filter((p) => after.get(name)?.includes(p)));
  expect(kept.length).toBeGreaterThanOrEqual(40);
});
