import type { Db } from 'mongodb';
import { MongoClient } from 'mongodb';
import type { Store } from '../lazy-sink.ts';
import type { SinkDeps } from '../sink.ts';
import { openCollections } from './collections.ts';
import { meaningOf } from './failure.ts';
import { inspectorOf } from './inspect.ts';
import type { MongoSinkConfig } from './sink.ts';
import { writeBatch } from './write.ts';

/** How long a server is looked for, and how long connecting to it may take. */
const CONNECT_MS_MAX = 5_000;

/** What is behind the sink's config; loaded when it is used. */
export function createMongoStore(settings: MongoSinkConfig, { logger }: SinkDeps): Store {
  const msMax = settings.request_timeout;
  // Made with the first call: a url that the driver cannot read is told by `open`, like everything that keeps it from opening.
  let client: MongoClient | undefined;
  const database = (): Db => {
    try {
      client ??= clientOf(settings);
    } catch (error) {
      throw meaningOf(error);
    }
    return client.db(settings.database);
  };
  return {
    open: async (signal) =>
      openCollections({ db: database(), retention: retentionOf(settings), msMax, logger }, signal),
    write: async (batch, signal) => ({ refused: await writeBatch({ db: database(), msMax }, batch, signal) }),
    close: async () => {
      await client?.close();
    },
    inspector: inspectorOf(database),
  };
}

function clientOf(settings: MongoSinkConfig): MongoClient {
  return new MongoClient(settings.url, {
    appName: 'tranweave',
    serverSelectionTimeoutMS: CONNECT_MS_MAX,
    connectTimeoutMS: CONNECT_MS_MAX,
    // What gives up first is `ask`; this is for what hangs without it.
    socketTimeoutMS: settings.request_timeout + CONNECT_MS_MAX,
    waitQueueTimeoutMS: settings.request_timeout,
    // Writes at a time are bounded by the worker; one more for whoever opens meanwhile.
    maxPoolSize: settings.batch.writes_max + 1,
    minPoolSize: 0,
    // The worker tries again, with pauses.
    retryWrites: false,
    retryReads: false,
    ...(settings.username === undefined
      ? {}
      : { auth: { username: settings.username, password: settings.password ?? '' } }),
  });
}

function retentionOf(settings: MongoSinkConfig) {
  return {
    log: Math.ceil(settings.retention / 1000),
    summary: Math.ceil(settings.summary_retention / 1000),
    dead_letter: Math.ceil(settings.dead_letter_retention / 1000),
  };
}
