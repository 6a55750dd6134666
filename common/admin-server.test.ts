import { Counter } from 'prom-client';
import { afterEach, expect, it } from 'vitest';
import { adminRoutes, startAdminServer } from './admin-server.ts';
import { FatalError } from './errors.ts';
import { createHealth } from './health.ts';
import { startHttpServer } from './http-server.ts';
import type { HttpServer } from './http-server.ts';
import { createRegistry } from './metrics.ts';
import { Hono } from 'hono';

const servers: HttpServer[] = [];
const now = AbortSignal.abort();

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(now)));
});

async function startAdmin() {
  const clock = { ms: 0, now: () => clock.ms };
  const health = createHealth(clock);
  const registry = createRegistry('test');
  const troubles: string[] = [];
  const server = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    portKey: 'processor.admin.port',
    health,
    registry,
    troubles: () => troubles,
  });
  servers.push(server);
  const get = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`);
  return { clock, health, registry, troubles, server, get };
}

it('serves the metrics in the format that Prometheus reads', async () => {
  const { registry, get } = await startAdmin();
  new Counter({ name: 'tranweave_test_logs_total', help: 'Logs', registers: [registry] }).inc(3);
  const response = await get('/metrics');
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  const text = await response.text();
  expect(text).toContain('\ntranweave_test_logs_total 3\n');
  expect(text).toMatch(/tranweave_build_info\{role="test",version="\d+\.\d+\.\d+",node="v\d+/);
});

it('healthz turns to 503 when a part is stalled, naming it', async () => {
  const { clock, health, get } = await startAdmin();
  health.part('partition 3', 1000).begin();
  expect((await get('/healthz')).status).toBe(200);
  clock.ms = 2000;
  const response = await get('/healthz');
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({
    healthy: false,
    parts: [{ name: 'partition 3', state: 'stalled', quiet_ms: 2000 }],
  });
});

it('readyz turns to 503 with the reasons while the role cannot do its job', async () => {
  const { troubles, get } = await startAdmin();
  expect(await (await get('/readyz')).json()).toEqual({ ready: true, reasons: [] });
  troubles.push('Redis cannot be reached');
  const response = await get('/readyz');
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ ready: false, reasons: ['Redis cannot be reached'] });
});

it('a taken port is a fatal error that names the port and the config key', async () => {
  const { server, registry, health } = await startAdmin();
  const again = startAdminServer({
    host: '127.0.0.1',
    port: server.port,
    portKey: 'processor.admin.port',
    registry,
    health,
    troubles: () => [],
  });
  await expect(again).rejects.toThrow(FatalError);
  await expect(again).rejects.toThrow(
    `port ${server.port} on 127.0.0.1 is taken; set another one with \`processor.admin.port\``,
  );
});

it('the routes can be mounted beside others', async () => {
  const { registry, health } = await startAdmin();
  const app = new Hono();
  app.route('/', adminRoutes({ registry, health, troubles: () => [] }));
  app.get('/other', (c) => c.text('other'));
  expect((await app.request('/readyz')).status).toBe(200);
  expect(await (await app.request('/other')).text()).toBe('other');
});

it('a stop waits for the request under way and takes no more', async () => {
  let answer: () => void = () => undefined;
  const app = new Hono();
  let entered: () => void = () => undefined;
  const inside = new Promise<void>((resolve) => {
    entered = resolve;
  });
  app.get('/slow', async (c) => {
    entered();
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    return c.text('done');
  });
  const server = await startHttpServer({ app, host: '127.0.0.1', port: 0, portKey: 'x' });
  const response = fetch(`http://127.0.0.1:${server.port}/slow`);
  await inside;
  const stopped = server.stop(new AbortController().signal);
  answer();
  expect(await (await response).text()).toBe('done');
  await stopped;
  await expect(fetch(`http://127.0.0.1:${server.port}/slow`)).rejects.toThrow('fetch failed');
});

it('a forced stop cuts off the request under way', async () => {
  const app = new Hono();
  let entered: () => void = () => undefined;
  const inside = new Promise<void>((resolve) => {
    entered = resolve;
  });
  app.get('/stuck', () => {
    entered();
    return new Promise<Response>(() => undefined);
  });
  const server = await startHttpServer({ app, host: '127.0.0.1', port: 0, portKey: 'x' });
  const response = fetch(`http://127.0.0.1:${server.port}/stuck`);
  await inside;
  await Promise.all([server.stop(now), expect(response).rejects.toThrow('fetch failed')]);
});
