import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { FatalError } from '../../common/errors.ts';
import { clickHouseError } from './clickhouse-error.ts';
import { headerOf, RequestError } from './request.ts';

/**
 * What a request may do. `all`: anything, by POST from this machine. `no-changes`: by GET from this machine, as in ClickHouse (readonly = 2).
 * `read`: from another machine, whatever it sends (readonly = 1, and nothing that reaches beyond the tables).
 */
export type Rights = 'all' | 'no-changes' | 'read';

/** @param peer the address at the other end of the connection; unknown counts as another machine. */
export function rightsOf(peer: string | undefined, method: string | undefined): Rights {
  if (!isLoopback(peer ?? '')) return 'read';
  return method === 'POST' ? 'all' : 'no-changes';
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine can be at the other end. */
export function isLoopback(address: string): boolean {
  // An IPv4 peer of a socket that takes both.
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  const version = isIP(plain);
  return address === 'localhost' || (version !== 0 && loopback.check(plain, version === 6 ? 'ipv6' : 'ipv4'));
}

/** Settings that a request may bring from another machine: how the answer looks, and how much work it may be. */
const SETTING_TO_READ =
  /^(?:output_format_(?!schema)\w+|format_(?:csv|tsv|custom|json)_\w+|date_time_(?:in|out)put_format|session_timezone|extremes|limit|offset|final|join_use_nulls|log_comment|max_(?:block_size|threads|execution_time|rows_to_read|bytes_to_read|rows_to_group_by)|(?:timeout|read)_overflow_mode)$/;
const READONLY_OF: Readonly<Record<Rights, string>> = { all: '0', 'no-changes': '2', read: '1' };

/**
 * The settings of a request, without the level of `readonly` that it has anyway. Throws a RequestError for one that its rights do not allow: some
 * change how statements are read, or name files.
 */
export function allowedSettings(settings: Settings, rights: Rights): Settings {
  if (rights === 'all') return settings;
  const { readonly, ...others } = settings;
  if (readonly !== undefined && readonly !== READONLY_OF[rights]) throw notToBeModified('readonly');
  const refused = Object.keys(others).find((name) =>
    rights === 'read' ? !SETTING_TO_READ.test(name) : name === 'dialect',
  );
  if (refused !== undefined) throw notToBeModified(refused);
  return others;
}
type Settings = Readonly<Record<string, string>>;

function notToBeModified(name: string): RequestError {
  return new RequestError(
    clickHouseError(164, 'READONLY', `Cannot modify '${name}' setting in readonly mode`),
  );
}

/** Where to listen: one that takes every address takes the others' with it. */
export function addressesOf(host: string, hostBesides: string | undefined): string[] {
  if (hostBesides === undefined || hostBesides === host) return [host];
  return hostBesides === '0.0.0.0' || hostBesides === '::' ? [hostBesides] : [host, hostBesides];
}

/** Throws a FatalError for an address that others can reach while nobody is asked for a password. */
export function checkAddresses(addresses: readonly string[], password: string | undefined): void {
  const open = addresses.find((address) => !isLoopback(address));
  if (open === undefined || (password ?? '') !== '') return;
  throw new FatalError(
    `ClickHouse is not served on ${open} without a password: anybody there could read the tables. ` +
      'Set `password` of the ClickHouse sink, or listen on 127.0.0.1 only (`up.clickhouse_host`)',
  );
}

/** By Basic authentication, ClickHouse's headers or the URL, as ClickHouse takes them. Throws a RequestError. */
export function authenticate(password: string | undefined, request: IncomingMessage): void {
  if ((password ?? '') === '') return;
  const url = new URL(request.url ?? '/', 'http://localhost');
  const basic = /^Basic (.+)$/.exec(headerOf(request, 'authorization') ?? '')?.[1];
  const fromBasic =
    basic === undefined
      ? undefined
      : Buffer.from(basic, 'base64')
          .toString()
          .replace(/^[^:]*:/, '');
  const given = fromBasic ?? headerOf(request, 'x-clickhouse-key') ?? url.searchParams.get('password') ?? '';
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (timingSafeEqual(digest(given), digest(password ?? ''))) return;
  throw new RequestError(
    clickHouseError(516, 'AUTHENTICATION_FAILED', 'default: Authentication failed: password is incorrect'),
  );
}
