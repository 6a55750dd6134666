import { writeFileSync } from 'node:fs';
import { configJsonSchema, configurationPage, trackingLogPage } from './reference.ts';

/** `npm run docs`: writes the pages that are made from the schemas. */
const docs = new URL('../../../docs/', import.meta.url);
writeFileSync(new URL('configuration.md', docs), configurationPage());
writeFileSync(new URL('tracking-log.md', docs), trackingLogPage());
writeFileSync(new URL('tranweave.schema.json', docs), configJsonSchema());
