import * as v from 'valibot';

/** An address of the config that is reached by HTTP. */
export function httpUrl(description: string) {
  return v.pipe(
    v.string('must be a text'),
    v.url('must be a whole address, like https://host/path'),
    v.regex(/^https?:\/\//, 'must start with https:// or http://'),
    v.description(description),
  );
}
