import { createFlowFinder } from '../../common/flow.ts';
import type { FlowsConfig } from '../../common/flow.ts';
import type { MergeLog } from '../../common/merge.ts';
import { logToLine, mergeLogsOf } from '../../common/log-row.ts';
import type { Summary } from '../../common/summary.ts';
import type { TrackingLog } from '../../common/tracking-log.ts';
import { retentionOf, retentionSetting } from '../../processor/retention.ts';
import type { Retention } from '../../processor/retention.ts';
import { applyDeadline, applyLogs } from '../../processor/transaction-record.ts';
import type { Change, FindFlow } from '../../processor/transaction-record.ts';

/** What the processor makes of logs that arrive one by one: its own code, without its Redis. */

export interface Arrival {
  log: MergeLog;
  /** ms since 1970, never before that of the arrival before it. */
  at: number;
}

/** What of a config decides what becomes of a transaction. */
export interface Rules {
  findFlow: FindFlow;
  retention: Retention;
}

export function rulesOf(config: FlowsConfig & { processor: Retention }): Rules {
  return { findFlow: createFlowFinder(config), retention: config.processor };
}

/** A log as the processor gets it: what an entry tells of it. */
export function asProcessed(log: TrackingLog): MergeLog {
  const [read] = mergeLogsOf(Buffer.from(`${logToLine(log)}\n`), 1);
  if (read === undefined) throw new TypeError('a row of one log has none');
  return read;
}

/** That Redis had forgotten the transaction when it was needed again. */
export interface Forgotten {
  /** When it was needed, ms since 1970. */
  neededAt: number;
  setting: keyof Retention;
  /** What the setting says, ms. */
  retention: number;
}

export type Played = { summary: Summary; forgotten?: never } | { summary?: never; forgotten: Forgotten };

/**
 * The summary as it stands at `until`, ms since 1970. Deadlines that fall between two arrivals pass there, those of an arrival's own moment
 * before it. Throws a TypeError if nothing has arrived by then.
 */
export function play(arrivals: readonly Arrival[], until: number, rules: Rules): Played {
  const { findFlow } = rules;
  let now: Change | undefined;
  let forgotten: Forgotten | undefined;
  for (const { log, at } of arrivals) {
    if (at > until || forgotten !== undefined) break;
    [now, forgotten] = passDeadline(now, at, rules);
    forgotten ??= forgottenBy(now, at, rules);
    now = arrive(now, { log, at }, findFlow);
  }
  if (forgotten === undefined) [now, forgotten] = passDeadline(now, until, rules);
  if (forgotten !== undefined) return { forgotten };
  if (now === undefined) throw new TypeError('a transaction without a log was played');
  return { summary: now.summary };
}

/** The transaction with the log in it; as it was if the log is known. The state of `known` itself is changed. */
export function arrive(
  known: Change | undefined,
  { log, at }: Arrival,
  findFlow: FindFlow,
): Change | undefined {
  return applyLogs(known?.record, { logs: [log], at: [at] }, findFlow) ?? known;
}

/** What is timed out waits for nothing: until its next log there is one deadline at most. */
function passDeadline(
  change: Change | undefined,
  until: number,
  rules: Rules,
): [Change | undefined, Forgotten | undefined] {
  const due = change?.record.deadline_at;
  if (change === undefined || due === undefined || due > until) return [change, undefined];
  return [applyDeadline(change.record, rules.findFlow, due) ?? change, forgottenBy(change, due, rules)];
}

/** Redis forgets a transaction some time after its last change. */
function forgottenBy(change: Change | undefined, at: number, { retention }: Rules): Forgotten | undefined {
  if (change === undefined) return undefined;
  const { record, evaluation } = change;
  const kept = retentionOf(evaluation, record.kept.updated_at, retention);
  if (at < record.kept.updated_at + kept) return undefined;
  return { neededAt: at, setting: retentionSetting(evaluation.status), retention: kept };
}
