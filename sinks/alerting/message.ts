import * as v from 'valibot';
import { alertId, hashOf } from './alert.ts';
import type { Alert } from './alert.ts';
import { boundOf } from './rules/registry.ts';
import type { RuleConfig } from './rules/registry.ts';

/** What a channel is given to tell: everything that a text, a ticket or a program may want. Times are ms since 1970, durations ms. */
const messageSchema = v.object({
  /** The same whenever this very message is handed over again, and of no other. */
  id: v.string(),
  /** The same for all messages of an alert. */
  alert_id: v.string(),
  kind: v.picklist(['firing', 'update', 'repeat', 'resolved', 'test']),
  /** 1 for the alert's first message. */
  number: v.number(),
  rule: v.string(),
  type: v.string(),
  severity: v.string(),
  /** The rule's labels, and those of the group. */
  labels: v.record(v.string(), v.string()),
  /** Names of channels; none: all. */
  channels: v.array(v.string()),
  at: v.number(),
  since: v.number(),
  fired_at: v.number(),
  last_at: v.nullable(v.number()),
  resolved_at: v.nullable(v.number()),
  /** What was compared with the bound: a number, a share (0 to 1) or ms, as the rule's type has it. */
  value: v.number(),
  peak: v.number(),
  bound: v.number(),
  window: v.number(),
  quantile: v.nullable(v.number()),
  count: v.number(),
  /** Since the message before. */
  added: v.number(),
  cleared: v.number(),
  error_message: v.string(),
  target_system: v.string(),
  samples: v.array(v.string()),
  /** More alerts of the rule that came at the same moment, if there were too many to tell one by one; and how many in all. */
  also: v.array(v.object({ labels: v.record(v.string(), v.string()), count: v.number() })),
  also_count: v.number(),
});
export type AlertMessage = v.InferOutput<typeof messageSchema>;
export type MessageKind = AlertMessage['kind'];

/** Undefined if it is none of ours. */
export function parseMessage(json: string): AlertMessage | undefined {
  try {
    const parsed = v.safeParse(messageSchema, JSON.parse(json));
    return parsed.success ? parsed.output : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function messageOf(rule: RuleConfig, alert: Alert, kind: MessageKind, now: number): AlertMessage {
  const number = (alert.told?.number ?? 0) + 1;
  return {
    id: hashOf(alert.rule, alert.key, String(alert.fired_at), kind, String(number)),
    alert_id: alertId(alert),
    kind,
    number,
    rule: alert.rule,
    type: rule.type,
    severity: rule.severity,
    labels: { ...rule.labels, ...alert.labels },
    channels: rule.channels,
    at: now,
    since: alert.since,
    fired_at: alert.fired_at ?? now,
    last_at: alert.last_at ?? null,
    resolved_at: kind === 'resolved' ? now : null,
    value: alert.value,
    peak: alert.peak,
    bound: rule.type === 'slow' ? rule.longer_than : boundOf(rule),
    window: rule.window,
    quantile: 'quantile' in rule ? rule.quantile : null,
    count: alert.count,
    added: alert.count - (alert.told?.count ?? 0),
    cleared: alert.cleared,
    error_message: alert.detail?.message ?? '',
    target_system: alert.detail?.target ?? '',
    samples: alert.detail?.samples ?? [],
    also: [],
    also_count: 0,
  };
}

/** More messages of one rule and kind at one moment than these are one. */
const ONE_BY_ONE_MAX = 20;
/** So many of the others are named. */
const ALSO_MAX = 50;

/** A storm of alerts of one rule in one message; fewer stay as they are. */
export function gathered(messages: readonly AlertMessage[]): AlertMessage[] {
  const groups = new Map<string, AlertMessage[]>();
  for (const message of messages) {
    const key = `${message.kind} ${message.rule}`;
    groups.set(key, [...(groups.get(key) ?? []), message]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first, ...others] = group;
    if (first === undefined || group.length <= ONE_BY_ONE_MAX) return group;
    const also = others.slice(0, ALSO_MAX).map(({ labels, count }) => ({ labels, count }));
    return [{ ...first, also, also_count: others.length }];
  });
}
