import type { Component } from '../../common/component.ts';
import type { Charset } from '../charset.ts';
import type { Fields, RawRecord } from '../outcome.ts';

/**
 * The record's fields (several for a record that holds several, none for one that carries no data, like a header line), or
 * why it cannot be decoded, in words for a person who sees the record beside it: `field 3 of 7 is missing`.
 */
export type Decoded = { fields: Fields[] } | { error: string };

/**
 * Bytes → fields. Synchronous and pure: the same record gives the same fields. Never throws because of its
 * input; whatever the bytes are, the answer is fields or an error. Objects are made without a prototype or checked so
 * that a key `__proto__` stays a key.
 */
export interface Decoder {
  /** Set if it reads `header`: a record that is kept as a dead letter is kept with its source's header then. */
  readonly usesHeader?: true;
  decode(record: RawRecord): Decoded;
}

export interface DecoderDeps {
  /** How the input's records are written. */
  charset: Charset;
}

export type DecoderComponent<Config> = Component<Config, DecoderDeps, Decoder>;

/** An object for fields whose names come from the record: without a prototype, so that every name is only a name. */
export function noFields(): Fields {
  return Object.create(null) as Fields;
}

/** What is said of a record, or a part of one, whose bytes are not in the input's encoding. */
export function notText({ name }: Charset): string {
  return `is not ${name.toUpperCase()}`;
}

/** Puts a value under its name; under a name that is there already stands the list of its values. */
export function addValue(fields: Fields, name: string, value: unknown): void {
  const there = fields[name];
  if (there === undefined) fields[name] = value;
  else if (Array.isArray(there)) there.push(value);
  else fields[name] = [there, value];
}
