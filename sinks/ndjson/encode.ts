import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { RetriableError } from '../../common/errors.ts';
import { checkRow } from '../check-row.ts';
import { linesOf } from '../lines.ts';
import { ROWS_REFUSED_MAX } from '../halving.ts';
import type { RefusedRow, SinkBatch } from '../sink.ts';

const compress = promisify(gzip);

/** Of 9; beyond it, time grows faster than files shrink. */
const LEVEL = 6;
const NEWLINE = Buffer.from('\n');

export interface EncodedBatch {
  /** What is appended to the file: whole lines, or a gzip member of them. Empty if every row was refused. */
  bytes: Buffer;
  refused: RefusedRow[];
}

/**
 * A batch as it stands in a file: its lines as they came, but for those that a reader of the file could not read. The same batch gives
 * the same bytes. Throws a RetriableError when so many are of no use that it is not about rows.
 */
export async function encodeBatch(batch: SinkBatch, withGzip: boolean): Promise<EncodedBatch> {
  const lines = linesOf(batch.chunks);
  const refused: RefusedRow[] = [];
  const kept: Buffer[] = [];
  let from = 0;
  for (let index = 0; index < lines.count; index += 1) {
    // What a newer release writes stays as it is: nothing of it is lost.
    const { reason } = checkRow(batch.stream, lines.slice(index, index + 1).toString(), 'keep');
    if (reason === undefined) continue;
    refused.push({ index, reason });
    if (refused.length > ROWS_REFUSED_MAX) throw tooMany(reason);
    if (index > from) kept.push(lines.slice(from, index));
    from = index + 1;
  }
  if (from < lines.count) kept.push(lines.slice(from, lines.count));
  if (kept.at(-1)?.at(-1) !== NEWLINE[0] && kept.length > 0) kept.push(NEWLINE);
  const whole = Buffer.concat(kept);
  return { bytes: withGzip && whole.length > 0 ? await compress(whole, { level: LEVEL }) : whole, refused };
}

function tooMany(reason: string): RetriableError {
  return new RetriableError(
    `more than ${ROWS_REFUSED_MAX} rows of a batch are of no use (the last: ${reason}), which waits until somebody has looked`,
  );
}
