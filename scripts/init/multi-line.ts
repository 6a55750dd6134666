import { checkedPattern } from '../../collector/pattern.ts';
import { recordsOf } from './sample.ts';
import type { Sample } from './sample.ts';
import type { Cut } from './shape.ts';

/** What the first lines of records begin with. The same patterns go into the config, so they are RE2. */
const STARTS = [
  String.raw`^\[?\d{4}[-/.]\d{2}[-/.]\d{2}[ T]\d{2}:`,
  String.raw`^\[?\d{2} [A-Z][a-z]{2} \d{4} `,
  String.raw`^\[?\d{2}[-/][A-Z][a-z]{2}[-/]\d{4}[ :]`,
  String.raw`^\[?[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}`,
  String.raw`^\[?\d{2}[-/.]\d{2}[-/.]\d{4} `,
  String.raw`^\[?\d{14,17}[ \]]`,
  String.raw`^\[?\d{2}:\d{2}:\d{2}`,
];
/** What lines look like that belong to the one above. */
const BELONGS = /^(?:\s+\S|Caused by: |Suppressed: |Traceback |[\w.$]+(?:Exception|Error)\b)/;
const CONTINUATION = String.raw`^(?:\s|Caused by: |Suppressed: )`;

/** Records of several lines: a time begins them, or what follows is indented. Undefined if every line is a record. */
export function guessMultiLine(sample: Sample): Cut | undefined {
  const { lines } = sample;
  if (!lines.some((line) => BELONGS.test(line))) return undefined;
  const start = STARTS.find((pattern) => {
    const begins = checkedPattern(pattern);
    return begins.test(lines[0] ?? '') && lines.some((line) => !begins.test(line));
  });
  if (start !== undefined) {
    const framing = { type: 'multi-line', start } as const;
    return {
      framing,
      framingWhy: 'records begin with a time, and lines without one (a stack trace) belong to the one above',
      records: recordsOf(sample, { ...framing, flush_after: 0 }),
    };
  }
  if (/^\s/.test(lines[0] ?? '')) return undefined;
  const framing = { type: 'multi-line', continuation: CONTINUATION } as const;
  return {
    framing,
    framingWhy: 'lines that are indented belong to the one above',
    records: recordsOf(sample, { ...framing, flush_after: 0 }),
  };
}
