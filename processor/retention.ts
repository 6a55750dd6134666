import type { Evaluation } from '../common/evaluate.ts';
import type { ProcessorConfig } from './config.ts';

export type Retention = Pick<ProcessorConfig, 'open_retention' | 'finished_retention'>;

/**
 * How long Redis keeps a transaction from its last change, ms: a log that comes later begins it anew. One that waits for a deadline is
 * kept until that has passed, and some time longer, whatever the setting says: nobody else could tell that it timed out.
 *
 * @param now when the last change was, ms since 1970.
 */
export function retentionOf({ status, deadline_at }: Evaluation, now: number, config: Retention): number {
  const kept = config[retentionSetting(status)];
  if (status !== 'in_progress' || deadline_at === undefined) return kept;
  return Math.max(kept, deadline_at - now + config.finished_retention);
}

/** The setting that says so. */
export function retentionSetting(status: Evaluation['status']): keyof Retention {
  return status === 'completed' ? 'finished_retention' : 'open_retention';
}
