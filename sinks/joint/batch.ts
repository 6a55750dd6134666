import { createHash } from 'node:crypto';
import type { BatchConfig } from '../config.ts';
import { sizeOf, topUp } from '../fill-batch.ts';
import { manifestOf } from '../manifest.ts';
import type { Manifest } from '../manifest.ts';
import type { SinkBatch } from '../sink.ts';
import { sinkBatchOf } from '../store-batch.ts';
import { untilTaken } from '../until-taken.ts';
import { forEachOffer } from './offers.ts';
import type { Offer } from './offers.ts';
import { createParty } from './party.ts';
import { writeOnce } from './write.ts';
import type { JointDeps } from './write.ts';

/** A joint batch whose bounds are written down, and of which it is decided that it goes. */
interface Formed {
  batch: SinkBatch;
  members: { offer: Offer; manifest: Manifest }[];
}

/**
 * Takes what is offered when there is a turn to write, and sees to it until all of it is settled: a joint batch is written as often as it takes, for as
 * long as one of its claims lasts.
 */
export async function carryTogether(deps: JointDeps, take: (bounds: BatchConfig) => Offer[]): Promise<void> {
  const party = createParty(deps);
  let formed: Formed | undefined;
  let begun = false;
  const attempt = async () => {
    if (!begun) {
      begun = true;
      try {
        formed = await form(deps, party.join(take(deps.pace.batch())));
      } catch (error) {
        // It may be decided or not: whoever finds its manifests asks.
        party.fail(error);
      }
    }
    if (formed === undefined) return 'apart';
    const { batch } = formed;
    formed = { ...formed, batch: { ...batch, repeated: true } };
    return writeOnce(deps, batch, party.observe);
  };
  try {
    const outcome = await untilTaken(party.writer, () => party.attempt(attempt));
    if (outcome === 'stored' && formed !== undefined) settleStored(deps, formed);
    else party.settle({ kind: outcome === undefined ? 'ended' : 'alone' });
  } catch (error) {
    party.fail(error);
  } finally {
    party.end();
  }
}

/** Undefined if they go by themselves, as far as they have not failed. */
async function form(deps: JointDeps, taken: readonly Offer[]): Promise<Formed | undefined> {
  const offers = await fillUp(deps, taken);
  const [first] = offers;
  if (first === undefined || offers.length === 1) return undefined;
  const members = offers.map((offer) => ({
    offer,
    manifest: manifestOf(offer.carried.stream, offer.position.lastId, offer.entries),
  }));
  const id = nameOf(members.map(({ manifest }) => manifest));
  const written = await forEachOffer(offers, (offer, index) => {
    const manifest = members[index]?.manifest;
    return manifest === undefined
      ? Promise.resolve()
      : offer.carried.ledger.begin({ ...manifest, joint: id });
  });
  if (written.length < offers.length) return undefined;
  const parts = members.map(({ offer, manifest: { first_id, last_id } }) => ({
    partition: offer.carried.lane.partition,
    first_id,
    last_id,
  }));
  if (!(await deps.records.decideToGo(id, parts))) return undefined;
  const entries = offers.flatMap((offer) => offer.entries);
  return { members, batch: sinkBatchOf(first.carried.lane, id, entries, false) };
}

/** Adds what has come since, to each as much as to the others. */
async function fillUp({ pace }: JointDeps, taken: readonly Offer[]): Promise<Offer[]> {
  const bounds = pace.batch();
  const sizes = taken.map(({ entries }) => sizeOf(entries));
  const share = (max: number, of: 'rows' | 'bytes') =>
    Math.max(0, max - sizes.reduce((sum, size) => sum + size[of], 0)) / taken.length;
  const [rows, bytes] = [share(bounds.rows_max, 'rows'), share(bounds.bytes_max, 'bytes')];
  return forEachOffer(taken, ({ carried, entries }, index) => {
    const size = sizes[index] ?? { rows: 0, bytes: 0 };
    const own = { ...bounds, rows_max: size.rows + rows, bytes_max: size.bytes + bytes };
    return topUp(carried.reader, own, entries);
  });
}

function settleStored({ records, logger }: JointDeps, { batch, members }: Formed): void {
  let left = members.length;
  const committed = () => {
    left -= 1;
    if (left > 0) return;
    // Else it is forgotten later.
    records
      .settle(batch.token)
      .catch((error: unknown) => logger.debug({ error }, 'a joint batch is kept longer'));
  };
  for (const { offer, manifest } of members)
    offer.settle({ kind: 'stored', begun: { manifest, entries: offer.entries, repeated: false }, committed });
}

/** Names these very batches, whoever forms them. */
function nameOf(manifests: readonly Manifest[]): string {
  const tokens = manifests.map(({ token }) => token).join('\n');
  return createHash('sha256').update(tokens).digest('hex').slice(0, 32);
}
