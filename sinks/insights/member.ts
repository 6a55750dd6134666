import type { Contribution, Value } from './contribution.ts';

/**
 * What is remembered of a transaction while its window is open: which revision was the newest, and what it added, so that a newer one can take it out
 * again. On Redis a JSON list: created, version, window, until, group, values.
 */
export interface Member extends Revision {
  /** Undefined if its newest revision does not count; it is remembered lest an older one that comes again does. */
  contribution: Contribution | undefined;
  /** Until when such a one is remembered, in ms since 1970 by the stream's time; 0 with a contribution, which stays until its window is closed. */
  until: number;
}

export interface Revision {
  /** ms since 1970: when the transaction was first heard of. */
  created: number;
  version: number;
}

/** Of two revisions, the one of the transaction that was begun first knows more (common/summary.ts); of the same, the greater version does. */
export function isOlder(revision: Revision, than: Revision): boolean {
  return revision.created === than.created
    ? revision.version < than.version
    : revision.created > than.created;
}

export function encodeMember({ created, version, until, contribution }: Member): string {
  const { window = 0, group = null, values = [] } = contribution ?? {};
  return JSON.stringify([created, version, window, until, group, ...values]);
}

export function decodeMember(json: string): Member {
  const [created, version, window, until, group, ...values] = JSON.parse(json) as [
    number,
    number,
    number,
    number,
    string | null,
    ...Value[],
  ];
  return { created, version, until, contribution: group === null ? undefined : { window, group, values } };
}
