import { table } from '../table.ts';
import type { LetterCount, LogCount } from './counts.ts';

export interface Differing {
  sink: string;
  transaction_id: string;
  differs: string;
}

export interface Report {
  /** UTC days of collection that were counted. */
  days: string[];
  logs: LogCount[];
  dead_letters: LetterCount[];
  transactions: {
    /** How many were compared with each sink that can be asked. */
    compared: number;
    differing: Differing[];
    /** More differ than are named. */
    more: boolean;
  };
  /** Sinks whose stores were not asked, and why. */
  not_asked: { sink: string; reason: string }[];
  /** Whether everything adds up. */
  conserved: boolean;
}

/** So many transactions are named in words; `--json` names them all. */
const NAMED_MAX = 20;

export function formatReport(report: Report): string {
  const { days, logs, dead_letters: letters, transactions, not_asked: notAsked } = report;
  const lines = [
    `Collected on ${days.join(', ')} (UTC). Accepted = taken + in flight; stored = taken - refused - came again.`,
    '',
  ];
  lines.push(
    logs.length === 0
      ? 'No logs were collected.'
      : table(
          [
            'sink',
            'input',
            'interface',
            'accepted',
            'came again',
            'refused',
            'in flight',
            'taken',
            'stored',
            '',
          ],
          logs.map((c) => [
            c.sink,
            c.input,
            c.interface_id === '' ? '(none)' : c.interface_id,
            ...[c.accepted, c.repeated, c.refused, c.in_flight, c.taken].map(grouped),
            c.stored === undefined ? 'not asked' : grouped(c.stored.logs),
            verdictOn(c.wrong, c.stored === undefined),
          ]),
        ),
  );
  if (letters.length > 0) {
    lines.push(
      '',
      table(
        ['sink', 'input', 'dead letters', 'in flight', 'taken', ''],
        letters.map((c) => [
          c.sink,
          c.input,
          ...[c.kept, c.in_flight, c.taken].map(grouped),
          verdictOn(c.wrong),
        ]),
      ),
    );
  }
  lines.push('', ...inWords(transactions));
  for (const { sink, reason } of notAsked)
    lines.push(`Sink ${sink} was not asked: ${reason.replace(/\.+$/, '')}.`);
  lines.push('', report.conserved ? 'Everything adds up.' : 'Not everything adds up.');
  return lines.join('\n');
}

/** What a store was not asked of may be lost there all the same. */
function verdictOn(wrong: readonly string[], isUnasked = false): string {
  if (wrong.length > 0) return wrong.join('; ');
  return isUnasked ? 'not compared' : 'ok';
}

function inWords({ compared, differing, more }: Report['transactions']): string[] {
  const lines = [`${grouped(compared)} transactions that Redis remembers were compared with the stores.`];
  if (differing.length === 0) return lines;
  lines.push(
    `${more ? 'At least ' : ''}${grouped(differing.length)} differ:`,
    table(
      ['sink', 'transaction', 'differs'],
      differing.slice(0, NAMED_MAX).map((one) => [one.sink, one.transaction_id, one.differs]),
    ),
  );
  if (differing.length > NAMED_MAX)
    lines.push(`… and ${grouped(differing.length - NAMED_MAX)} more; --json names them`);
  return lines;
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
