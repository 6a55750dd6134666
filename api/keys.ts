import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { FatalError } from '../common/errors.ts';
import type { ApiConfig } from './config.ts';
import { ApiProblem } from './problem.ts';

/** Who asks, and what it may see. */
export interface Caller {
  /** The key's name; '' for everybody on this machine, where there are no keys. */
  name: string;
  /** Interfaces that it may see; undefined for all. */
  interfaces: ReadonlySet<string> | undefined;
  /** Requests a minute. */
  rateLimit: number;
}

/** @returns who sent this request. Throws a 401 for a key that is missing or wrong. */
export type Authenticate = (headers: Headers) => Caller;

interface KnownKey {
  caller: Caller;
  digest: Buffer;
}

/** Throws a FatalError where the API would be open to other machines without a key. */
export function createAuthenticate(config: Pick<ApiConfig, 'host' | 'keys' | 'rate_limit'>): Authenticate {
  const known = knownKeys(config);
  if (known.length === 0) {
    refuseOpen(config.host);
    const everybody: Caller = { name: '', interfaces: undefined, rateLimit: config.rate_limit };
    return () => everybody;
  }
  return (headers) => {
    const sent = keyIn(headers);
    if (sent === undefined) {
      throw unauthorized('a key is needed: `Authorization: Bearer KEY` or `X-Api-Key: KEY`');
    }
    // Digests have one length, and every key is compared: the time taken tells nothing of where a guess was wrong.
    const digest = sha256(sent);
    let caller: Caller | undefined;
    for (const key of known) if (timingSafeEqual(key.digest, digest)) caller ??= key.caller;
    if (caller === undefined) throw unauthorized('this key is not known');
    return caller;
  };
}

function refuseOpen(host: string): void {
  if (isLoopback(host)) return;
  throw new FatalError(
    `the API would be open to everybody who reaches ${host}: give \`api.keys\` a key (one that is empty opens nothing), or set \`api.host: 127.0.0.1\``,
  );
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

function knownKeys({ keys, rate_limit }: Pick<ApiConfig, 'keys' | 'rate_limit'>): KnownKey[] {
  return keys
    .filter(({ key }) => key !== '')
    .map((one) => ({
      caller: {
        name: one.name,
        interfaces: one.interfaces === undefined ? undefined : new Set(one.interfaces),
        rateLimit: one.rate_limit ?? rate_limit,
      },
      digest: one.sha256 === undefined ? sha256(one.key ?? '') : Buffer.from(one.sha256, 'hex'),
    }));
}

function keyIn(headers: Headers): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1];
  return bearer ?? headers.get('x-api-key') ?? undefined;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function unauthorized(detail: string): ApiProblem {
  return new ApiProblem(401, detail, { headers: { 'WWW-Authenticate': 'Bearer realm="tranweave"' } });
}
