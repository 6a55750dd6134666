import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import { epochOf } from '../../common/redis/claim-scripts.ts';
import type { Claim } from '../../common/redis/claims.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import type { BucketStore } from './bucket-store.ts';
import type { Channel } from './channels/channel.ts';
import type { ChannelConfig } from './channels/registry.ts';
import type { AlertsConfig } from './config.ts';
import { createEngine, lookBackMs } from './engine.ts';
import type { Engine } from './engine.ts';
import { messageOf } from './message.ts';
import type { AlertMessage } from './message.ts';
import type { AlertMetrics } from './metrics.ts';
import { isFor, runSender } from './sender.ts';
import type { SilenceStore } from './silences.ts';
import type { AlertStore } from './store.ts';

/**
 * One process of the deployment at a time:
 *
 *   take the states over → fill the windows → (wait until every partition has counted a bucket → evaluate it → write states and messages down)*
 *
 * and beside it a sender for each channel. What it knows beyond Redis are only the windows, which the buckets give again. States and messages are written
 * by one script, so a crash repeats an evaluation that had no effect, or none.
 */
export interface EvaluatorDeps {
  config: AlertsConfig;
  channels: readonly { config: ChannelConfig; channel: Channel }[];
  store: AlertStore;
  buckets: BucketStore;
  silences: SilenceStore;
  /** The group that counts. */
  group: string;
  partitions: number;
  clock: Clock;
  logger: Logger;
  metrics: AlertMetrics;
  troubles: Map<string, string>;
}

/** Buckets of one read and one commit: bounds the script and what is repeated after a crash. */
const CHUNK = 100;
const LOOK_MS = { min: 50, max: 2000 };
/** What is not counted for so long is told. */
const HELD_UP_MS = 60_000;

export async function evaluateAlerts(deps: EvaluatorDeps, claim: Claim, onTurn: () => void): Promise<void> {
  const { config, channels, store, troubles } = deps;
  const fence = epochOf(claim.token);
  const names = channels.map(({ config: { name } }) => name);
  const taken = await store.take(fence, names);
  const engine = createEngine(config, taken.state);
  const failed = new AbortController();
  const signal = AbortSignal.any([claim.signal, failed.signal]);
  // What is firing as it was last written down.
  let firing: readonly AlertMessage[] = firingOf(config, engine);
  const evaluating = evaluate(deps, { fence, engine, next: taken.next, signal, onTurn }, () => {
    firing = firingOf(config, engine);
  });
  const sending = channels.map(({ config: channelConfig, channel }) => {
    const { name } = channelConfig;
    const onTrouble = (words: string | undefined) => {
      if (words === undefined) troubles.delete(name);
      else troubles.set(name, `alerts are not told by ${name}: ${words}`);
    };
    const ofChannel = () => firing.filter((message) => isFor(message, name));
    const sender = { ...deps, config: channelConfig, channel, fence, names, firing: ofChannel, onTrouble };
    return runSender(sender, taken.positions.get(name) ?? '0-0', signal);
  });
  try {
    // The first that fails ends the others; all have ended before this does.
    const all = [evaluating, ...sending].map((part) => part.catch((error: unknown) => fail(failed, error)));
    await Promise.all(all);
    if (failed.signal.aborted) throw failed.signal.reason;
  } finally {
    troubles.clear();
  }
}

function fail(failed: AbortController, error: unknown): void {
  failed.abort(error);
}

interface Evaluation {
  fence: number;
  engine: Engine;
  /** Start of the first bucket that is not evaluated yet; undefined at the very beginning. */
  next: number | undefined;
  signal: AbortSignal;
  onTurn: () => void;
}

async function evaluate(
  deps: EvaluatorDeps,
  { fence, engine, next: begin, signal, onTurn }: Evaluation,
  onCommitted: () => void,
): Promise<void> {
  const { config, store, group, partitions, clock, metrics } = deps;
  const { resolution } = config;
  const pauseMs = Math.min(Math.max(resolution / 4, LOOK_MS.min), LOOK_MS.max);
  const back = lookBack(config);
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  let next = begin;
  if (next !== undefined) await fillWindows(deps, engine, next, signal);
  while (!signal.aborted) {
    const counted = Math.min(
      ...(await Promise.all(all.map((partition) => deps.buckets.close(partition, group)))),
    );
    tellHeldUp(deps, counted);
    // What was before the first look is none of ours: rules begin when they are configured.
    if (next === undefined && counted > 0) {
      next = counted;
      await store.commit(fence, next, engine.save(), []);
    }
    while (next !== undefined && next < counted && !signal.aborted) {
      const before = Math.min(next + CHUNK * resolution, counted);
      const silences = await deps.silences.all();
      const buckets = await deps.buckets.read(next, before, partitions);
      const messages = buckets.flatMap((bucket) => engine.step(bucket, silences));
      await store.commit(fence, before, engine.save(), deps.channels.length === 0 ? [] : messages);
      await deps.buckets.drop(next - back, before - back, partitions);
      next = before;
      tell(deps, engine, messages);
      onCommitted();
    }
    if (next !== undefined) metrics.evaluated.set(next / 1000);
    onTurn();
    await clock.sleep(pauseMs, signal);
  }
}

/** In whole buckets. */
function lookBack(config: AlertsConfig): number {
  return Math.ceil(lookBackMs(config) / config.resolution) * config.resolution;
}

async function fillWindows(
  deps: EvaluatorDeps,
  engine: Engine,
  next: number,
  signal: AbortSignal,
): Promise<void> {
  const { config, buckets, partitions } = deps;
  const step = CHUNK * config.resolution;
  for (let from = next - lookBack(config); from < next && !signal.aborted; from += step) {
    for (const bucket of await buckets.read(from, Math.min(from + step, next), partitions))
      engine.warm(bucket);
  }
}

function tell({ logger, metrics }: EvaluatorDeps, engine: Engine, messages: readonly AlertMessage[]): void {
  for (const { kind, rule, labels, count } of messages)
    logger.info({ alert: kind, rule, labels, count }, 'an alert is to be told');
  metrics.alerts.reset();
  for (const { rule, state } of engine.alerts()) metrics.alerts.inc({ rule, state });
  metrics.overflow.set(engine.overflow());
}

function tellHeldUp({ clock, troubles }: EvaluatorDeps, counted: number): void {
  if (clock.now() - counted <= HELD_UP_MS) {
    troubles.delete('');
    return;
  }
  const words =
    counted === 0 ? 'nothing is counted yet' : `counted up to ${timestampFromMillis(counted)} only`;
  troubles.set('', `alerts wait for processors or sinks of some partition: ${words}`);
}

/** As those hear it who must hear of it again and again. */
function firingOf(config: AlertsConfig, engine: Engine): AlertMessage[] {
  const rules = new Map(config.rules.map((rule) => [rule.name, rule]));
  return engine.alerts().flatMap((alert) => {
    const rule = rules.get(alert.rule);
    if (rule === undefined || alert.state !== 'firing' || alert.told === undefined) return [];
    return [messageOf(rule, alert, 'repeat', alert.told.at)];
  });
}
