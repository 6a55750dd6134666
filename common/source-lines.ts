import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import type { SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Once this is loaded, errors name lines of the sources and not of what was compiled. Node does the same with `--enable-source-maps`, but reads and
 * keeps the map of every module there is as it is loaded, some 5 MiB in each process; here a map is read when an error's stack is asked for,
 * which of most errors it never is.
 */

/** Where a place in a compiled file stands in its source: `/app/collector/main.ts:12:3`; undefined if there is no map that says it. */
export function sourcePlace(file: string, line: number, column: number): string | undefined {
  const entry = mapOf(file)?.findEntry(line - 1, column - 1);
  if (entry === undefined || !('originalSource' in entry)) return undefined;
  const source = fileURLToPath(new URL(entry.originalSource, file));
  return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}

/** By the URL of the compiled file; undefined for one without a map. */
const maps = new Map<string, SourceMap | undefined>();

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) maps.set(file, readMap(file));
  return maps.get(file);
}

function readMap(file: string): SourceMap | undefined {
  if (!file.startsWith('file:') || file.includes('/node_modules/')) return undefined;
  try {
    return new SourceMap(JSON.parse(readFileSync(new URL(`${file}.map`), 'utf8')) as SourceMapPayload);
  } catch {
    // Without one, lines are those of the compiled file; an error about an error would hide it.
    return undefined;
  }
}

function placed(frame: NodeJS.CallSite): string {
  // oxlint-disable-next-line typescript/no-base-to-string -- V8's have one of their own: `fail (file:///…:2:35)`
  const text = String(frame);
  const [file, line, column] = [frame.getFileName(), frame.getLineNumber(), frame.getColumnNumber()];
  if (typeof file !== 'string' || line === null || column === null) return text;
  const place = sourcePlace(file, line, column);
  return place === undefined ? text : text.replace(`${file}:${line}:${column}`, () => place);
}

function headOf(error: Error): string {
  try {
    const { code } = error as NodeJS.ErrnoException;
    // Node says the codes of its own errors, too.
    return code?.startsWith('ERR_') === true
      ? `${error.name} [${code}]: ${error.message}`
      : Error.prototype.toString.call(error);
  } catch {
    // Its name or message may be anything.
    return 'Error';
  }
}

Error.prepareStackTrace = (error, frames) =>
  [headOf(error), ...frames.map((frame) => `    at ${placed(frame)}`)].join('\n');
