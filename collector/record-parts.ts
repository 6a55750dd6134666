import type { FieldIssue, TrackingLog } from '../common/tracking-log.ts';
import type { Outcome } from './outcome.ts';

/**
 * What becomes of one record, part by part. A part is one log that should come of it: a record may be decoded to several objects, of each of
 * which a mapping may make several logs. However many of them are refused, they are one dead letter, since a dead letter has the whole record:
 * one for each would be the square of what came in (docs/decisions/031-letters-of-many-parts.md).
 */

/** Which object of the record, and which of the logs that the mapping makes of it. Both are the same every time. */
export interface Part {
  object: number;
  log: number;
}

/** The record's own id for its first part; the others have ids of their own. */
export function idOfPart(recordId: string, { object, log }: Part): string {
  if (log > 0) return `${recordId}#${object}.${log}`;
  return object > 0 ? `${recordId}#${object}` : recordId;
}

/** Why a part became no log. */
export interface Refusal {
  stage: 'map' | 'validate';
  reason: string;
  issues: readonly FieldIssue[];
}

/** All refused parts of a record, as its dead letter tells them. */
export interface Refused extends Refusal {
  /** The first of them. */
  part: Part;
  count: number;
  /** Parts that did become logs, as a text (`partsIn` reads it); empty if there are none. */
  taken: string;
}

/** So many reasons are told word by word; they may be as many as the parts. */
const REASONS_MAX = 10;
const ISSUES_MAX = 100;

export class RecordParts {
  readonly #outcomes: Outcome[] = [];
  readonly #taken: Part[] = [];
  #skipped = 0;
  #first: { part: Part; refusal: Refusal; place: number } | undefined;
  #refused = 0;
  /** Reason → how many parts were refused for it. */
  readonly #reasons = new Map<string, number>();
  #issues: FieldIssue[] = [];

  take(part: Part, log: TrackingLog): void {
    this.#outcomes.push({ kind: 'log', log });
    this.#taken.push(part);
  }

  skip(): void {
    this.#outcomes.push({ kind: 'skip' });
    this.#skipped += 1;
  }

  refuse(part: Part, refusal: Refusal): void {
    this.#refused += 1;
    this.#first ??= { part, refusal, place: this.#outcomes.length };
    const known = this.#reasons.get(refusal.reason);
    if (known !== undefined || this.#reasons.size < REASONS_MAX)
      this.#reasons.set(refusal.reason, (known ?? 0) + 1);
    if (this.#issues.length === 0) this.#issues = [...refusal.issues];
    else if (this.#issues.length < ISSUES_MAX)
      this.#issues = [...this.#issues, ...refusal.issues.slice(0, ISSUES_MAX - this.#issues.length)];
  }

  /** In the order of the parts. @param letterOf makes the dead letter, if there must be one. */
  outcomes(letterOf: (refused: Refused) => Outcome): Outcome[] {
    if (this.#first === undefined) return this.#outcomes;
    const { part, refusal, place } = this.#first;
    const letter = letterOf({
      stage: refusal.stage,
      reason: this.#reason(),
      issues: this.#issues,
      part,
      count: this.#refused,
      taken: textOfParts(this.#taken),
    });
    this.#outcomes.splice(place, 0, letter);
    return this.#outcomes;
  }

  #reason(): string {
    const told = [...this.#reasons];
    if (this.#refused === 1) return told[0]?.[0] ?? '';
    const all = this.#refused + this.#taken.length + this.#skipped;
    const others = told.reduce((left, [, count]) => left - count, this.#refused);
    const words = told.map(([reason, count]) => `${reason} (${count} of them)`);
    if (others > 0) words.push(`other reasons (${others} of them)`);
    return `${this.#refused} of ${all} parts of the record were refused: ${words.join('; ')}`;
  }
}

/** `0-3,5,6,6.1`: objects, runs of them, and after a dot the further logs of one. */
function textOfParts(parts: readonly Part[]): string {
  const runs: { from: number; to: number; log: number }[] = [];
  for (const { object, log } of parts) {
    const last = runs.at(-1);
    if (last?.log === 0 && log === 0 && object === last.to + 1) last.to = object;
    else runs.push({ from: object, to: object, log });
  }
  return runs
    .map(({ from, to, log }) => (log > 0 ? `${from}.${log}` : from === to ? String(from) : `${from}-${to}`))
    .join(',');
}

/** Whether a part is among those that a text names. */
export function partsIn(text: string): (part: Part) => boolean {
  const names = new Set<string>();
  for (const run of text.split(',')) {
    const [from = '', to] = run.split('-');
    if (to === undefined) names.add(from);
    else for (let object = Number(from); object <= Number(to); object += 1) names.add(String(object));
  }
  return ({ object, log }) => names.has(log > 0 ? `${object}.${log}` : String(object));
}
