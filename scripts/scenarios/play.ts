import type { MergeLog } from '../../common/merge.ts';
import { decodeHeader, headerOf } from '../../common/stream-entry.ts';
import type { Summary } from '../../common/summary.ts';
import type { TrackingLog } from '../../common/tracking-log.ts';
import { applyDeadline, applyLogs } from '../../processor/transaction-record.ts';
import type { Change, FindFlow } from '../../processor/transaction-record.ts';

/** What the processor makes of logs that arrive one by one: its own code, without its Redis. */

export interface Arrival {
  log: MergeLog;
  /** ms since 1970, never before that of the arrival before it. */
  at: number;
}

/** A log as the processor gets it: what an entry's header tells of it. */
export function asProcessed(log: TrackingLog): MergeLog {
  const [read] = decodeHeader(Buffer.from(JSON.stringify([headerOf(log)])));
  if (read === undefined) throw new TypeError('a header of one log has none');
  return read;
}

/**
 * The summary as it stands at `until`, ms since 1970. Deadlines that fall between two arrivals pass there, those of an arrival's own moment
 * before it. Undefined if nothing has arrived by then.
 */
export function play(arrivals: readonly Arrival[], until: number, findFlow: FindFlow): Summary | undefined {
  let now: Change | undefined;
  for (const { log, at } of arrivals) {
    if (at > until) break;
    now = pass(now, at, findFlow);
    now = applyLogs(now?.record, { logs: [log], firstAt: at, lastAt: at }, findFlow) ?? now;
  }
  return pass(now, until, findFlow)?.summary;
}

/** A transaction that is timed out waits for nothing: until its next log there is one deadline at most. */
function pass(change: Change | undefined, until: number, findFlow: FindFlow): Change | undefined {
  const due = change?.record.deadline_at;
  if (change === undefined || due === undefined || due > until) return change;
  return applyDeadline(change.record, findFlow, due) ?? change;
}
