import type { Bucket, Count } from '../count.ts';
import { createEngine } from '../engine.ts';
import type { Engine } from '../engine.ts';
import type { AlertMessage } from '../message.ts';
import type { Silence } from '../quiet.ts';
import { alertsConfig, bucket, RESOLUTION, START } from './buckets.ts';

/** Rules told a story, bucket by bucket. */

/** What is in each bucket, by its place; those that are not there hold nothing. */
export type Story = Record<number, Count[] | Bucket>;

/** Messages of a story as `place kind rule what`. */
export function tell(
  rules: object[],
  story: Story,
  { places = 12, silences = [], more = {} }: Telling = {},
): string[] {
  const engine = createEngine(alertsConfig({ rules, ...more }));
  return messagesOf(engine, story, 0, places, silences).map(inWords);
}
export interface Telling {
  places?: number;
  silences?: Silence[];
  more?: object;
}

export function messagesOf(
  engine: Engine,
  story: Story,
  from: number,
  to: number,
  silences: Silence[] = [],
): AlertMessage[] {
  const messages: AlertMessage[] = [];
  for (let place = from; place < to; place += 1)
    messages.push(...engine.step(bucketOf(story, place), silences));
  return messages;
}

export function bucketOf(story: Story, place: number): Bucket {
  const there = story[place] ?? [];
  return Array.isArray(there) ? bucket(place, there) : there;
}

export const inWords = ({ at, kind, rule, count, labels }: AlertMessage) =>
  `${(at - START) / RESOLUTION - 1} ${kind} ${rule} ${Object.values(labels).join('/')} ${count}`;
