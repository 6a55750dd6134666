/** What a part of the bench hands back: its figures run by run, and the tables that go into docs/. */
export interface Report {
  figures: unknown;
  /** Markdown. */
  text: string;
  /** Why `--check` is to end with an error. */
  tooSlow?: string;
}

export interface BenchOptions {
  transactions: number;
  repeats: number;
  /** A short run without a warm-up, to see that the bench works and roughly where things are. */
  quick: boolean;
  /** Seconds that the whole way is kept busy for, if it is. */
  sustained?: number;
  /** Logs a second of the parts with a steady load, and for how many seconds it is looked at. */
  rate: number;
  seconds: number;
  /** Open transactions of the small case of the part `growth`; the largest has ten times as many. */
  open: number;
}

/** A table in Markdown whose columns line up, so that it reads well in a terminal, too. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, column) =>
    Math.max(title.length, 3, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(titles), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

/** Of values in ascending order: the smallest that a share of all does not exceed. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** Whole, with commas. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Other programs are never quite silent. */
const OTHER_CORES_MAX = 0.1;

/** Says so when a figure was taken beside others that were busy: then it is worth little. */
export function warnOfOthers(cores: number): void {
  if (cores > OTHER_CORES_MAX)
    progress(`  other programs used ${cores.toFixed(1)} cores meanwhile: take it again`);
}
