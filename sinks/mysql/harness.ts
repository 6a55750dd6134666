import * as v from 'valibot';
import { findMariadb, startMariadb } from '../../common/testing/mariadb.ts';
import { sinkSchema } from '../registry.ts';
import { TABLES } from '../sql/tables.ts';
import type { SinkHarness } from '../testing/conformance.ts';
import { startProxy } from '../testing/proxy.ts';

export const mysqlHarness: SinkHarness = {
  missing: findMariadb() === undefined ? 'MariaDB is not installed' : undefined,
  start: async () => {
    const server = await startMariadb();
    const proxy = await startProxy(server.url);
    return {
      config: (more) =>
        v.parse(sinkSchema, {
          type: 'mysql',
          name: 'store',
          url: `mysql://127.0.0.1:${proxy.port}`,
          database: server.database,
          username: server.username,
          password: server.password,
          ...more,
        }),
      wrongPassword: { password: 'another' },
      count: async (stream) => {
        const [row] = await server.rows<{ n: number }>(`SELECT count(*) AS n FROM ${TABLES[stream].name}`);
        return row?.n ?? 0;
      },
      summary: async (id) => {
        const [row] = await server.rows<{ status: string; version: number }>(
          'SELECT status, version FROM transaction_summary WHERE transaction_id = ?',
          [id],
        );
        return row;
      },
      deadLetters: (id) =>
        server.rows<{ stage: string; reason: string; raw: Buffer }>(
          `SELECT stage, reason, raw FROM dead_letter WHERE event_id = ?`,
          [id],
        ),
      setAway: (away) => proxy.setAway(away),
      loseAnswer: () => proxy.loseAnswers(1, 'COMMIT'),
      silence: { set: (silent) => proxy.setSilent(silent), unanswered: () => proxy.unanswered() },
      stop: async () => {
        await proxy[Symbol.asyncDispose]();
        await server.stop();
      },
    };
  },
};
