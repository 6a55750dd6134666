import * as v from 'valibot';
import { duration } from '../../../common/config-values.ts';
import { FatalError } from '../../../common/errors.ts';
import type { Connection } from './protocol.ts';

/** How a queue manager is reached, as the config says it. */

const text = (description: string, maxLength: number) =>
  v.pipe(
    v.string('must be a text'),
    v.nonEmpty('must not be empty'),
    v.maxLength(maxLength, `is longer than ${maxLength} characters`),
    v.description(description),
  );

/** `host(port)`, or several with commas between. */
const CONNECTION_NAME = /^[^\s(),:]+\(\d{1,5}\)(?:,[^\s(),:]+\(\d{1,5}\))*$/;
const MS_PER_S = 1000;

const tls = v.strictObject({
  cipher: v.exactOptional(
    text(
      'CipherSpec of the channel (SSLCIPH), such as `ANY_TLS12_OR_HIGHER`. Not with `ccdt`, where the table has it.',
      32,
    ),
  ),
  key_repository: v.exactOptional(
    text(
      'Key repository with the certificates that are trusted, and our own if the channel asks for one: `/etc/mq/client.p12`, or a `.kdb` without its ending.',
      256,
    ),
  ),
  key_repository_password: v.exactOptional(
    text('Its password, if it has no stash file beside it; from the environment as `${NAME}`.', 1024),
  ),
  certificate_label: v.exactOptional(text('Label of our own certificate in it.', 64)),
  peer_name: v.exactOptional(
    text(
      "What the queue manager's certificate must say (SSLPEER): `CN=QM1,O=Example`. Not with `ccdt`.",
      1024,
    ),
  ),
});

export const connectionEntries = {
  queue_manager: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.maxLength(48, 'is longer than 48 characters'),
      v.description(
        'Name of the queue manager. Empty for whichever answers; `*GROUP` for one of a group of the `ccdt`.',
      ),
    ),
    '',
  ),
  connection: v.exactOptional(
    v.pipe(
      v.string('must be a text'),
      v.regex(CONNECTION_NAME, 'must be `host(port)`, or several with commas between: mq1(1414),mq2(1414)'),
      v.maxLength(264, 'is longer than 264 characters, which is all that MQ takes'),
      v.description('Where it listens: `mq1(1414)`, or a list, tried in this order: `mq1(1414),mq2(1414)`.'),
    ),
  ),
  channel: v.exactOptional(text('Server-connection channel, such as `TRANWEAVE.SVRCONN`.', 20)),
  ccdt: v.exactOptional(
    text(
      'URL of a client channel definition table, in place of `connection` and `channel`: `file:///etc/mq/ccdt.json`, or http(s) and ftp.',
      1024,
    ),
  ),
  user: v.exactOptional(
    text(
      'User who connects. Without it, the one that the process runs as, if the channel allows that.',
      1024,
    ),
  ),
  password: v.exactOptional(text("The user's password; from the environment as `${NAME}`.", 1024)),
  password_file: v.exactOptional(
    text(
      'File that holds the password, in place of `password`. Read once, at the start; a line end at its end is no part of it.',
      4096,
    ),
  ),
  tls: v.exactOptional(v.pipe(tls, v.description('TLS to the queue manager.'))),
  program: v.optional(
    text('Name under which the queue manager shows the connection (APPLTAG).', 28),
    'tranweave',
  ),
  heartbeat: v.optional(
    v.pipe(
      duration(
        'How often a connection where nothing goes on is tried (HBINT); the queue manager takes the longer of this and its own. Whole seconds.',
      ),
      v.minValue(MS_PER_S, 'must be at least 1s'),
      v.maxValue(999_999 * MS_PER_S, 'must be at most 999999s'),
    ),
    '10s',
  ),
  client_library_dir: v.exactOptional(
    text(
      "Folder of IBM's MQ client library (`libmqm_r`). If not given: what `LD_LIBRARY_PATH` names, then `/opt/mqm/lib64`.",
      4096,
    ),
  ),
};

const connectionSchema = v.object(connectionEntries);
export type ConnectionConfig = v.InferOutput<typeof connectionSchema>;

/** What is wrong with these settings together, if anything. */
export function connectionMistake(config: ConnectionConfig): string | undefined {
  const { connection, channel, ccdt, password, password_file, user } = config;
  if (ccdt === undefined && (connection === undefined || channel === undefined))
    return 'needs `connection` and `channel`, or `ccdt`';
  if (ccdt !== undefined && (connection !== undefined || channel !== undefined))
    return 'has `ccdt` and also `connection` or `channel`: one way is enough';
  if (password !== undefined && password_file !== undefined) return 'has `password` and also `password_file`';
  if (user === undefined && (password !== undefined || password_file !== undefined))
    return 'has a password but no `user`';
  return undefined;
}

/** The same with its paths seen from where the config is. */
export function withAbsolutePaths<C extends ConnectionConfig>(
  config: C,
  absolute: (path: string) => string,
): C {
  const { password_file, client_library_dir, tls } = config;
  const keys = tls?.key_repository;
  return {
    ...config,
    ...(password_file === undefined ? {} : { password_file: absolute(password_file) }),
    ...(client_library_dir === undefined ? {} : { client_library_dir: absolute(client_library_dir) }),
    ...(keys === undefined ? {} : { tls: { ...tls, key_repository: absolute(keys) } }),
  };
}

/** @param read reads a file. Throws a FatalError for a password file that cannot be read. */
export function connectionOf(config: ConnectionConfig, read: (file: string) => string): Connection {
  const { tls, user } = config;
  const password = passwordOf(config, read);
  return {
    queueManager: config.queue_manager,
    program: config.program,
    heartbeatS: Math.round(config.heartbeat / MS_PER_S),
    ...(config.connection === undefined ? {} : { connectionName: config.connection }),
    ...(config.channel === undefined ? {} : { channel: config.channel }),
    ...(config.ccdt === undefined ? {} : { ccdtUrl: config.ccdt }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: tlsOf(tls) }),
  };
}

function tlsOf(config: v.InferOutput<typeof tls>): NonNullable<Connection['tls']> {
  const { cipher, key_repository, key_repository_password, certificate_label, peer_name } = config;
  return {
    ...(cipher === undefined ? {} : { cipher }),
    ...(key_repository === undefined ? {} : { keyRepository: key_repository }),
    ...(key_repository_password === undefined ? {} : { keyRepositoryPassword: key_repository_password }),
    ...(certificate_label === undefined ? {} : { certificateLabel: certificate_label }),
    ...(peer_name === undefined ? {} : { peerName: peer_name }),
  };
}

function passwordOf(
  { password, password_file }: ConnectionConfig,
  read: (file: string) => string,
): string | undefined {
  if (password_file === undefined) return password;
  try {
    return read(password_file).replace(/\r?\n$/, '');
  } catch (error) {
    throw new FatalError(`the file of the MQ password (password_file) cannot be read`, { cause: error });
  }
}
