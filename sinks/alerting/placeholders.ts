import { timestampFromMillis } from '../../common/timestamp.ts';
import type { AlertMessage } from './message.ts';

/** `{{name}}` in texts of the config, filled in with what a message says. */

type Value = string | number | null | readonly string[] | Readonly<Record<string, string>>;

const FIELDS: Readonly<Record<string, (message: AlertMessage) => Value>> = {
  id: ({ id }) => id,
  alert_id: ({ alert_id }) => alert_id,
  kind: ({ kind }) => kind,
  number: ({ number }) => number,
  rule: ({ rule }) => rule,
  type: ({ type }) => type,
  severity: ({ severity }) => severity,
  labels: ({ labels }) => labels,
  interface: ({ labels }) => labels['interface'] ?? '',
  step: ({ labels }) => labels['step'] ?? '',
  branch: ({ labels }) => labels['branch'] ?? '',
  error_code: ({ labels }) => labels['error_code'] ?? '',
  input: ({ labels }) => labels['input'] ?? '',
  stage: ({ labels }) => labels['stage'] ?? '',
  error_message: ({ error_message }) => error_message,
  target_system: ({ target_system }) => target_system,
  at: ({ at }) => timestampFromMillis(at),
  since: ({ since }) => timestampFromMillis(since),
  last_at: ({ last_at }) => (last_at === null ? null : timestampFromMillis(last_at)),
  resolved_at: ({ resolved_at }) => (resolved_at === null ? null : timestampFromMillis(resolved_at)),
  value: ({ value }) => value,
  bound: ({ bound }) => bound,
  count: ({ count }) => count,
  added: ({ added }) => added,
  cleared: ({ cleared }) => cleared,
  samples: ({ samples }) => samples,
  transaction_id: ({ samples }) => samples[0] ?? '',
};
/** What a channel knows besides: its texts. */
const TEXTS = ['subject', 'text'] as const;
export type Texts = Readonly<Record<(typeof TEXTS)[number], string>>;

export const PLACEHOLDERS = [...Object.keys(FIELDS), ...TEXTS];

const PLACEHOLDER = /\{\{\s*(\w+)\s*\}\}/g;

/** Names in a text that stand for nothing. */
export function unknownPlaceholders(text: string): string[] {
  return [...text.matchAll(PLACEHOLDER)].flatMap(([, name = '']) =>
    PLACEHOLDERS.includes(name) ? [] : [name],
  );
}

/** A link for one message; values are made fit for it. Labels of the rule can be used by their names. */
export function fillLink(link: string, message: AlertMessage): string {
  return link.replaceAll(PLACEHOLDER, (_whole, name: string) =>
    encodeURIComponent(asText(FIELDS[name]?.(message) ?? '')),
  );
}

/** JSON with its texts filled in: one that is nothing but a placeholder becomes the value itself, be it a number or a list. */
export function fillJson(template: unknown, message: AlertMessage, texts: Texts): unknown {
  const valueOf = (name: string): Value =>
    name === 'subject' || name === 'text' ? texts[name] : (FIELDS[name]?.(message) ?? null);
  const fill = (part: unknown): unknown => {
    if (typeof part === 'string') {
      const [whole, name] = /^\{\{\s*(\w+)\s*\}\}$/.exec(part) ?? [];
      if (whole !== undefined && name !== undefined) return valueOf(name);
      return part.replaceAll(PLACEHOLDER, (_whole, inner: string) => asText(valueOf(inner)));
    }
    if (Array.isArray(part)) return part.map(fill);
    if (typeof part === 'object' && part !== null)
      return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, fill(value)]));
    return part;
  };
  return fill(template);
}

function asText(value: Value): string {
  if (value === null) return '';
  return typeof value === 'object'
    ? Array.isArray(value)
      ? value.join(', ')
      : JSON.stringify(value)
    : String(value);
}
