import type { RedisClient } from './connection.ts';
import { loadScript } from './scripts.ts';

/** The four scripts behind claims, typed; what they mean to each other is told in claims.ts. */

const acquireScript = loadScript(new URL('./claim-acquire.lua', import.meta.url));
const renewScript = loadScript(new URL('./claim-renew.lua', import.meta.url));
const releaseScript = loadScript(new URL('./claim-release.lua', import.meta.url));
const heartbeatScript = loadScript(new URL('./heartbeat.lua', import.meta.url));

/** Whose a token is: it is `epoch:replica`. */
export function holderOf(token: string): string {
  return token.slice(token.indexOf(':') + 1);
}

/** The claim's token, or while somebody holds it: in how many ms it expires unless it is renewed, Infinity if it never does. */
export type Acquired = { token: string; heldMs?: never } | { token?: never; heldMs: number };

/** @param former the token that the claim is held by, if it is ours: it gets a new one, and whatever was sent under the former is refused from then on. */
export async function acquireClaim(
  redis: RedisClient,
  claimKey: string,
  epochKey: string,
  replica: string,
  ttlMs: number,
  former = '',
): Promise<Acquired> {
  const words = [replica, ttlMs, former];
  const answer = (await acquireScript.run(redis, [claimKey, epochKey], words)) as Buffer | number;
  return typeof answer === 'number' ? { heldMs: answer < 0 ? Infinity : answer } : { token: String(answer) };
}

/** The epoch of a token: greater than that of everybody who held the claim before, whatever became of Redis since. */
export function epochOf(token: string): number {
  return Number(token.slice(0, token.indexOf(':')));
}

/** False if the claim is not the token's any more. */
export async function renewClaim(
  redis: RedisClient,
  claimKey: string,
  token: string,
  ttlMs: number,
): Promise<boolean> {
  return (await renewScript.run(redis, [claimKey], [token, ttlMs])) === 1;
}

/** False if the claim was not the token's any more. */
export async function releaseClaim(redis: RedisClient, claimKey: string, token: string): Promise<boolean> {
  return (await releaseScript.run(redis, [claimKey], [token])) === 1;
}

/** Shows that a replica lives, or says goodbye for it; returns the living ones, sorted. */
export async function heartbeat(
  redis: RedisClient,
  replicasKey: string,
  replica: string,
  ttlMs: number,
  goodbye: boolean,
): Promise<string[]> {
  const living = await heartbeatScript.run(redis, [replicasKey], [replica, ttlMs, goodbye ? '1' : '']);
  return (living as Buffer[]).map(String);
}
