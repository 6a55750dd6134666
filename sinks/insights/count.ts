import type { TransactionStatus } from '../../common/evaluate.ts';
import type { SummaryRow } from '../../common/summary-row.ts';
import { groupText, OTHERS, outcomeOf } from './contribution.ts';
import type { Contribution, Outcome, Value } from './contribution.ts';
import type { Definition } from './definition.ts';
import { isOlder } from './member.ts';
import type { Member, Revision } from './member.ts';
import { withValues } from './partial.ts';
import {
  addLoss,
  countValue,
  keptValues,
  partialOf,
  setFirstSeen,
  setMember,
  setPartial,
} from './partition-state.ts';
import type { PartitionState } from './partition-state.ts';

/** A revision of a transaction as an insight sees it. */
export interface Seen extends Revision {
  id: string;
  row: SummaryRow;
  outcome: Outcome;
  /** When it was published, ms since 1970 by Redis' clock. */
  at: number;
  /** The status of the revision before, if that is known. */
  was: TransactionStatus | '' | undefined;
}

export function seenBy(
  definition: Definition,
  row: SummaryRow,
  revision: Revision,
  at: number,
  was: Seen['was'],
): Seen {
  return { ...revision, id: row.transaction_id ?? '', row, outcome: outcomeOf(definition, row), at, was };
}

/**
 * A transaction counts once, by its newest revision: what it added before is taken out, and what it adds now is put in. So the result depends
 * on the newest revisions alone, however often and in whatever order they come.
 *
 * What belongs to a closed window is counted as late and changes no number.
 */
export function countRevision(definition: Definition, state: PartitionState, seen: Seen): void {
  const old = state.members.get(seen.id);
  if (old !== undefined && isOlder(seen, old)) return;
  const { outcome } = seen;
  if (outcome.kind === 'counts') {
    const { window } = outcome.contribution;
    if (isClosed(definition, state, window, seen.at)) beLate(definition, state, seen, old, window);
    else if (old === undefined && state.membersCount >= definition.bounds.transactions)
      leaveOut(state, seen, window);
    else putIn(definition, state, seen, outcome.contribution, old?.contribution);
  } else if (old === undefined) {
    if (outcome.kind === 'passes') passFirst(definition, state, seen, outcome.window);
  } else {
    if (old.contribution !== undefined) leave(definition, state, old.contribution);
    rememberPassed(definition, state, seen, old.contribution?.window);
  }
}

/** Its window is one all the same, which will be closed. */
function leaveOut(state: PartitionState, { at }: Seen, window: number): void {
  addLoss(state, window, 'leftOut');
  setFirstSeen(state, window, at);
}

/** It belongs to a closed window now, and leaves the one in which it was if that is open. */
function beLate(
  definition: Definition,
  state: PartitionState,
  seen: Seen,
  old: Member | undefined,
  window: number,
): void {
  addLoss(state, window, 'late');
  if (old === undefined) return;
  const before = old.contribution;
  if (before !== undefined && !state.closed.has(before.window)) takeOut(definition, state, before);
  rememberPassed(definition, state, seen, window);
}

function putIn(
  definition: Definition,
  state: PartitionState,
  { id, created, version, at }: Seen,
  contribution: Contribution,
  before: Contribution | undefined,
): void {
  let counted = before;
  if (before === undefined || !isSame(before, contribution)) {
    if (before !== undefined) leave(definition, state, before);
    counted = add(definition, state, contribution);
    setFirstSeen(state, contribution.window, at);
  }
  setMember(state, id, { created, version, until: 0, contribution: counted });
}

/** Returns what was added, which is less where there was no room. */
function add(definition: Definition, state: PartitionState, contribution: Contribution): Contribution {
  const { window } = contribution;
  const group = roomFor(definition, state, contribution);
  const values = contribution.values.map((value, input) => {
    if (typeof value !== 'string' || definition.inputs[input]?.values !== true) return value;
    const kept = keptValues(state, window, input, group);
    if ((kept.counts.get(value) ?? 0) === 0 && kept.size >= definition.bounds.values) return [value] as const;
    countValue(state, kept, value, 1);
    return value;
  });
  const partial = partialOf(state, definition, window, group);
  setPartial(state, window, group, withValues(partial, definition.inputs, values, 1));
  return { window, group, values };
}

function roomFor(definition: Definition, state: PartitionState, { window, group }: Contribution): string {
  if (state.partials.get(window)?.get(group) !== undefined) return group;
  return (state.groupCounts.get(window) ?? 0) < definition.bounds.groups ? group : othersOf(definition);
}

export function othersOf({ groups }: Definition): string {
  return groupText(groups.map(() => OTHERS));
}

/** A closed window stays as it is. */
function leave(definition: Definition, state: PartitionState, before: Contribution): void {
  if (state.closed.has(before.window)) addLoss(state, before.window, 'late');
  else takeOut(definition, state, before);
}

function takeOut(
  definition: Definition,
  state: PartitionState,
  { window, group, values }: Contribution,
): void {
  values.forEach((value, input) => {
    if (typeof value !== 'string' || definition.inputs[input]?.values !== true) return;
    countValue(state, keptValues(state, window, input, group), value, -1);
  });
  const partial = partialOf(state, definition, window, group);
  setPartial(state, window, group, withValues(partial, definition.inputs, values, -1));
}

/** Of a transaction that was never counted here only as much is remembered as keeps an older revision from being counted later. */
function passFirst(
  definition: Definition,
  state: PartitionState,
  seen: Seen,
  window: number | undefined,
): void {
  if (window !== undefined && isClosed(definition, state, window, seen.at)) {
    // It may have been counted, and left: whether it was is forgotten, but not whether its status was one that counts.
    if (countedBefore(definition, seen)) addLoss(state, window, 'late');
    return;
  }
  if (state.membersCount < definition.bounds.transactions) rememberPassed(definition, state, seen, window);
}

function countedBefore(definition: Definition, { was, row, outcome }: Seen): boolean {
  if (was === undefined || was === '' || outcome.kind !== 'passes') return false;
  return outcomeOf(definition, { ...row, status: was }).kind === 'counts';
}

function rememberPassed(
  { windows, windowMs, latenessMs }: Definition,
  state: PartitionState,
  { id, created, version, at }: Seen,
  window: number | undefined,
): void {
  const end = window === undefined ? at + windowMs : Math.max(at, windows(window).end);
  const member: Member = { created, version, until: end + latenessMs, contribution: undefined };
  setMember(state, id, member);
}

/** Closed, or so long past that it is not known any more whether it was. */
function isClosed(
  { windows, historyMs }: Definition,
  state: PartitionState,
  window: number,
  at: number,
): boolean {
  return state.closed.has(window) || windows(window).end <= at - historyMs;
}

/** Whether nothing would change. A group that was counted among others may have found room meanwhile. */
function isSame(a: Contribution, b: Contribution): boolean {
  return (
    a.window === b.window &&
    a.group === b.group &&
    a.values.every((value, index) => plain(value) === plain(b.values[index] ?? null))
  );
}

function plain(value: Value): string | number | null {
  return value === null || typeof value !== 'object' ? value : value[0];
}
