import type { Document } from 'mongodb';
import * as v from 'valibot';
import { systemClock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import type { StreamKind } from '../../common/redis/keys.ts';
import { startMongo } from '../../common/testing/mongodb.ts';
import type { TestMongo } from '../../common/testing/mongodb.ts';
import { createSink, sinkSchema } from '../registry.ts';
import type { SinkConfig } from '../registry.ts';
import type { Sink, SinkBatch } from '../sink.ts';
import { startProxy } from '../testing/proxy.ts';
import type { Proxy } from '../testing/proxy.ts';
import { COLLECTIONS } from './collections.ts';

/** A real server with our collections in it, and a sink on it, for tests. */
export interface MongoFixture extends AsyncDisposable {
  server: TestMongo;
  proxy: Proxy;
  config: SinkConfig;
  /** With these settings besides. */
  configOf(settings?: object): SinkConfig;
  sink: Sink;
  /** Another sink on the same database, or with other settings. */
  makeSink(settings?: object): Sink;
  write(batch: SinkBatch): ReturnType<Sink['write']>;
  documents(stream: StreamKind, filter?: Document): Promise<Document[]>;
  count(stream: StreamKind): Promise<number>;
}

const never = new AbortController().signal;

/** The sink goes through a proxy, whose lines a test can cut. */
export async function openMongo(): Promise<MongoFixture> {
  const server = await startMongo();
  const proxy = await startProxy(server.url);
  const target = new URL(server.url);
  target.host = `127.0.0.1:${proxy.port}`;
  target.searchParams.set('directConnection', 'true');
  const settings = { url: target.href, database: server.database, ...server.credentials };
  const config = (more: object = {}) =>
    v.parse(sinkSchema, { type: 'mongodb', name: 'store', ...settings, ...more });
  const makeSink = (more: object = {}) =>
    createSink(config(more), { name: 'store', clock: systemClock, logger: silentLogger() });
  const sink = makeSink();
  await sink.open(never);
  const collection = (stream: StreamKind) => server.db.collection(COLLECTIONS[stream].name);
  return {
    server,
    proxy,
    config: config(),
    configOf: config,
    sink,
    makeSink,
    write: (batch) => sink.write(batch, never),
    documents: (stream, filter = {}) => collection(stream).find(filter).toArray(),
    count: (stream) => collection(stream).countDocuments(),
    [Symbol.asyncDispose]: async () => {
      await sink.close();
      await proxy[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}
