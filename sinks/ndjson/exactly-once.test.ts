import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FencedError } from '../../common/errors.ts';
import { until } from '../../common/testing/until.ts';
import type { Sink } from '../sink.ts';
import { aLog, batchOf } from '../testing/rows.ts';
import { aLane, openFolder } from './fixture.ts';
import type { NdjsonFixture } from './fixture.ts';
import { createLaneFile } from './lane-file.ts';
import type { LaneFile } from './lane-file.ts';

/** Owners that come and go, sleep and wake up late: what was committed is handed over once. */

/** What Redis knows: one batch is begun at a time, and only the newest owner begins and commits. */
interface Ledger {
  fence: number;
  next: number;
  begun: string | undefined;
  committed: string[];
}

interface Owner {
  fence: number;
  file: LaneFile;
  /** What it had begun when it fell asleep. */
  begun?: string;
}

/** Now with and now without, as if the config was changed in between. */
const isGzipped = (fence: number) => fence % 2 === 0;
const bytesOf = ({ fence, begun }: Pick<Owner, 'fence' | 'begun'>) => {
  const line = Buffer.from(`"${begun}"\n`);
  return isGzipped(fence) ? gzipSync(line) : line;
};

function lab(folder: NdjsonFixture) {
  const ledger: Ledger = { fence: 0, next: 0, begun: undefined, committed: [] };
  const owners: Owner[] = [];

  const own = () => owners.at(-1);
  const make = (fence: number) =>
    createLaneFile({
      lane: aLane(fence),
      folder: join(folder.dir, '.open', 'log-0'),
      targetFolder: join(folder.dir, 'tracking_log'),
      name: 'tracking_log',
      gzip: isGzipped(fence),
      rollBytes: 40,
      hour: () => '2026-01-31T09',
      onLeftBehind: () => undefined,
    });
  const arrive = async () => {
    ledger.fence += 1;
    const file = make(ledger.fence);
    owners.push({ fence: ledger.fence, file });
    // What sinks do first: finish what was begun before, then nothing is pending.
    if (ledger.begun !== undefined) await write(own()!, true);
    else file.settle();
  };
  const write = async (owner: Owner, commits: boolean) => {
    ledger.begun ??= `b${(ledger.next += 1)}`;
    owner.begun = ledger.begun;
    await owner.file.store(owner.begun, bytesOf(owner));
    if (commits) commit(owner);
  };
  const commit = (owner: Owner) => {
    if (owner.fence !== ledger.fence || ledger.begun === undefined) return;
    ledger.committed.push(ledger.begun);
    ledger.begun = undefined;
    owner.file.settle();
  };
  /** An owner that lost its claim long ago writes what it had begun, or hands over what it thinks is due. */
  const wake = async (owner: Owner, rolls: boolean) => {
    try {
      if (rolls) await owner.file.roll('always');
      else if (owner.begun !== undefined) await owner.file.store(owner.begun, bytesOf(owner));
    } catch (error) {
      if (!(error instanceof FencedError)) throw error;
    }
  };
  return { ledger, owners, own, make, arrive, write, wake };
}

const step = fc.oneof(
  fc.record({ do: fc.constant('arrive' as const) }),
  fc.record({ do: fc.constant('write' as const), commits: fc.boolean() }),
  fc.record({ do: fc.constant('write' as const), commits: fc.constant(true) }),
  fc.record({ do: fc.constant('roll' as const) }),
  fc.record({ do: fc.constant('wake' as const), which: fc.nat(), rolls: fc.boolean() }),
);

test('whoever sleeps, wakes up or dies, in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      await using folder = await openFolder();
      await folder.makeSink().open(new AbortController().signal);
      const { ledger, owners, own, arrive, write, wake } = lab(folder);
      await arrive();
      for (const one of steps) {
        if (one.do === 'arrive') await arrive();
        else if (one.do === 'write') await write(own()!, one.commits);
        else if (one.do === 'roll') await own()!.file.roll('due');
        else await wake(owners[one.which % owners.length]!, one.rolls);
      }
      await arrive();
      await own()!.file.roll('always');
      expect(await folder.rows('log')).toHaveLength(ledger.committed.length);
      expect(new Set(await folder.rows('log'))).toEqual(new Set(ledger.committed));
      await Promise.all(owners.map(({ file }) => file.close()));
    }),
    { numRuns: 60 },
  );
}, 120_000);

test('whoever takes over and hands over at the same time', async () => {
  for (let round = 0; round < 40; round += 1) {
    await using folder = await openFolder();
    await folder.makeSink().open(new AbortController().signal);
    const { owners, arrive, own, write, make } = lab(folder);
    await arrive();
    await write(own()!, true);
    await write(own()!, true);
    const takers = [2, 3, 4, 5, 6].map((fence) => make(fence));
    const racing = [...takers, own()!.file].map(async (file, i) => {
      file.settle();
      for (let pause = 0; pause < (i * round) % 7; pause += 1) await readdir(folder.dir);
      await file.roll('always');
    });
    for (const result of await Promise.allSettled(racing)) {
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(FencedError);
    }
    const last = make(7);
    last.settle();
    await last.roll('always');
    expect((await folder.rows<string>('log')).toSorted()).toEqual(['b1', 'b2']);
    await Promise.all([...takers, last, ...owners.map(({ file }) => file)].map((file) => file.close()));
  }
}, 120_000);

test('who is overtaken while it takes over, and does not know yet', async () => {
  await using folder = await openFolder();
  await folder.makeSink().open(new AbortController().signal);
  const { make } = lab(folder);
  const [first, slow, fast] = [make(1), make(3), make(5)];
  // So large that copying it takes longer than what is done meanwhile.
  await first.store('large', Buffer.from(`"${'x'.repeat(40_000_000)}"\n`));
  slow.settle();
  fast.settle();
  const slowDone = slow.roll('always').catch((error: unknown) => error);
  const copy = join(folder.dir, '.open', 'log-0', '3.new', 'data.ndjson');
  await until('the slow one copies', () => existsSync(copy));
  await fast.roll('always');
  const outcome = await slowDone;
  expect([await folder.files('log'), outcome]).toEqual([
    [expect.any(String)],
    // The first to be done may have been the slow one after all.
    outcome === undefined ? undefined : expect.any(FencedError),
  ]);
  await Promise.all([first, slow, fast].map((file) => file.close()));
});

test('(handed over before it is committed, a batch is doubled)', async () => {
  await using folder = await openFolder();
  await folder.makeSink().open(new AbortController().signal);
  const { own, owners, arrive, write } = lab(folder);
  await arrive();
  await write(own()!, false);
  own()!.file.settle();
  await own()!.file.roll('always');
  // Another batch in between, so that which came last is of no help.
  await own()!.file.store('other', Buffer.from('"other"\n'));
  await arrive();
  own()!.file.settle();
  await own()!.file.roll('always');
  expect((await folder.rows<string>('log')).toSorted()).toEqual(['b1', 'b1', 'other']);
  await Promise.all(owners.map(({ file }) => file.close()));
});

test('a sink whose lane another process has taken over is told so, and works on with its others', async () => {
  await using folder = await openFolder();
  const never = new AbortController().signal;
  const [first, second]: Sink[] = [folder.makeSink(), folder.makeSink()];
  await Promise.all([first!.open(never), second!.open(never)]);
  const batch = (fence: number, token: string, partition = 0) => ({
    ...batchOf('log', token, [aLog(partition * 10 + fence)]),
    fence,
    partition,
  });
  await first!.write(batch(1, 'a'), never);
  await first!.write(batch(1, 'b', 1), never);
  await second!.write(batch(2, 'c'), never);
  await expect(first!.write({ ...batch(1, 'd'), partition: 0, fence: 0 }, never)).rejects.toThrow(
    FencedError,
  );
  first!.settled!(aLane(1, 'log', 1));
  second!.settled!(aLane(2));
  await Promise.all([first!.close(), second!.close()]);
  const ids = (await folder.rows<{ event_id: string }>('log')).map((row) => row.event_id);
  expect(ids.sort()).toEqual(['e1', 'e11', 'e2']);
  expect((await readdir(join(folder.dir, '.open', 'store'))).sort()).toEqual(['log-0', 'log-1']);
});
