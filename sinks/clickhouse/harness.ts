import * as v from 'valibot';
import type { StreamKind } from '../../common/redis/keys.ts';
import { startClickHouse } from '../../common/testing/clickhouse.ts';
import { sinkSchema } from '../registry.ts';
import type { SinkHarness } from '../testing/conformance.ts';
import { startProxy } from '../testing/proxy.ts';

const TABLE_OF: Readonly<Record<StreamKind, string>> = {
  log: 'tracking_log',
  summary: 'transaction_summary_revision',
  dead_letter: 'dead_letter',
};

export const clickhouseHarness: SinkHarness = {
  start: async () => {
    const password = 'a password';
    const server = await startClickHouse(password);
    const proxy = await startProxy(server.url);
    return {
      config: (more) =>
        v.parse(sinkSchema, {
          type: 'clickhouse',
          name: 'store',
          url: `http://127.0.0.1:${proxy.port}`,
          database: 'contract',
          password,
          ...more,
        }),
      wrongPassword: { password: 'another' },
      count: async (stream) => {
        const rows = await server.rows<{ n: number }>(
          `SELECT count() AS n FROM contract.${TABLE_OF[stream]}`,
        );
        return Number(rows[0]?.n);
      },
      summary: async (id) => {
        const [row] = await server.rows<{ status: string; version: number }>(
          `SELECT status, version FROM contract.transaction_summary WHERE transaction_id = '${id}'`,
        );
        return row;
      },
      deadLetters: async (id) => {
        const rows = await server.rows<{ stage: string; reason: string; raw_base64: string }>(
          `SELECT stage, reason, raw_base64 FROM contract.dead_letter FINAL WHERE event_id = '${id}'`,
        );
        return rows.map(({ stage, reason, raw_base64 }) => ({
          stage,
          reason,
          raw: Buffer.from(raw_base64, 'base64'),
        }));
      },
      setAway: (away) => proxy.setAway(away),
      loseAnswer: () => proxy.loseAnswers(1),
      silence: { set: (silent) => proxy.setSilent(silent), unanswered: () => proxy.unanswered() },
      stop: async () => {
        await proxy[Symbol.asyncDispose]();
        await server.stop();
      },
    };
  },
};
