import * as v from 'valibot';
import { pathTo } from '../../common/config-values.ts';
import { charsetEntries, createCharset } from '../charset.ts';
import { framings, framingSchema } from '../framing/registry.ts';
import type { FramingConfig } from '../framing/registry.ts';

/** Settings of inputs that read bytes: how they are cut into records, and how these are written. */
export const recordEntries = {
  framing: v.optional(
    v.pipe(
      framingSchema,
      v.description('How the bytes are cut into records, see [`framing`](#framing-bytes-to-records).'),
    ),
    { type: 'newline' },
  ),
  ...charsetEntries,
};

interface RecordConfig {
  framing?: FramingConfig | undefined;
  encoding: string;
  line_bytes_max?: number;
}

/** Refuses framings that the rest of the input's settings do not let work. */
export const framingFits = <T extends RecordConfig>() =>
  v.rawCheck<T>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { framing, encoding, line_bytes_max = Infinity } = dataset.value;
    if (framing === undefined) return;
    const { needsAscii } = framings[framing.type] as { needsAscii?: true };
    if (needsAscii === true && !createCharset(encoding).isAsciiBased) {
      addIssue({
        message: `${framing.type} cannot cut ${encoding}, whose characters have several bytes each`,
        path: pathTo(dataset.value, 'framing', 'type'),
      });
    }
    if (framing.type === 'fixed-length' && framing.bytes > line_bytes_max) {
      addIssue({
        message: 'must be at most line_bytes_max',
        path: pathTo(dataset.value, 'framing', 'bytes'),
      });
    }
  });
