import * as v from 'valibot';
import { createDelimiterScanner } from './delimiter-scanner.ts';
import { USUAL } from './framer.ts';
import type { FramingComponent } from './framer.ts';
import { createScanFramer } from './scan.ts';

const config = v.strictObject({
  type: v.literal('crlf'),
});

/** Lines of programs that write a lone newline into the middle of a record. */
export const crlfFraming = {
  type: 'crlf',
  summary:
    'Each record ends with a carriage return and a newline; either of them alone belongs to the record. Empty records are skipped.',
  example: 'framing: { type: crlf }',
  config,
  create: (_, { charset, recordBytesMax }) => ({
    ...USUAL,
    open: (offset) =>
      createScanFramer(offset, {
        recordBytesMax,
        mark: charset.mark,
        scanner: createDelimiterScanner(charset.encode('\r\n'), Buffer.alloc(0), charset.encode('\n').length),
      }),
  }),
} satisfies FramingComponent<v.InferOutput<typeof config>>;
