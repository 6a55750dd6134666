import { markdownTable, whole } from './report.ts';
import type { Cost } from './sizing.ts';
import { SIZES, STEPS } from './sizing-load.ts';
import type { Fate, Size } from './sizing-load.ts';

/** The tables of docs/sizing.md: what was measured, and what follows from it by the formulae that stand there. */

const RATES = [100, 500, 1_000, 5_000, 10_000, 20_000];
const RETENTIONS = { '1 h': 3_600, '6 h': 21_600, '24 h': 86_400 };
const OPEN_RETENTION_SECONDS = 30 * 86_400;
/** Of the load that the tables speak of. */
const SHARE_NOT_COMPLETED = 0.01;
const REVISIONS_A_TRANSACTION = 2;
const MINUTES_BEHIND = 10;

export function sizingTables(costs: readonly Cost[]): string {
  const find = (size: Size, fate: Fate): Cost => {
    const cost = costs.find((c) => c.size === size && c.fate === fate);
    if (cost === undefined) throw new TypeError(`no cost of ${size}, ${fate}`);
    return cost;
  };
  const measured = SIZES.map((size) => {
    const { linePerLog, streamPerLog, summaryPerRevision } = find(size, 'completed');
    return [
      size,
      whole(linePerLog),
      whole(streamPerLog),
      whole(summaryPerRevision),
      whole(find(size, 'open').perTransaction),
      whole(find(size, 'completed').perTransaction),
      whole(find(size, 'failed').perTransaction),
    ];
  });
  const titles = [
    'fields',
    'JSON line',
    'a log (L)',
    'a revision (S)',
    'open (O)',
    'completed (C)',
    'failed (F)',
  ];
  return [
    'Bytes of Redis memory',
    markdownTable(titles, measured),
    'Redis memory by rate and retention, typical fields',
    memoryTable(find('typical', 'completed'), find('typical', 'failed')),
  ].join('\n\n');
}

function memoryTable(completed: Cost, failed: Cost): string {
  const titles = [
    'logs/s',
    'transactions/s',
    ...Object.keys(RETENTIONS).map((name) => `completed, ${name}`),
    `each ${SHARE_NOT_COMPLETED * 100}% not completed, 30 d`,
    `streams, sinks ${MINUTES_BEHIND} min behind`,
  ];
  const rows = RATES.map((logs) => {
    const transactions = logs / STEPS.length;
    const kept = Object.values(RETENTIONS).map(
      (seconds) => transactions * seconds * completed.perTransaction,
    );
    const others = transactions * SHARE_NOT_COMPLETED * OPEN_RETENTION_SECONDS * failed.perTransaction;
    const streams =
      MINUTES_BEHIND *
      60 *
      (logs * completed.streamPerLog + transactions * REVISIONS_A_TRANSACTION * completed.summaryPerRevision);
    return [whole(logs), whole(transactions), ...[...kept, others, streams].map(gibibytes)];
  });
  return markdownTable(titles, rows);
}

function gibibytes(bytes: number): string {
  const value = bytes / 1024 ** 3;
  return `${value < 10 ? value.toFixed(1) : whole(value)} GiB`;
}
