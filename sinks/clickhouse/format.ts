import { LOG_COLUMNS } from '../../common/log-row.ts';
import type { StreamKind } from '../../common/redis/keys.ts';
import { SUMMARY_COLUMNS } from '../../common/summary-row.ts';

/** How rows of each stream are written: what stands between the table's name and the rows. */
export const FORMAT_OF: Readonly<Record<StreamKind, string>> = {
  log: `(${LOG_COLUMNS.join(', ')}) FORMAT JSONCompactEachRow`,
  summary: `(${SUMMARY_COLUMNS.join(', ')}) FORMAT JSONCompactEachRow`,
  dead_letter: 'FORMAT JSONEachRow',
};
