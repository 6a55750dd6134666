import type { AlertMessage } from './message.ts';

/** A message that says that it is a test, with something in every field. @param now ms since 1970. */
export function testMessage(now: number, id: string): AlertMessage {
  return {
    id,
    alert_id: id,
    kind: 'test',
    number: 1,
    rule: 'test',
    type: 'failed',
    severity: 'info',
    labels: { interface: 'test-interface', step: 'hub', branch: '', error_code: 'E-TEST' },
    channels: [],
    at: now,
    since: now,
    fired_at: now,
    last_at: now,
    resolved_at: null,
    value: 3,
    peak: 3,
    bound: 0,
    window: 300_000,
    quantile: null,
    count: 3,
    added: 3,
    cleared: 0,
    error_message: 'this is how an error would be told',
    target_system: 'TEST',
    samples: ['T-TEST-1', 'T-TEST-2', 'T-TEST-3'],
    also: [],
    also_count: 0,
  };
}
