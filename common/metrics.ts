import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { VERSION } from './version.ts';

/**
 * Counters and gauges of a process, for Prometheus. Every part declares its own beside its code and is handed the registry:
 * nothing is global, so two roles can live in one process of a test.
 *
 * Names: `tranweave_<part>_<what>_total` for what only grows, `_seconds` and `_bytes` for amounts with a unit.
 * https://prometheus.io/docs/practices/naming/
 */
export { Registry } from 'prom-client';

/**
 * How often the lag of the event loop is looked at. By default every 10 ms, which keeps a process that has nothing to do from sleeping and was two
 * thirds of what an idle collector took.
 */
const LAG_INTERVAL_MS = 100;

/** @param role becomes the label of `tranweave_build_info`, so that a dashboard can tell what runs where. */
export function createRegistry(role: string): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_INTERVAL_MS });
  new Gauge({
    name: 'tranweave_build_info',
    help: 'Always 1; the labels tell the role and the version',
    labelNames: ['role', 'version', 'node'],
    registers: [registry],
  }).set({ role, version: VERSION, node: process.version }, 1);
  return registry;
}
