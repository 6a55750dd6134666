import { toJsonSchema } from '@valibot/to-json-schema';
import { conditionSchema } from '../../collector/condition.ts';
import { ruleSchema } from '../../collector/mapping-rule.ts';
import { decoders } from '../../collector/decoders/registry.ts';
import { framings } from '../../collector/framing/registry.ts';
import { inputs } from '../../collector/inputs/registry.ts';
import { maskingSchema } from '../../collector/masking/config.ts';
import { trackingLogSchema } from '../../common/tracking-log.ts';
import { channels } from '../../sinks/alerting/channels/registry.ts';
import { ruleKinds } from '../../sinks/alerting/rules/registry.ts';
import { sinks } from '../../sinks/registry.ts';
import { tranweaveConfigSchema } from '../tranweave-config.ts';

/** The reference pages, made from the schemas that check the config and the logs: what they say is what is done. */

/** The part of JSON Schema that our schemas come to. */
interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  description?: string;
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  additionalProperties?: Schema | boolean;
  minimum?: number;
  maximum?: number;
}

function schemaOf(schema: Parameters<typeof toJsonSchema>[0]): Schema {
  // What JSON Schema cannot say (a check of ours) is left out; its description is there all the same.
  return toJsonSchema(schema, { typeMode: 'input', errorMode: 'ignore' }) as Schema;
}

/** The config's JSON Schema, for editors. */
export function configJsonSchema(): string {
  return `${JSON.stringify(schemaOf(tranweaveConfigSchema), null, 2)}\n`;
}

/** docs/configuration.md */
export function configurationPage(): string {
  const root = schemaOf(tranweaveConfigSchema);
  const lists = new Set(['inputs', 'sinks']);
  const parts = Object.entries(root.properties ?? {}).filter(([name]) => !lists.has(name));
  return `${[
    '# Configuration',
    '',
    'Made from the schemas by `npm run docs`; do not edit by hand. One YAML file, `./tranweave.yml` unless `--config` names another, serves every role:',
    'each reads the sections that it needs. Texts may hold `${NAME}` or `${NAME:-default}` from the environment. Durations have a unit',
    '(`500ms`, `10s`, `5m`, `24h`, `90d`), and so have sizes (`64KiB`, `16MiB`). Paths are relative to the file. `tranweave validate` names every mistake with its line;',
    'an editor that knows JSON Schema can use [tranweave.schema.json](tranweave.schema.json).',
    '',
    ...parts.flatMap(([name, schema]) => section(`## \`${name}\``, name, schema)),
    ...components('## `inputs`: where logs come from', inputs),
    ...components('## `framing`: bytes to records', framings),
    ...components('## `decoder`: records to fields', decoders),
    ...mappingRules(),
    ...section('## `masking`: what must not leave the node', '', schemaOf(maskingSchema)),
    ...components('## `sinks`: where everything is stored', sinks),
    ...components('## `alerts.rules`: what is told', ruleKinds),
    ...components('## `alerts.channels`: where messages go', channels),
  ].join('\n')}\n`;
}

/** One rule of a mapping; the fields that rules are for are those of the standard log. */
function mappingRules(): string[] {
  const rule = schemaOf(ruleSchema).anyOf?.find((option) => option.properties !== undefined) ?? {};
  const condition = schemaOf(conditionSchema).anyOf?.[0] ?? {};
  return [
    '## `mapping`: fields to the standard log',
    '',
    'Field of the [standard log](tracking-log.md) → rule. A rule is the name of a decoded field, or an object with exactly one of `field`, `constant` and `template`.',
    '`business_keys` and `attributes` hold a rule for each of their keys; `attributes: rest` takes every field that no rule names.',
    '',
    '```yaml',
    'mapping:',
    '  transaction_id: order_no',
    '  interface_id: { constant: shop-order }',
    '  step: { field: event, values: { Placed: send, Stored: receive }, default: hub }',
    "  event_time: { field: time, time: 'yyyy-MM-dd HH:mm:ss.SSS', zone: Asia/Seoul }",
    '  node: { field: [host, meta.path] }',
    '  business_keys: { account: account }',
    '  attributes: rest',
    '```',
    '',
    ...table(rowsOf('', rule, false)),
    '`logs` makes several logs of one record: a list of mappings, whose rules are added to those beside it or stand in their place. A log with `when` is there only if that',
    'condition holds. `skip`, beside `mapping`, passes over records of which its condition holds. A condition is an object of what follows, or a list of those as `all` or `any`.',
    '',
    '```yaml',
    'skip: { any: [{ field: level, is: [DEBUG, TRACE] }, { field: text, matches: heartbeat }] }',
    'mapping:',
    '  transaction_id: id',
    '  step: { constant: hub }',
    '  logs:',
    '    - { status: { constant: started }, event_time: started_at }',
    '    - { when: { field: ended_at }, status: { constant: succeeded }, event_time: ended_at }',
    '```',
    '',
    ...table(rowsOf('', condition, false)),
  ];
}

function section(title: string, path: string, schema: Schema): string[] {
  const rows = rowsOf(path, schema, false);
  return [
    title,
    '',
    ...(schema.description === undefined ? [] : [schema.description, '']),
    ...(rows.length === 0 ? [`Default: \`${JSON.stringify(schema.default)}\`.`, ''] : table(rows)),
  ];
}

function components(
  title: string,
  registry: Readonly<
    Record<string, { summary: string; example: string; config: Parameters<typeof toJsonSchema>[0] }>
  >,
): string[] {
  return [
    title,
    '',
    ...Object.entries(registry).flatMap(([type, { summary, example, config }]) => [
      `### \`type: ${type}\``,
      '',
      summary,
      '',
      '```yaml',
      example.trim(),
      '```',
      '',
      ...table(rowsOf('', schemaOf(config), false).filter((row) => row.path !== 'type')),
    ]),
  ];
}

interface Row {
  path: string;
  type: string;
  fallback: string;
  description: string;
}

/** Deeper than this a mapping's rules would be repeated for each field. */
function rowsOf(path: string, schema: Schema, required: boolean): Row[] {
  const object = objectOf(schema);
  if (object?.properties !== undefined && !/(?:mapping|decoder|framing|skip|masking)$/.test(path)) {
    const needed = new Set(object.required);
    const own = path !== '' && schema.items !== undefined ? [rowOf(path, schema, required)] : [];
    return [
      ...own,
      ...Object.entries(object.properties).flatMap(([name, sub]) =>
        rowsOf(
          path === '' ? name : `${path}${schema.items === undefined ? '' : '[]'}.${name}`,
          sub,
          needed.has(name),
        ),
      ),
    ];
  }
  return [rowOf(path, schema, required)];
}

/** The object behind a schema: itself, the items of a list, or the one option of a union that is an object. */
function objectOf(schema: Schema): Schema | undefined {
  if (schema.properties !== undefined) return schema;
  if (schema.items !== undefined) return objectOf(schema.items);
  const objects = (schema.anyOf ?? []).filter((option) => option.properties !== undefined);
  return objects.length === 1 ? objects[0] : undefined;
}

function rowOf(path: string, schema: Schema, required: boolean): Row {
  return {
    path,
    type: typeOf(schema),
    fallback:
      schema.default === undefined ? (required ? 'required' : '') : `\`${JSON.stringify(schema.default)}\``,
    description: schema.description ?? '',
  };
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(', ');
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return [...new Set(options.map(typeOf))].join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.type === 'integer' || schema.type === 'number') return 'number';
  return schema.type === 'string' ? 'text' : (schema.type ?? 'any');
}

function table(rows: readonly Row[]): string[] {
  if (rows.length === 0) return ['It has no settings.', ''];
  const cell = (text: string) => text.replaceAll('|', String.raw`\|`);
  return [
    '| key | type | default | meaning |',
    '|---|---|---|---|',
    ...rows.map(
      (row) => `| \`${row.path}\` | ${cell(row.type)} | ${cell(row.fallback)} | ${cell(row.description)} |`,
    ),
    '',
  ];
}

/** docs/tracking-log.md */
export function trackingLogPage(): string {
  const schema = schemaOf(trackingLogSchema);
  const needed = new Set(['transaction_id', 'step', 'status', 'event_time']);
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    path: name,
    type: typeOf(field),
    fallback: needed.has(name)
      ? 'required'
      : field.default === undefined
        ? ''
        : `\`${JSON.stringify(field.default)}\``,
    description: field.description ?? '',
  }));
  return [
    '# The standard log',
    '',
    'Made from the schema by `npm run docs`; do not edit by hand. What one step of a transaction reports once. Every input turns what it reads into this; it is what `POST /v1/logs`',
    'takes, and its fields are the columns of `tracking_log`. A field that is null or an empty text counts as absent.',
    '',
    ...table(rows),
  ].join('\n');
}
