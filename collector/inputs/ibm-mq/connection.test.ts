import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { FatalError } from '../../../common/errors.ts';
import { ibmMqInput } from '../ibm-mq.ts';
import { connectionOf, withAbsolutePaths } from './connection.ts';

const parse = (config: Record<string, unknown>) =>
  v.parse(ibmMqInput.config, { type: 'ibm-mq', name: 'mq', queues: ['Q'], ...config });
const way = { connection: 'mq1(1414),mq2(1415)', channel: 'C' };

describe('a config', () => {
  test.each([
    [{}, 'needs `connection` and `channel`, or `ccdt`'],
    [{ connection: 'mq1(1414)' }, 'needs `connection` and `channel`'],
    [{ ...way, ccdt: 'file:///x.json' }, 'one way is enough'],
    [{ ...way, connection: 'mq1:1414' }, 'must be `host(port)`'],
    [{ ...way, user: 'a', password: 'x', password_file: 'y' }, 'has `password` and also `password_file`'],
    [{ ...way, password: 'x' }, 'no `user`'],
    [{ ...way, exclusive: true, getters: 2 }, 'shut each other out'],
    [{ ...way, queues: [] }, 'at least one queue'],
    [{ ...way, queues: ['A', 'A'] }, 'names a queue twice'],
    [{ ...way, queues: ['A B'] }, 'must be a name of MQ'],
  ])('%j is refused: %s', (config, words) => {
    expect(() => parse(config)).toThrow(words);
  });

  test('is what the client library is told', () => {
    const tls = {
      cipher: 'ANY_TLS12',
      key_repository: 'k.p12',
      certificate_label: 'me',
      peer_name: 'CN=QM1',
    };
    const config = parse({ ...way, user: 'app', password: 'pw', heartbeat: '5s', tls });
    expect(connectionOf(config, () => '')).toEqual({
      queueManager: '',
      program: 'tranweave',
      heartbeatS: 5,
      connectionName: way.connection,
      channel: 'C',
      user: 'app',
      password: 'pw',
      tls: { cipher: 'ANY_TLS12', keyRepository: 'k.p12', certificateLabel: 'me', peerName: 'CN=QM1' },
    });
  });

  test("has paths that are seen from the config's folder", () => {
    const config = parse({
      ...way,
      user: 'a',
      password_file: 'pw',
      client_library_dir: 'mq/lib64',
      tls: { key_repository: 'k' },
    });
    expect(withAbsolutePaths(config, (path) => `/etc/${path}`)).toMatchObject({
      password_file: '/etc/pw',
      client_library_dir: '/etc/mq/lib64',
      tls: { key_repository: '/etc/k' },
    });
  });
});

describe('a password in a file', () => {
  const config = parse({ ...way, user: 'app', password_file: '/etc/password' });

  test('ends before its line end', () => {
    expect(connectionOf(config, () => 'se cret\r\n').password).toBe('se cret');
  });

  test('that cannot be read ends the start', () => {
    const read = () => {
      throw new Error('ENOENT');
    };
    expect(() => connectionOf(config, read)).toThrow(FatalError);
  });
});
