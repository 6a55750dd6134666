import type { Words } from './text.ts';

export const english: Words = {
  kinds: {
    firing: 'FIRING',
    update: 'GOES ON',
    repeat: 'STILL FIRING',
    resolved: 'RESOLVED',
    test: 'TEST',
  },
  severities: { info: 'info', warning: 'warning', critical: 'critical' },
  happened: (message, { number, percent, duration }) => {
    const { type, kind, count, value, bound, window, quantile } = message;
    if (kind === 'test') return 'a test message; nothing has happened';
    const over = kind === 'resolved';
    const many = (one: string, more: string) => `${number(count)} ${count === 1 ? one : more}`;
    const p = `p${Number(((quantile ?? 0) * 100).toFixed(1))}`;
    switch (type) {
      case 'failed':
        return many('transaction failed', 'transactions failed');
      case 'timed_out':
        return many('transaction timed out', 'transactions timed out');
      case 'slow':
        return `${many('transaction', 'transactions')} took longer than ${duration(bound)}`;
      case 'dead_letters':
        return many('dead letter', 'dead letters');
      case 'failure_rate':
        return `${percent(over ? message.peak : value)} of transactions ended badly within ${duration(window)}${over ? ' at the worst' : ''} (bound ${percent(bound)})`;
      case 'no_transactions':
        return over
          ? `transactions come again, after ${duration(message.peak)} without one`
          : `no transaction for ${duration(value)}`;
      case 'duration_quantile':
        return `${p} of durations is ${duration(value)}${over ? ` again, ${duration(message.peak)} at the worst` : ''} (bound ${duration(bound)})`;
      case 'queue_time':
        return `${p} of queue times is ${duration(value)}${over ? ` again, ${duration(message.peak)} at the worst` : ''} (bound ${duration(bound)})`;
      default:
        return type;
    }
  },
  names: {
    what: 'What',
    interface: 'Interface',
    step: 'Step',
    branch: 'Receiver',
    error_code: 'Error',
    input: 'Input',
    stage: 'Stage',
    target_system: 'Target system',
    error_message: 'Message',
    since: 'Since',
    last: 'Last',
    resolved: 'Resolved',
    count: 'How many',
    samples: 'Samples',
    look: 'Look further',
    link: 'Link',
    rule: 'Rule',
  },
  also: (count) => `and ${count} more alerts of this rule at the same moment:`,
  added: (added) => `${added} since the last message`,
  cleared: (cleared) => `${cleared} cleared by later attempts`,
};
