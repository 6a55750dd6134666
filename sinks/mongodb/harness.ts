import { mongoServer } from '../../common/testing/mongodb.ts';
import type { SinkHarness } from '../testing/conformance.ts';
import { openMongo } from './fixture.ts';

export const mongodbHarness: SinkHarness = {
  missing: mongoServer === undefined ? 'there is no MongoDB, and FerretDB could not be built' : undefined,
  start: async () => {
    const fixture = await openMongo();
    const { proxy } = fixture;
    return {
      config: (more) => fixture.configOf(more),
      count: (stream) => fixture.count(stream),
      summary: async (id) => {
        const [found] = await fixture.documents('summary', { transaction_id: id });
        return found === undefined
          ? undefined
          : { status: String(found['status']), version: Number(found['version']) };
      },
      deadLetters: async (id) =>
        (await fixture.documents('dead_letter', { event_id: id })).map((letter) => ({
          stage: String(letter['stage']),
          reason: String(letter['reason']),
          raw: Buffer.from(String(letter['raw_base64']), 'base64'),
        })),
      setAway: (away) => proxy.setAway(away),
      stop: async () => fixture[Symbol.asyncDispose](),
    };
  },
};
