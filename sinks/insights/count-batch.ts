import { millisOfId } from '../../common/redis/stream-id.ts';
import { statusBefore } from '../../common/stream-entry.ts';
import type { StreamEntry } from '../../common/stream-entry.ts';
import type { SummaryRow } from '../../common/summary-row.ts';
import { rowFromLine } from '../../common/wire-row.ts';
import type { RedisSinkDeps } from '../redis-sink.ts';
import type { RefusedRow, SinkBatch } from '../sink.ts';
import { refuseReplaced } from './definitions.ts';
import { millisOf, UNUSABLE } from './contribution.ts';
import { countRevision, seenBy } from './count.ts';
import type { Seen } from './count.ts';
import type { Definitions } from './definitions.ts';
import { laneKeys } from './lane-keys.ts';
import { readState } from './lane-reader.ts';
import { readLane } from './lane-state.ts';
import { applyChanges } from './lane-writer.ts';
import type { InsightMetrics } from './metrics.ts';

/** A batch of summaries into the numbers of its partition. */

/** A summary as it was published. */
export interface Revision {
  row: SummaryRow;
  at: number;
  was: Seen['was'];
}

/** The summaries of a batch, in their order. A row that is no summary can be counted by nobody. */
export function readRevisions(entries: readonly StreamEntry[]): {
  revisions: Revision[];
  refused: RefusedRow[];
} {
  const revisions: Revision[] = [];
  const refused: RefusedRow[] = [];
  let index = 0;
  for (const entry of entries) {
    const at = millisOfId(entry.id);
    entry.body
      .toString()
      .trimEnd()
      .split('\n')
      .forEach((line, place) => {
        const { row, reason = 'has no transaction_id, version and created_at' } = rowFromLine(
          'summary',
          line,
        );
        if (isSummary(row)) revisions.push({ row, at, was: statusBefore(entry, place) });
        else refused.push({ index, reason });
        index += 1;
      });
  }
  return { revisions, refused };
}

function isSummary(row: SummaryRow | undefined): row is SummaryRow {
  return (
    typeof row?.transaction_id === 'string' &&
    typeof row.version === 'number' &&
    typeof row.created_at === 'string'
  );
}

/** False if somebody has changed the partition meanwhile: what was computed is of no use. */
export async function countBatch(
  { redis, keys, partitions }: RedisSinkDeps,
  metrics: InsightMetrics,
  definitions: Definitions,
  batch: SinkBatch,
  revisions: readonly Revision[],
): Promise<boolean> {
  const { partition, fence, token } = batch;
  const generations = definitions.current();
  const lane = await readLane(redis, keys, batch, generations, partitions);
  if (lane === undefined) {
    // Numbers by another definition would be missing in the one that is in force.
    await refuseReplaced(definitions);
    await definitions.record();
    return false;
  }
  if (lane.token === token) return true;
  const counted = await Promise.all(
    generations.map(async (generation) => {
      const { definition } = generation;
      const seen = revisions.map(({ row, at, was }) => {
        const revision = { created: millisOf(row.created_at ?? ''), version: row.version ?? 0 };
        return seenBy(definition, row, revision, at, was);
      });
      const lane = laneKeys(keys, partition, generation);
      const state = await readState(redis, lane, definition, seen);
      const before = lossesIn(state.losses);
      for (const one of seen) countRevision(definition, state, one);
      return { keys: lane, state, definition, seen, before };
    }),
  );
  const answer = await applyChanges(
    redis,
    {
      laneKey: keys.insightLane(partition),
      fence,
      token,
      version: lane.version,
      counted: millisOfId(batch.entries.at(-1)?.id ?? '0-0'),
    },
    counted,
  );
  if (answer !== 'ok') return answer === 'done';
  for (const { definition, state, seen, before } of counted) {
    const labels = { insight: definition.name };
    const after = lossesIn(state.losses);
    metrics.late.inc(labels, after.late - before.late);
    metrics.leftOut.inc(labels, after.leftOut - before.leftOut);
    metrics.unusable.inc(
      labels,
      seen.reduce((sum, one) => sum + unusableIn(one), 0),
    );
  }
  return true;
}

function lossesIn(losses: ReadonlyMap<number, { late: number; leftOut: number }>) {
  const all = [...losses.values()];
  return {
    late: all.reduce((sum, { late }) => sum + late, 0),
    leftOut: all.reduce((sum, { leftOut }) => sum + leftOut, 0),
  };
}

function unusableIn({ outcome }: Seen): number {
  if (outcome.kind !== 'counts') return 0;
  return outcome.contribution.values.filter((value) => value === UNUSABLE).length;
}
