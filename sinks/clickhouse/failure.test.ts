import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { describeError, FatalError, RetriableError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { startClickHouse } from '../../common/testing/clickhouse.ts';
import { createSink } from '../registry.ts';
import { aLog, batchOf } from '../testing/rows.ts';
import { PressureError } from '../pressure.ts';
import { FATAL_CODES, PRESSURE_CODES, ROW_CODES } from './failure.ts';
import { never, sinkConfig } from './fixture.ts';

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
beforeAll(async () => {
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** What a write throws when ClickHouse answers so. */
async function thrown(port = (server.address() as AddressInfo).port): Promise<unknown> {
  const config = sinkConfig({ url: `http://127.0.0.1:${port}`, request_timeout: '1s' });
  const sink = createSink(config, { name: 'store', clock: systemClock, logger: silentLogger() });
  try {
    await sink.write(batchOf('log', 'token', [aLog(1)]), never);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await sink.close();
  }
}

const respond = (status: number, code: number, text = 'Code: 1. DB::Exception: words') => {
  answer = (request, response) => {
    request.resume().on('end', () => {
      response.statusCode = status;
      if (code !== 0) response.setHeader('X-ClickHouse-Exception-Code', String(code));
      response.end(text);
    });
  };
};

describe('ClickHouse cannot do it now, and is asked again', () => {
  test.each([
    ['the table is missing', 404, 60],
    ['read-only without its keeper', 500, 242],
    ['a code that nobody knows yet', 500, 9999],
    ['a proxy without a server', 502, 0],
  ])('%s: HTTP %i, code %i', async (_, status, code) => {
    // The words of another failure: only the code counts.
    respond(status, code, 'Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)');
    expect(await thrown()).toBeInstanceOf(RetriableError);
  });

  test('it says so only after it began to answer', async () => {
    respond(200, 241);
    expect(await thrown()).toBeInstanceOf(RetriableError);
  });

  test('nobody listens', async () => {
    const error = await thrown(1);
    expect(error).toBeInstanceOf(RetriableError);
    expect(describeError(error)).toContain('ECONNREFUSED');
  });

  test('it never answers', async () => {
    answer = (request) => request.resume();
    expect(await thrown()).toBeInstanceOf(RetriableError);
  });

  test('it hangs up', async () => {
    answer = (request) => request.socket.destroy();
    expect(await thrown()).toBeInstanceOf(RetriableError);
  });
});

describe('ClickHouse has too much to do, and says of what', () => {
  test.each([
    ['parts', 500, 252],
    ['memory', 500, 241],
    ['memory', 500, 173],
    ['requests', 503, 202],
    ['requests', 500, 439],
    ['requests', 429, 0],
    ['requests', 503, 0],
  ])('%s: HTTP %i, code %i', async (pressure, status, code) => {
    respond(status, code);
    const error = await thrown();
    expect(error).toBeInstanceOf(PressureError);
    expect(error).toBeInstanceOf(RetriableError);
    expect((error as PressureError).pressure).toBe(pressure);
  });
});

describe('waiting would not help', () => {
  test.each(Object.keys(FATAL_CODES).map(Number))('code %i', async (code) => {
    respond(500, code);
    const error = await thrown();
    expect(error).toBeInstanceOf(FatalError);
    expect(describeError(error)).toContain(FATAL_CODES[code]!.words);
  });

  test.each([401, 403])('a proxy that answers %i', async (status) => {
    respond(status, 0, '<html>no</html>');
    expect(await thrown()).toBeInstanceOf(FatalError);
  });
});

test('codes are what ClickHouse means by them', async () => {
  await using clickhouse = await startClickHouse();
  const names = {
    ...ROW_CODES,
    ...Object.fromEntries(
      Object.entries({ ...FATAL_CODES, ...PRESSURE_CODES }).map(([code, { name }]) => [code, name]),
    ),
  };
  for (const [code, name] of Object.entries(names)) {
    const [row] = await clickhouse.rows<{ name: string }>(`SELECT errorCodeToName(${code}) AS name`);
    expect([code, row!.name]).toEqual([code, name]);
  }
});
