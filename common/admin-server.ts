import { Hono } from 'hono';
import type { Registry } from 'prom-client';
import type { Health } from './health.ts';
import { startHttpServer } from './http-server.ts';
import type { HttpServer } from './http-server.ts';

/** What every role tells about itself: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever supervises it. */

export interface AdminDeps {
  registry: Registry;
  health: Health;
  /** What keeps the role from doing its job now, in words; none when it is ready. */
  troubles: () => string[];
}

/**
 * - `GET /metrics`: Prometheus' text format.
 * - `GET /healthz`: 200 while work is getting done, 503 when a part is stalled: restart it.
 * - `GET /readyz`: 200 when the role can do its job, 503 with the reasons when it cannot for now: send it no traffic.
 */
export function adminRoutes({ registry, health, troubles }: AdminDeps): Hono {
  const app = new Hono();
  app.get('/metrics', async (c) =>
    c.body(await registry.metrics(), 200, { 'content-type': registry.contentType }),
  );
  app.get('/healthz', (c) => {
    const report = health.report();
    return c.json(report, report.healthy ? 200 : 503);
  });
  app.get('/readyz', (c) => {
    const reasons = troubles();
    return c.json({ ready: reasons.length === 0, reasons }, reasons.length === 0 ? 200 : 503);
  });
  return app;
}

export interface AdminServerOptions extends AdminDeps {
  host: string;
  port: number;
  /** The config key that sets the port, for the error when it is taken. */
  portKey: string;
}

/** The three routes on a server of their own, for roles that serve nothing else. */
export function startAdminServer(options: AdminServerOptions): Promise<HttpServer> {
  const { host, port, portKey } = options;
  return startHttpServer({ app: adminRoutes(options), host, port, portKey });
}
