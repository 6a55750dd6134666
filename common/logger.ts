import { pino } from 'pino';

/** Structured logs, one line per event worth knowing; never a payload or a credential. */
export type Logger = pino.Logger;

/**
 * @param role what the process does: collector, processor, sinks, …
 * @param level pino's levels, `info` if not given.
 */
export function createLogger(role: string, level = 'info'): Logger {
  return pino({ base: { role, pid: process.pid }, level, timestamp: pino.stdTimeFunctions.isoTime });
}

/** Takes lines and writes none: for tests and one-shot commands. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
