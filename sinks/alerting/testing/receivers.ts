import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

/** Who is told, on loopback: a real SMTP server, a receiver of webhooks, and an endpoint that behaves as an Alertmanager. */

export interface Mail {
  to: string[];
  /** Names in small letters; the first of each name, unfolded and decoded. */
  headers: ReadonlyMap<string, string>;
  text: string;
}

export interface MailServer extends AsyncDisposable {
  port: number;
  mails: Mail[];
  /** What the next mails are answered, if not 250. */
  refuse(code: number | undefined): void;
}

/** @param login that it asks for; it takes everybody's mail if not given. Without TLS: what is asked of it must be refused. */
export async function startMailServer(login?: { username: string; password: string }): Promise<MailServer> {
  const mails: Mail[] = [];
  let code: number | undefined;
  const server = new SMTPServer({
    authOptional: login === undefined,
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _session, callback) => {
      if (username === login?.username && password === login?.password) callback(null, { user: username });
      else callback(Object.assign(new Error('who is that?'), { responseCode: 535 }));
    },
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (code !== undefined) {
          callback(Object.assign(new Error('not now'), { responseCode: code }));
          return;
        }
        const to = session.envelope.rcptTo.map(({ address }) => address);
        mails.push({ to, ...parseMail(Buffer.concat(chunks).toString()) });
        callback();
      });
    },
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    refuse: (next) => (code = next),
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function parseMail(raw: string): Omit<Mail, 'to'> {
  const end = raw.indexOf('\r\n\r\n');
  const headers = new Map<string, string>();
  for (const line of raw
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (!headers.has(name)) headers.set(name, decodeWords(line.slice(colon + 1).trim()));
  }
  return { headers, text: decodeBody(raw.slice(end + 4), headers.get('content-transfer-encoding') ?? '') };
}

/** https://www.rfc-editor.org/rfc/rfc2047 */
function decodeWords(text: string): string {
  return text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_whole, coding: string, word: string) =>
      coding.toLowerCase() === 'b'
        ? Buffer.from(word, 'base64').toString()
        : decodeQuoted(word.replaceAll('_', ' ')),
    );
}

function decodeBody(body: string, coding: string): string {
  if (coding === 'base64') return Buffer.from(body, 'base64').toString();
  const text = coding === 'quoted-printable' ? decodeQuoted(body.replaceAll('=\r\n', '')) : body;
  return text.replaceAll('\r\n', '\n');
}

function decodeQuoted(text: string): string {
  const bytes = text.replaceAll(/=([0-9A-F]{2})/gi, (_whole, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}

export interface Posted {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface HttpReceiver extends AsyncDisposable {
  url: string;
  posts: Posted[];
  /** What the next requests are answered, if not 200; 0: nothing at all, until it is something else. */
  answer(status: number): void;
}

/** @param take called with what is accepted; what it returns is the status. */
export async function startHttpReceiver(take: (posted: Posted) => number = () => 200): Promise<HttpReceiver> {
  const posts: Posted[] = [];
  let status = 200;
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (status === 0) return;
      const posted = {
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      const answered = status === 200 ? take(posted) : status;
      if (answered === 200) posts.push(posted);
      response.writeHead(answered).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posts,
    answer: (next) => (status = next),
    [Symbol.asyncDispose]: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An alert as an Alertmanager sees it. */
export interface ManagedAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
  /** How often it was told of it. */
  heard: number;
  /** `firing` and `resolved`, as it would have sent them on. */
  became: ('firing' | 'resolved')[];
}

export interface Alertmanager extends HttpReceiver {
  alerts: ReadonlyMap<string, ManagedAlert>;
}

const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Takes what `POST /api/v2/alerts` of a Prometheus Alertmanager takes, refuses what that refuses, and knows alerts by their labels as it does. */
export async function startAlertmanager(now: () => number): Promise<Alertmanager> {
  const alerts = new Map<string, ManagedAlert>();
  const receiver = await startHttpReceiver(({ path, body }) => {
    if (path !== '/api/v2/alerts') return 404;
    const posted = JSON.parse(body) as ManagedAlert[];
    if (!Array.isArray(posted) || !posted.every(isAlert)) return 400;
    for (const alert of posted) {
      const key = JSON.stringify(Object.entries(alert.labels).sort(([a], [b]) => (a < b ? -1 : 1)));
      const known = alerts.get(key);
      const state = Date.parse(alert.endsAt) <= now() ? 'resolved' : 'firing';
      const became = known?.became ?? [];
      alerts.set(key, {
        ...alert,
        heard: (known?.heard ?? 0) + 1,
        became: became.at(-1) === state ? became : [...became, state],
      });
    }
    return 200;
  });
  return Object.assign(receiver, { alerts });
}

/** https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, and what Alert.Validate asks besides. */
function isAlert({ labels, annotations, startsAt, endsAt }: ManagedAlert): boolean {
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  return (
    isText(labels['alertname']) &&
    Object.keys({ ...labels, ...annotations }).every((name) => LABEL.test(name)) &&
    Object.values(labels).every((value) => typeof value === 'string') &&
    RFC3339.test(startsAt) &&
    RFC3339.test(endsAt) &&
    Date.parse(endsAt) >= Date.parse(startsAt)
  );
}
