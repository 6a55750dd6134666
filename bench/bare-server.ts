import { serve } from '@hono/node-server';
import { Hono } from 'hono';

/** What Hono does by itself, in a process of its own: `/read` reads the body and no more, `/empty` does nothing. It says its port, and ends when it is let go. */

const app = new Hono();
app.post('/read', async (c) => {
  await c.req.text();
  return c.json({});
});
app.post('/empty', (c) => c.json({}));
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => process.send?.(port));
