import * as v from 'valibot';
import { findPostgres, startPostgres } from '../../common/testing/postgres.ts';
import { sinkSchema } from '../registry.ts';
import { TABLES } from '../sql/tables.ts';
import type { SinkHarness } from '../testing/conformance.ts';
import { startProxy } from '../testing/proxy.ts';

const SCHEMA = 'contract';

export const postgresqlHarness: SinkHarness = {
  missing: findPostgres() === undefined ? 'PostgreSQL is not installed' : undefined,
  start: async () => {
    const server = await startPostgres();
    const proxy = await startProxy(server.url);
    return {
      config: (more) =>
        v.parse(sinkSchema, {
          type: 'postgresql',
          name: 'store',
          url: `postgresql://127.0.0.1:${proxy.port}`,
          database: server.database,
          schema: SCHEMA,
          username: server.username,
          password: server.password,
          ...more,
        }),
      wrongPassword: { password: 'another' },
      count: async (stream) => {
        const [row] = await server.rows<{ n: number }>(
          `SELECT count(*) AS n FROM ${SCHEMA}.${TABLES[stream].name}`,
        );
        return row?.n ?? 0;
      },
      summary: async (id) => {
        const [row] = await server.rows<{ status: string; version: number }>(
          `SELECT status, version FROM ${SCHEMA}.transaction_summary WHERE transaction_id = $1`,
          [id],
        );
        return row;
      },
      deadLetters: (id) =>
        server.rows<{ stage: string; reason: string; raw: Buffer }>(
          `SELECT stage, reason, raw FROM ${SCHEMA}.dead_letter WHERE event_id = $1`,
          [id],
        ),
      setAway: (away) => proxy.setAway(away),
      loseAnswer: () => proxy.loseAnswers(1, 'COMMIT\0'),
      silence: { set: (silent) => proxy.setSilent(silent), unanswered: () => proxy.unanswered() },
      stop: async () => {
        await proxy[Symbol.asyncDispose]();
        await server.stop();
      },
    };
  },
};
