import type { InputConfig } from '../../collector/inputs/registry.ts';
import { checkConfig } from '../../common/config.ts';
import type { ConfigMistake } from '../../common/config.ts';
import { configText } from '../../scripts/init/config-text.ts';
import { guessInput } from '../../scripts/init/guess.ts';
import { tranweaveConfigSchema } from '../../scripts/tranweave-config.ts';

/** What `tranweave init --from` writes of a sample, and what `validate` says of it. */
export interface Written {
  text: string;
  /** What is to be filled in, as keys of the input. */
  todo: string[];
  /** All else that is wrong with it. */
  mistakes: ConfigMistake[];
  /** The input, with `info`, `hub`, an id, a time and a zone where something is to be filled in. */
  input: InputConfig;
}

export function written(bytes: Buffer, zone?: string): Written {
  const text = configText(guessInput(bytes, zone), {
    name: 'sample',
    file: '/var/log/eai/sample.log',
    output: 'tranweave.yml',
  });
  const { mistakes = [] } = checkConfig(text, tranweaveConfigSchema, {});
  const isTodo = ({ reason }: ConfigMistake) => reason.endsWith('(TODO)');
  return {
    text,
    todo: mistakes.filter(isTodo).map(({ key }) => key.replace(/^inputs\[0\]\.(?:mapping\.)?/, '')),
    mistakes: mistakes.filter((mistake) => !isTodo(mistake)),
    input: inputOf(filledIn(text)),
  };
}

/** As a person might do it. */
function filledIn(text: string): string {
  return text
    .replaceAll(/zone: TODO/g, 'zone: Asia/Seoul')
    .replaceAll(/( status: .*?)TODO/g, '$1info')
    .replaceAll(/ status: (.*)TODO/g, ' status: $1info')
    .replaceAll(/ step: { constant: TODO }/g, ' step: { constant: hub }')
    .replaceAll(/ event_time: TODO/g, ' event_time: { constant: "2026-01-31T09:15:00Z" }')
    .replaceAll(/: TODO/g, ': { constant: some-id }');
}

function inputOf(text: string): InputConfig {
  const { config, mistakes } = checkConfig(text, tranweaveConfigSchema, {});
  const [input] = config?.inputs ?? [];
  if (input === undefined) throw new Error(`${JSON.stringify(mistakes)} in\n${text}`);
  return input;
}
