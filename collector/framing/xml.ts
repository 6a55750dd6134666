import * as v from 'valibot';
import { USUAL } from './framer.ts';
import type { FramingComponent } from './framer.ts';
import { createScanFramer } from './scan.ts';
import { createXmlScanner } from './xml-scanner.ts';

const config = v.strictObject({
  type: v.literal('xml'),
  root: v.exactOptional(
    v.pipe(
      v.string('must be the name of an element'),
      v.regex(/^[^\s<>/="'&]{1,200}$/, 'must be the name of an element, with its prefix if it has one'),
      v.description(
        'Element that each record is, as it is written with its prefix (`wmb:event`); it does not stand in itself. Without it a record is a whole document, from what stands before its root on.',
      ),
    ),
  ),
  outside: v.optional(
    v.pipe(
      v.picklist(['dead-letter', 'skip'], 'must be dead-letter or skip'),
      v.description(
        'What becomes of text between the records that is more than space: kept as dead letters, or skipped, as the tags of an element around all records and the headers of a log have to be.',
      ),
    ),
    'dead-letter',
  ),
});

/** XML documents one after the other, each over any number of lines. */
export const xmlFraming = {
  type: 'xml',
  summary:
    'Each record is an XML document, or every element of a name, from its start tag to its end tag. One that is not closed before the next begins becomes a dead letter, and the next is read.',
  example: "framing: { type: xml, root: 'wmb:event' }",
  config,
  needsAscii: true,
  create: (settings, { charset, recordBytesMax }) => ({
    ...USUAL,
    open: (offset) =>
      createScanFramer(offset, { recordBytesMax, mark: charset.mark, scanner: createXmlScanner(settings) }),
  }),
} satisfies FramingComponent<v.InferOutput<typeof config>>;
