import { createDecoder } from '../../collector/decoders/registry.ts';
import { textOf } from '../../collector/mapping-value.ts';
import type { Fields } from '../../collector/outcome.ts';
import { shareOf } from './sample.ts';
import type { Shape } from './shape.ts';

const SHARE = 0.95;
const decoder = createDecoder({ type: 'syslog' });

/** Syslog: what its own decoder reads. Without a priority a program's name must be there too, or any line with a time would be one. */
export function guessSyslog(records: readonly string[]): Shape | undefined {
  const share = shareOf(records, (record) => {
    const fields = fieldsOf(record);
    return (
      fields !== undefined &&
      (record.startsWith('<') || /^[A-Za-z][\w./-]*$/.test(textOf(fields['app_name'])))
    );
  });
  if (share < SHARE) return undefined;
  return {
    decoder: { type: 'syslog' },
    decoderWhy: 'its lines have a time, a host and a program as syslog has them',
  };
}

function fieldsOf(record: string): Fields | undefined {
  const decoded = decoder.decode({ bytes: Buffer.from(record), event_id: '', meta: {} });
  return 'fields' in decoded ? decoded.fields[0] : undefined;
}
