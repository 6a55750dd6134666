import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/** What alerts tell of themselves; of the process that evaluates them. */
export type AlertMetrics = ReturnType<typeof createAlertMetrics>;

export function createAlertMetrics(registry: Registry) {
  const registers = [registry];
  return {
    alerts: new Gauge({
      name: 'tranweave_alerts',
      help: 'Alerts that are pending or firing, by rule',
      labelNames: ['rule', 'state'] as const,
      registers,
    }),
    overflow: new Gauge({
      name: 'tranweave_alerts_overflow',
      help: 'Alerts that are not told apart, since there are too many of their rule',
      registers,
    }),
    evaluated: new Gauge({
      name: 'tranweave_alerts_evaluated_seconds',
      help: "Up to when alerts were evaluated, seconds since 1970 by Redis' clock",
      registers,
    }),
    messages: new Counter({
      name: 'tranweave_alert_messages_total',
      help: 'Messages by channel and what became of them: sent, refused for ever, given up',
      labelNames: ['channel', 'outcome'] as const,
      registers,
    }),
    down: new Gauge({
      name: 'tranweave_alert_channel_down',
      help: '1 while a channel does not take its messages',
      labelNames: ['channel'] as const,
      registers,
    }),
  };
}
