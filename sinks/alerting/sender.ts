import type { Clock } from '../../common/clock.ts';
import { describeError, FatalError, PermanentError, RetriableError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { millisOfId } from '../../common/redis/stream-id.ts';
import { backoffMs } from '../../common/retry.ts';
import type { Channel } from './channels/channel.ts';
import type { ChannelConfig } from './channels/registry.ts';
import type { AlertMessage } from './message.ts';
import type { AlertMetrics } from './metrics.ts';
import type { AlertStore, OutboxMessage } from './store.ts';

/** A channel's way through the outbox: one message after the other, each until it is taken, refused for ever or too old. Channels do not wait for each other. */

const RETRY = { delayMsMin: 500, delayMsMax: 60_000 };
/** How often the outbox is looked into. */
const LOOK_MS = 500;

export interface SenderDeps {
  config: ChannelConfig;
  channel: Channel;
  store: AlertStore;
  /** Of the claim under which it is moved. */
  fence: number;
  /** Names of all channels: what all have is dropped. */
  names: readonly string[];
  /** What is firing and has been told to this channel. */
  firing: () => readonly AlertMessage[];
  clock: Clock;
  logger: Logger;
  metrics: AlertMetrics;
  /** Called with what is wrong, in words, and with undefined once it is over. */
  onTrouble: (words: string | undefined) => void;
}

/** Runs until the signal aborts. Throws a FencedError when somebody else has taken over. */
export async function runSender(deps: SenderDeps, position: string, signal: AbortSignal): Promise<void> {
  const { config, store, fence, names, clock } = deps;
  const trouble = createTrouble(deps);
  let at = position;
  let refreshedAt = 0;
  while (!signal.aborted) {
    const messages = await store.read(at);
    let moved = at;
    for (const { id, message } of messages) {
      if (message !== undefined && isFor(message, config.name)) {
        if (!(await hand(deps, trouble, { id, message }, signal))) return;
        await store.move(fence, config.name, id, names);
        at = id;
      }
      moved = id;
    }
    // Behind those that are for others, so that they need not be looked at again.
    if (moved !== at) await store.move(fence, config.name, moved, names);
    at = moved;
    const { refresh } = deps.channel;
    if (refresh !== undefined && clock.now() - refreshedAt >= refresh.everyMs) {
      refreshedAt = clock.now();
      await attempt(trouble, () => refresh.send(deps.firing(), signal), signal);
    }
    if (messages.length === 0) await clock.sleep(LOOK_MS, signal);
  }
}

export function isFor({ channels }: AlertMessage, name: string): boolean {
  return channels.length === 0 || channels.includes(name);
}

/** False if the signal aborted before the message was dealt with. */
async function hand(
  deps: SenderDeps,
  trouble: Trouble,
  { id, message }: Required<OutboxMessage>,
  signal: AbortSignal,
): Promise<boolean> {
  const { config, clock, logger, metrics } = deps;
  const done = (outcome: 'sent' | 'refused' | 'given up') => {
    metrics.messages.inc({ channel: config.name, outcome });
    return true;
  };
  for (let attempts = 1; !signal.aborted; attempts += 1) {
    const result = await attempt(trouble, () => deps.channel.send(message as AlertMessage, signal), signal);
    if (result === 'done') return done('sent');
    if (result === 'refused') return done('refused');
    if (signal.aborted) return false;
    if (clock.now() - millisOfId(id) > config.give_up_after) {
      logger.error(
        { channel: config.name, message },
        'a message could not be handed over for too long; it is left out',
      );
      return done('given up');
    }
    await clock.sleep(backoffMs(attempts, RETRY, Math.random()), signal);
  }
  return false;
}

interface Trouble {
  over(): Promise<void>;
  begin(error: unknown, forEver: boolean): Promise<void>;
}

function createTrouble({ config, store, clock, logger, metrics, onTrouble }: SenderDeps): Trouble {
  let since: number | undefined;
  metrics.down.set({ channel: config.name }, 0);
  return {
    over: async () => {
      if (since === undefined) return;
      since = undefined;
      metrics.down.set({ channel: config.name }, 0);
      onTrouble(undefined);
      logger.info({ channel: config.name }, 'the channel takes messages again');
      await store.tellTrouble(config.name, undefined);
    },
    begin: async (error, forEver) => {
      const words = describeError(error);
      since ??= clock.now();
      metrics.down.set({ channel: config.name }, 1);
      onTrouble(words);
      logger.warn(
        { channel: config.name, error: words },
        forEver
          ? 'the channel refuses a message for ever; it is left out'
          : 'a message is not handed over yet',
      );
      await store.tellTrouble(config.name, { words, since });
    },
  };
}

async function attempt(
  trouble: Trouble,
  send: () => Promise<void>,
  signal: AbortSignal,
): Promise<'done' | 'refused' | 'again'> {
  try {
    await send();
  } catch (error) {
    const refused = error instanceof PermanentError;
    // What nobody mends by waiting ends no process here: others are told, and somebody sees it.
    if (!refused && !(error instanceof RetriableError || error instanceof FatalError)) throw error;
    // What was given up since we stop says nothing of the channel.
    if (!signal.aborted) await trouble.begin(error, refused);
    return refused ? 'refused' : 'again';
  }
  await trouble.over();
  return 'done';
}
