import type * as v from 'valibot';
import { anyOf, createPart } from '../../common/component.ts';
import { fileInput } from './file.ts';
import { httpInput } from './http.ts';
import { ibmMqInput } from './ibm-mq.ts';
import type { Input, InputDeps } from './input.ts';

/** Every input by its `type`. A new one is one file and one line here. */
export const inputs = {
  http: httpInput,
  file: fileInput,
  'ibm-mq': ibmMqInput,
};

/** The schema of an entry of `inputs:`. */
export const inputSchema = anyOf(inputs);
/** The config of any input. */
export type InputConfig = v.InferOutput<typeof inputSchema>;

export function createInput(config: InputConfig, deps: InputDeps): Input {
  return createPart<InputDeps, Input>(inputs, config, deps);
}
