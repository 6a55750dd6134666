import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as v from 'valibot';
import { systemClock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { createSink, sinks, sinkSchema, streamsOf } from '../registry.ts';
import type { Sink } from '../sink.ts';
import { canBeAsked } from './conformance-inspect.ts';
import { bearsTrouble, refuses } from './conformance-trouble.ts';
import type { Lab, SinkHarness, SinkStore } from './harness.ts';
import { aDeadLetter, aLog, aSummary, batchOf } from './rows.ts';

export type { SinkHarness, SinkStore } from './harness.ts';

/** What every sink promises (sink.ts), held against its real store. */

const never = new AbortController().signal;
const rowOf = { log: aLog, summary: aSummary, dead_letter: aDeadLetter };

/** Runs the suite for the sink of this type. */
export function describeSink(type: keyof typeof sinks, harness: SinkHarness): void {
  const { missing } = harness;
  if (missing !== undefined) console.warn(`NOT TESTED: the sink ${type}, since ${missing}`);
  describe.skipIf(missing !== undefined)(`a sink of type ${type}`, () => {
    let store: SinkStore;
    let sink: Sink;
    const make = (more?: object) =>
      createSink(store.config(more), { name: 'store', clock: systemClock, logger: silentLogger() });
    beforeAll(async () => {
      store = await harness.start();
      sink = make();
    });
    afterAll(async () => {
      await sink.close();
      await store.stop();
    });
    const lab: Lab = { type, make, store: () => store, sink: () => sink };
    opens(lab);
    storesOnce(lab);
    keepsTheTruth(lab);
    refuses(lab);
    canBeAsked(lab);
    bearsTrouble(lab);
  });
}

function opens({ type, make, sink }: Lab): void {
  test('has an example that works as it stands, and says which streams it takes', () => {
    const [example] = parse(sinks[type].example) as unknown[];
    const config = v.parse(sinkSchema, example);
    expect(config.type).toBe(type);
    expect(streamsOf(config)).toEqual(sinks[type].streams);
    expect(sinks[type].summary).toMatch(/\.$/);
  });

  test('is opened by several processes at once, and again', async () => {
    const others = Array.from({ length: 3 }, () => make());
    await Promise.all([sink(), ...others].map((one) => one.open(never)));
    await sink().open(never);
    await Promise.all(others.map((one) => one.close()));
    expect(sink().streams).toEqual(sinks[type].streams);
  });

  test('is closed twice without harm, opened or not', async () => {
    const opened = make();
    await opened.open(never);
    for (const other of [opened, make()]) {
      await other.close();
      await other.close();
    }
  });
}

function storesOnce({ make, store, sink }: Lab): void {
  test('stores each kind of stream that it takes, at the same time', async () => {
    await Promise.all(
      sink().streams.map(async (stream) => {
        const rows = Array.from({ length: 250 }, (_, i) => rowOf[stream](i));
        expect(await sink().write(batchOf(stream, `each/${stream}`, rows), never)).toEqual({ refused: [] });
        expect(await store().count(stream)).toBe(250);
      }),
    );
  });

  test('stores a batch once, however often it comes and whoever brings it', async () => {
    const other = make();
    for (const stream of sink().streams) {
      const before = await store().count(stream);
      const rows = Array.from({ length: 120 }, (_, i) => rowOf[stream](1000 + i));
      const batch = batchOf(stream, `once/${stream}`, rows);
      await Promise.all([sink(), other, sink()].map((one) => one.write(batch, never)));
      await other.write(batch, never);
      expect((await store().count(stream)) - before).toBe(120);
    }
    await other.close();
  });

  test('takes rows of several megabytes', async () => {
    const before = await store().count('log');
    const rows = Array.from({ length: 6 }, (_, i) => aLog(1500 + i, { payload: "'가\\\n".repeat(170_000) }));
    expect(await sink().write(batchOf('log', 'large', rows), never)).toEqual({ refused: [] });
    expect((await store().count('log')) - before).toBe(6);
  });
}

function keepsTheTruth({ store, sink }: Lab): void {
  const write = (token: string, ...summaries: object[]) =>
    sink().write(batchOf('summary', token, summaries), never);

  test('shows the newest revision of a transaction, in whatever order they come', async () => {
    const revisions = [3, 1, 4, 2].map((version) =>
      aSummary(500, { version, status: version === 4 ? 'completed' : 'in_progress' }),
    );
    for (const revision of revisions) await write(`revision ${revision.version}`, revision);
    expect(await store().summary('T500')).toEqual({ status: 'completed', version: 4 });
  });

  test('the same if they come in one batch', async () => {
    const revisions = [3, 1, 4, 2].map((version) =>
      aSummary(501, { version, status: version === 4 ? 'completed' : 'in_progress' }),
    );
    await write('revisions', ...revisions);
    expect(await store().summary('T501')).toEqual({ status: 'completed', version: 4 });
  });

  test.each([
    ['first', 502, [0, 1]],
    ['last', 503, [1, 0]],
    ['in between', 504, [1, 0, 1]],
  ])(
    'of a transaction that was begun twice the first is the truth, also if it comes %s',
    async (_, id, order) => {
      const revisions = [
        [aSummary(id, { version: 2, status: 'completed', created_at: '2026-01-01T00:00:00.000000Z' })],
        [1, 2, 3].map((version) => aSummary(id, { version, status: 'failed' })),
      ];
      for (const [place, which] of order.entries()) {
        for (const revision of revisions[which] ?? []) {
          await write(`twice ${id}/${place}/${revision.version}`, revision);
        }
      }
      expect(await store().summary(`T${id}`)).toEqual({ status: 'completed', version: 2 });
    },
  );

  test('keeps dead letters whole, whatever they hold, and those of one record by their stage', async () => {
    const raw = Buffer.from([0, 1, 2, 0xff, 0xfe, 10, 13, 0x5c, 0x27, 0xed, 0xa0, 0x80]);
    const letter = aDeadLetter(505, {
      raw_base64: raw.toString('base64'),
      reason: 'has \u0000 and half of \ud83d in it',
      meta: { header: 'a\u0000b\ud83d' },
    });
    const letters = [letter, { ...letter, stage: 'sink other' }];
    expect(await sink().write(batchOf('dead_letter', 'letters', letters), never)).toEqual({ refused: [] });
    const kept = await store().deadLetters('d505');
    expect(kept.map(({ stage }) => stage).sort()).toEqual(['decode', 'sink other']);
    for (const { raw: bytes } of kept) expect(bytes).toEqual(raw);
    for (const { reason } of kept) expect(reason).toMatch(/^has .+ and half of .+ in it$/u);
  });
}
