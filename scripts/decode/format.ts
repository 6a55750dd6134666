import type { Fields, Outcome } from '../../collector/outcome.ts';
import { textOfRow } from '../../collector/row-room.ts';
import { rowFromLine } from '../../common/wire-row.ts';
import { oneLine } from '../table.ts';
import type { Tried } from './trial.ts';

/** What became of a sample, as a person reads it. */

const VALUE_WIDTH = 100;
const RAW_WIDTH = 200;

/** @param number the record's, from 1. @param raw the record as a text. */
export function formatTried({ bytes, start, fields, outcomes }: Tried, number: number, raw: string): string {
  const parts = [
    `record ${number}  (${bytes.length} bytes at ${start})`,
    `  ${cut(raw, RAW_WIDTH)}`,
    ...fields.flatMap((each, index) => [
      fields.length === 1 ? '  fields' : `  fields, part ${index + 1} of ${fields.length}`,
      ...listed(each),
    ]),
    ...outcomes.flatMap(outcomeLines),
  ];
  return `${parts.join('\n')}\n\n`;
}

function outcomeLines(outcome: Outcome): string[] {
  if (outcome.kind === 'skip')
    return ['  skipped: it carries no data (as a header does), or is filtered out'];
  if (outcome.kind === 'dead_letter') {
    const { stage, reason } = outcome.dead_letter;
    return [`  dead letter of stage ${stage}: ${oneLine(reason)}`];
  }
  return ['  log', ...listed(logOf(outcome))];
}

/** The standard log of an outcome that is one. */
export function logOf(outcome: Extract<Outcome, { kind: 'log' | 'row' }>): Fields {
  return outcome.kind === 'log' ? outcome.log : (rowFromLine('log', textOfRow(outcome.row)).row ?? {});
}

function listed(fields: Fields): string[] {
  const rows = Object.entries(fields).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  );
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(
    ([name, value]) => `    ${oneLine(name).padEnd(width)}  ${cut(asText(value), VALUE_WIDTH)}`,
  );
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return '(nested too deep to be shown)';
    throw error;
  }
}

function cut(text: string, width: number): string {
  const line = oneLine(text.slice(0, width + 1));
  return text.length > width ? `${line.slice(0, width)}… (${text.length} characters)` : line;
}

/** How many records there were, and what became of them. */
export class Counts {
  records = 0;
  logs = 0;
  skipped = 0;
  readonly letters = new Map<string, number>();

  add({ outcomes }: Tried): void {
    this.records += 1;
    for (const outcome of outcomes) {
      if (outcome.kind === 'skip') this.skipped += 1;
      else if (outcome.kind !== 'dead_letter') this.logs += 1;
      else {
        const { stage } = outcome.dead_letter;
        this.letters.set(stage, (this.letters.get(stage) ?? 0) + 1);
      }
    }
  }

  get deadLetters(): number {
    return [...this.letters.values()].reduce((sum, count) => sum + count, 0);
  }

  inWords(): string {
    const stages = [...this.letters].map(([stage, count]) => `${stage} ${count}`);
    return [
      counted(this.records, 'record'),
      counted(this.logs, 'log'),
      `${this.skipped} skipped`,
      `${counted(this.deadLetters, 'dead letter')}${stages.length === 0 ? '' : ` (${stages.join(', ')})`}`,
    ].join(', ');
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
