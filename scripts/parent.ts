import type { Started } from '../common/role.ts';

/** The process that started this one through an IPC channel, if one did. It may end at any time: that stops this one (lifecycle.ts), and is no failure. */

/** What a role tells its parent once it works. */
export type ReadyMessage = { ready: Started };

export function tellParent(message: ReadyMessage): void {
  // With a callback, a channel that is closed is told there and not thrown.
  process.send?.(message, undefined, undefined, () => undefined);
}

/** Only the channel is left when everything has stopped; it would keep the process. */
export function leaveParent(): void {
  if (process.connected) process.disconnect();
}
