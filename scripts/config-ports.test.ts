import { expect, test } from 'vitest';
import { checkConfig } from '../common/config.ts';
import { tranweaveConfigSchema } from './tranweave-config.ts';

const mistakesIn = (text: string) =>
  (checkConfig(text, tranweaveConfigSchema, {}).mistakes ?? []).map(
    ({ line, key, reason }) => `${line} ${key} ${reason}`,
  );
const inputs = (...rest: string[]) =>
  ['inputs:', ...rest.map((one, at) => `  - { type: http, name: in-${at}, ${one} }`)].join('\n');

test.each([
  ['two inputs', inputs('port: 8081', 'port: 8081')],
  ['one on every address', inputs('port: 8081, host: 0.0.0.0', 'port: 8081')],
  ['one on every address, of both kinds', inputs('port: 8081', 'port: 8081, host: "::"')],
  ['the port that is not given', inputs('port: 8080', 'host: 127.0.0.1')],
])('a port that would be taken twice is a mistake of the second one: %s', (_name, text) => {
  expect(mistakesIn(text)).toEqual([
    expect.stringMatching(/^3 inputs\[1\]\.port is 808\d, which is taken already by inputs\[0\]\.port on /),
  ]);
});

test('so is one of an input and its collector, or of the api and its own', () => {
  const text = `${inputs('port: 8081')}
collector: { admin: { port: 8081 } }
api:
  admin: { port: 8090 }
`;
  expect(mistakesIn(text)).toEqual([
    '3 collector.admin.port is 8081, which is taken already by inputs[0].port on 127.0.0.1',
    '5 api.admin.port is 8090, which is taken already by api.port on 127.0.0.1',
  ]);
});

test.each([
  ['any that is free', inputs('port: 0', 'port: 0')],
  ['two addresses', inputs('port: 8081', 'port: 8081, host: 127.0.0.2')],
  ['addresses of two kinds', inputs('port: 8081, host: 0.0.0.0', 'port: 8081, host: "::1"')],
  // Which may run on machines, or in containers, of their own.
  [
    'two roles',
    `${inputs('port: 8090')}
collector: { admin: { port: 9464 } }
processor: { admin: { port: 9464 } }
api: { admin: { port: 9464 } }
`,
  ],
])('a port may be named twice: %s', (_name, text) => {
  expect(mistakesIn(text)).toEqual([]);
});
