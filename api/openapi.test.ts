import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { TRACKING_LOG_FIELDS } from '../common/tracking-log.ts';
import { openApiDocument } from './openapi.ts';

test('the document is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(openApiDocument()));
  expect(result.errors ?? []).toEqual([]);
  expect([result.valid, validator.version]).toEqual([true, '3.1']);
});

test('the validator would find a mistake', async () => {
  const document = openApiDocument();
  const result = await new Validator().validate({
    ...document,
    paths: { '/v1/x': { get: { responses: [] } } },
  });
  expect(result.valid).toBe(false);
});

test('every parameter and field says what it means', () => {
  const document = openApiDocument();
  const parameters = Object.values(document.paths).flatMap(({ get }) => get.parameters);
  expect(parameters.filter(({ description }) => description === '')).toEqual([]);
  const { Transaction, Log } = document.components.schemas as Record<
    string,
    { properties: Record<string, { description?: string }> }
  >;
  expect(Object.keys(Log!.properties)).toEqual(TRACKING_LOG_FIELDS);
  for (const { properties } of [Transaction!, Log!]) {
    const silent = Object.keys(properties).filter((name) => !properties[name]!.description);
    expect(silent).toEqual([]);
  }
});
