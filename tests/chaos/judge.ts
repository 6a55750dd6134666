import { isDeepStrictEqual } from 'node:util';
import { timestampFromMillis } from '../../common/timestamp.ts';
import type { Summary } from '../../common/summary.ts';
import type { TransactionRecord } from '../../processor/transaction-record.ts';
import { COLLECTION_FIELDS } from './expected.ts';
import type { Expected } from './expected.ts';

/** What a deployment made of the logs, as Redis holds it. */
export interface Found {
  /** Every revision in the order it was published. */
  revisions: readonly Summary[];
  /** Transaction id → what Redis keeps of it. */
  records: ReadonlyMap<string, TransactionRecord>;
  /** Transactions whose deadline is watched. */
  watched: ReadonlySet<string>;
}

/** What is not as it must be, one sentence each, which names the transaction and the field. Empty if all is well. */
export function judge(expected: ReadonlyMap<string, Expected>, found: Found): string[] {
  const differences: string[] = [];
  const byTransaction = groupByTransaction(found.revisions);
  for (const [id, wanted] of expected) {
    const say = (what: string) => differences.push(`${id}: ${what}`);
    const revisions = byTransaction.get(id) ?? [];
    const newest = revisions.reduce<Summary | undefined>(
      (a, b) => (a !== undefined && a.version >= b.version ? a : b),
      undefined,
    );
    if (newest === undefined) {
      say('was never published');
      continue;
    }
    compareFields(newest, wanted, say);
    checkVersions(revisions, say);
    checkHistory(revisions, wanted, say);
    checkKept(newest, wanted, found, say);
  }
  for (const id of byTransaction.keys()) {
    if (!expected.has(id)) differences.push(`${id}: was published, but no log of it was sent`);
  }
  return differences;
}

function groupByTransaction(revisions: readonly Summary[]): Map<string, Summary[]> {
  const byTransaction = new Map<string, Summary[]>();
  for (const revision of revisions) {
    const known = byTransaction.get(revision.transaction_id);
    if (known === undefined) byTransaction.set(revision.transaction_id, [revision]);
    else known.push(revision);
  }
  return byTransaction;
}

type Say = (what: string) => void;

function compareFields(newest: Summary, { summary }: Expected, say: Say): void {
  for (const field of Object.keys(summary) as (keyof Summary)[]) {
    if ((COLLECTION_FIELDS as readonly string[]).includes(field)) continue;
    const wanted = (summary as Summary)[field];
    if (isDeepStrictEqual(newest[field], wanted)) continue;
    say(`${field} is ${JSON.stringify(newest[field])} where its logs say ${JSON.stringify(wanted)}`);
  }
}

/** Exactly once in effect: 1, 2, …, k, each once and in this order. */
function checkVersions(revisions: readonly Summary[], say: Say): void {
  const versions = revisions.map(({ version }) => version);
  if (versions.every((version, index) => version === index + 1)) return;
  say(`version: published were ${versions.join(', ')} where 1 to ${versions.length} had to be, each once`);
}

/** What holds of the fields that depend on when logs were collected. */
function checkHistory(revisions: readonly Summary[], { flow }: Expected, say: Say): void {
  const [first] = revisions;
  let before: Summary | undefined;
  for (const revision of revisions) {
    const told = `of version ${revision.version} is ${revision.updated_at}`;
    if (revision.created_at !== first?.created_at) say('created_at: changed from one version to another');
    if (revision.updated_at < revision.created_at) say(`updated_at: ${told}, before ${revision.created_at}`);
    if (before !== undefined && revision.updated_at < before.updated_at) {
      say(`updated_at: ${told}, that of the version before ${before.updated_at}`);
    }
    if (before?.late === true && !revision.late) say(`late: version ${revision.version} forgot it`);
    checkDeadline(revision, deadlineOf(revision, flow.deadline), before?.late ?? false, say);
    before = revision;
  }
}

function deadlineOf({ created_at }: Summary, deadline: number | undefined): string | null {
  return deadline === undefined ? null : timestampFromMillis(Date.parse(created_at) + deadline);
}

/** Times are texts that compare as times do. */
function checkDeadline(revision: Summary, deadline: string | null, wasLate: boolean, say: Say): void {
  const { version, status, late, updated_at } = revision;
  const isOpen = status === 'in_progress' || status === 'timed_out';
  if (revision.deadline_at !== (isOpen ? deadline : null)) {
    say(`deadline_at: of version ${version} is ${revision.deadline_at} where ${deadline} is due`);
  }
  const hasPassed = deadline !== null && updated_at >= deadline;
  if (late && !wasLate && !hasPassed) say(`late: version ${version} of ${updated_at} is, before ${deadline}`);
  if (status === 'timed_out' && !late) say(`late: version ${version} timed out and is not`);
  if (status === 'in_progress' && hasPassed) {
    say(`status: version ${version} of ${updated_at} is in progress after ${deadline}`);
  }
}

function checkKept(newest: Summary, wanted: Expected, { records, watched }: Found, say: Say): void {
  const record = records.get(newest.transaction_id);
  if (record === undefined) return say('Redis keeps nothing of it');
  if (record.kept.version !== newest.version) {
    say(`version: Redis keeps ${record.kept.version}, published was ${newest.version}`);
  }
  if (!isDeepStrictEqual(record.state, wanted.state)) say('Redis keeps another state than its logs give');
  const isWatched = watched.has(newest.transaction_id);
  if (isWatched !== (newest.status === 'in_progress')) {
    say(`its deadline is ${isWatched ? '' : 'not '}watched while it is ${newest.status}`);
  }
}
