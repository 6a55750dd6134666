import { expect, test } from 'vitest';
import { httpUrl } from './http-url.ts';

test.each([
  ['127.0.0.1', 'http://127.0.0.1:80'],
  ['store.example', 'http://store.example:80'],
  ['::1', 'http://[::1]:80'],
])('%s is reached at %s', (host, url) => {
  expect(httpUrl(host, 80)).toBe(url);
});
