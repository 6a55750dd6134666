import * as v from 'valibot';

/**
 * A part that users choose by `type:` in the config: an input, a decoder, a sink, a channel. One file holds one
 * component: what it is, its settings with their docs and defaults, an example, and how it is made. Importing that
 * file does nothing. A plain object per kind (its registry.ts) lists them; validation of the config, the reference
 * page docs/configuration.md and the contract tests all come from going over that registry.
 */
export interface Component<Config, Deps, Instance> {
  /** The word after `type:`. */
  readonly type: string;
  /** One or two sentences for the reference page: what it is for and what to beware of. */
  readonly summary: string;
  /** YAML that works as it stands in the component's place in the config. */
  readonly example: string;
  /** A `v.strictObject` with `type: v.literal(…)`; every field has a `v.description` naming meaning, unit and bounds. */
  readonly config: v.GenericSchema<unknown, Config>;
  create(config: Config, deps: Deps): Instance;
}

/**
 * The schema of one entry of a registry, told apart by its `type`; an unknown type is answered with the known ones.
 * The cast is for valibot's variant, which wants a tuple of object schemas that a registry cannot show it.
 */
export function anyOf<R extends Readonly<Record<string, { readonly config: v.GenericSchema }>>>(
  registry: R,
): v.GenericSchema<unknown, v.InferOutput<R[keyof R]['config']>> {
  const known = Object.keys(registry).join(', ');
  const options = Object.values(registry).map((component) => component.config);
  return v.variant('type', options as unknown as v.VariantOptions<'type'>, (issue) =>
    issue.received === 'undefined'
      ? `needs a \`type\`: one of ${known}`
      : `must have a \`type\` that is one of ${known}`,
  ) as v.GenericSchema<unknown, v.InferOutput<R[keyof R]['config']>>;
}

/** Makes the part that a checked config asks for. The cast holds since `anyOf` has checked the config against that very component. */
export function createPart<Deps, Instance>(
  registry: Readonly<Record<string, { create(config: never, deps: Deps): Instance }>>,
  config: { type: string },
  deps: Deps,
): Instance {
  const component = registry[config.type];
  if (component === undefined) throw new TypeError(`no component of type ${config.type}`);
  return component.create(config as never, deps);
}
