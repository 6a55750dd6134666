/** The terminal that `up` runs in. It can go away at any time (a pipe's reader ends, a window is closed), and what runs must be stopped in order all the same. */

/**
 * From now on, what cannot be shown is let go, whatever the reason, and though other commands end when their output cannot be written: a full disk behind it
 * must not end the process at once.
 */
export function outliveTerminal(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.removeAllListeners('error').on('error', () => undefined);
}

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP; at a second SIGINT or SIGTERM the process ends as it would by itself. Not so at a second SIGHUP:
 * a terminal that is closed sends one, and its shell another.
 */
export function stopSignal(onStop: () => void): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) return;
    controller.abort();
    onStop();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  process.on('SIGHUP', stop);
  return controller.signal;
}
