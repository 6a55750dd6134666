/** A batch's rows as its lines, bytes untouched: the index of a row is the number of its line. */
export interface Lines {
  readonly count: number;
  /** The lines from one to before another, each with its newline. Shares the memory of the whole. */
  slice(from: number, to: number): Buffer;
}

const NEWLINE = 0x0a;

/** @param chunks NDJSON, each whole lines; only the very last newline may be missing. */
export function linesOf(chunks: readonly Buffer[]): Lines {
  const [only] = chunks;
  const bytes = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
  const starts: number[] = [];
  for (let at = 0; at < bytes.length;) {
    starts.push(at);
    const newline = bytes.indexOf(NEWLINE, at);
    at = newline === -1 ? bytes.length : newline + 1;
  }
  const startOf = (line: number) => starts[line] ?? bytes.length;
  return { count: starts.length, slice: (from, to) => bytes.subarray(startOf(from), startOf(to)) };
}
