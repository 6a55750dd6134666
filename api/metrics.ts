import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from '../common/metrics.ts';

/** What the API counts. */
export type ApiMetrics = ReturnType<typeof createApiMetrics>;

/** @param streams tells how many clients of streams there are. */
export function createApiMetrics(registry: Registry, streams: () => number) {
  const registers = [registry];
  return {
    streams: new Gauge({
      name: 'tranweave_api_streams',
      help: 'Clients of streams that are connected',
      registers,
      collect() {
        this.set(streams());
      },
    }),
    requests: new Counter({
      name: 'tranweave_api_requests_total',
      help: 'Requests that were answered, by resource and status',
      labelNames: ['resource', 'status'],
      registers,
    }),
    seconds: new Histogram({
      name: 'tranweave_api_request_seconds',
      help: 'Time from a request to its answer, by resource',
      labelNames: ['resource'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 5, 10],
      registers,
    }),
    cut: new Counter({
      name: 'tranweave_api_streams_cut_total',
      help: 'Clients of streams that were cut off since they were too slow',
      registers,
    }),
  };
}
