#!/usr/bin/env node
import '../common/source-lines.ts';
import { Command } from 'commander';
import { describeError, FatalError, RetriableError } from '../common/errors.ts';
import { PARTITIONS_MAX } from '../common/partition.ts';
import { VERSION } from '../common/version.ts';

import { addAlerts } from './cli-alerts.ts';
import { addTo, configOption, wholeNumber, zoneOption } from './cli-options.ts';
import type { DecodeOptions } from './commands/decode.ts';
import type { ListOptions, ResolveOptions, ShowOptions } from './commands/dead-letters.ts';
import type { InitOptions } from './commands/init.ts';
import type { InsightsOptions, ShowInsightOptions } from './commands/insights.ts';
import type { BrowseQueueOptions, PutQueueOptions } from './commands/mq.ts';

/**
 * The one command of Tranweave.
 *
 * Each subcommand's code is loaded when it is called, so that `--help` is quick and a role
 * loads only what it needs.
 */

/** Accounts are kept for 32 days. */
const DAYS_MAX = 31;

const program = new Command('tranweave')
  .description('Collects the tracking logs of an EAI landscape and weaves them into transactions.')
  .version(VERSION)
  .showHelpAfterError('Run with --help to see what is possible.')
  .configureHelp({ sortSubcommands: false });

program
  .command('up')
  .description('run everything on this machine: a private Redis, an embedded ClickHouse, and all roles')
  .addOption(configOption())
  .option('-d, --data-dir <dir>', 'folder for the data; `up.data_dir` of the config if not given')
  .action(async (options: { config: string; dataDir?: string }) =>
    (await import('./commands/up.ts')).up(options),
  );

for (const [name, description] of [
  ['collector', 'take logs from the configured inputs and write them to Redis'],
  ['processor', 'merge logs into transactions; run as many as you like'],
  ['sinks', 'store logs and transactions in the configured repositories; run as many as you like'],
  ['api', 'serve transactions by HTTP, one, many and as they change; run as many as you like'],
] as const) {
  program
    .command(name)
    .description(description)
    .addOption(configOption())
    .action(async (options: { config: string }) =>
      (await import('./commands/roles.ts')).runRole(name, options.config),
    );
}

program
  .command('clickhouse')
  .description('serve an embedded ClickHouse by HTTP, as `up` does; for one machine only')
  .addOption(configOption())
  .option('-d, --data-dir <dir>', 'folder for the tables; below `up.data_dir` of the config if not given')
  .action(async (options: { config: string; dataDir?: string }) =>
    (await import('./commands/clickhouse.ts')).serveClickHouse(options),
  );

program
  .command('validate')
  .description('check a config, naming every mistake with its line, and say what its flows mean')
  .addOption(configOption())
  .action(async (options: { config: string }) =>
    (await import('./commands/validate.ts')).validate(options.config),
  );

program
  .command('test')
  .description(
    'try scenarios (logs, and what must become of them) against the flows of a config; needs no server',
  )
  .argument('[files...]', 'files of scenarios, or patterns; scenarios.yml beside the config if none is given')
  .addOption(configOption())
  .action(async (files: string[], options: { config: string }) =>
    (await import('./commands/test.ts')).testFlows(files, options),
  );

program
  .command('decode')
  .description(
    'show what an input makes of a sample, record by record: fields, logs, or what is wrong; needs no server',
  )
  .argument('[file]', 'the sample; standard input if not given')
  .addOption(configOption())
  .option('-i, --input <name>', 'the input; may be left out if the config has only one')
  .option('-q, --quiet', 'only records that become dead letters, and the counts')
  .option('--json', 'every record as a line of JSON')
  .action(async (file: string | undefined, options: DecodeOptions) =>
    (await import('./commands/decode.ts')).decode(file, options),
  );

program
  .command('trace')
  .description("show one transaction's steps as a timeline")
  .argument('<id>', 'the transaction id')
  .addOption(configOption())
  .addOption(zoneOption())
  .option('--json', 'the summary as JSON')
  .action(async (id: string, options: { config: string; zone: string; json?: true }) =>
    (await import('./commands/trace.ts')).trace(id, options),
  );

program
  .command('status')
  .description('show streams, the lag of every group, claims and who holds them')
  .addOption(configOption())
  .option('--json', 'the same as JSON')
  .action(async (options: { config: string; json?: true }) =>
    (await import('./commands/status.ts')).status(options),
  );

program
  .command('verify')
  .description(
    'compare what was accepted with what every sink has stored, count by count and transaction by transaction',
  )
  .addOption(configOption())
  .option('--days <count>', 'days of collection (UTC) to count, today included', wholeNumber(1, DAYS_MAX), 2)
  .option('--wait <duration>', 'how long what is on its way may take to arrive', '10s')
  .option('--json', 'the same as JSON')
  .action(async (options: { config: string; days: number; wait: string; json?: true }) =>
    (await import('./commands/verify.ts')).verify(options),
  );

const deadLetters = program
  .command('dead-letters')
  .description(
    'records that could not be taken: look at them, try them again once the config is mended, or drop them',
  );

/** Options that say which dead letters are meant. */
const selecting = (command: Command) =>
  command
    .argument('[ids...]', 'ids of dead letters; all that the options select if none is given')
    .addOption(configOption())
    .option('--input <name>', 'only of this input')
    .option('--stage <stage>', 'only of this stage: frame, decode, map, validate, `sink NAME`, …')
    .option('--since <duration>', 'only so old: 30m, 24h, 7d');

selecting(deadLetters.command('list'))
  .description('how many there are by input, stage and reason, and the newest of them')
  .option('-n, --limit <count>', 'how many of the newest to list', wholeNumber(1), 20)
  .option('--resolved', 'those that were retried or dropped, too')
  .addOption(zoneOption())
  .option('--json', 'as JSON lines')
  .action(async (ids: string[], options: ListOptions) =>
    (await import('./commands/dead-letters.ts')).list({ ...options, ids }),
  );

deadLetters
  .command('show')
  .description('one dead letter with its raw bytes')
  .argument('<id>', 'its id')
  .addOption(configOption())
  .option('--raw', 'the raw bytes alone, as they are')
  .addOption(zoneOption())
  .action(async (id: string, options: ShowOptions) =>
    (await import('./commands/dead-letters.ts')).show(id, options),
  );

selecting(deadLetters.command('retry'))
  .description(
    "try them again through their input's decoder and mapping as the config has them now; event ids stay the same",
  )
  .option('--all', 'all there are, if nothing else selects')
  .option('--dry-run', 'only say what would become of them')
  .action(async (ids: string[], options: ResolveOptions) =>
    (await import('./commands/dead-letters.ts')).retry({ ...options, ids }),
  );

selecting(deadLetters.command('drop'))
  .description('mark them as dealt with; they stay in the table until its retention')
  .option('--all', 'all there are, if nothing else selects')
  .action(async (ids: string[], options: ResolveOptions) =>
    (await import('./commands/dead-letters.ts')).drop({ ...options, ids }),
  );

addAlerts(program);
const insights = program
  .command('insights')
  .description('what is counted of the transactions as they come: windows, groups, measures');

insights
  .command('list')
  .description(
    'the insights of the config: since when they are counted, open and final windows, what came late',
  )
  .addOption(configOption())
  .option('--json', 'the same as JSON')
  .action(async (options: InsightsOptions) => (await import('./commands/insights.ts')).list(options));

insights
  .command('show')
  .description('the newest windows of one insight with their rows, in the time zone of its windows')
  .argument('<name>', 'the insight')
  .addOption(configOption())
  .option('-w, --windows <count>', 'how many of the newest windows', wholeNumber(1), 3)
  .option('-n, --limit <count>', 'how many rows of each window', wholeNumber(1), 50)
  .option('--json', 'the same as JSON, all rows')
  .action(async (name: string, options: ShowInsightOptions) =>
    (await import('./commands/insights.ts')).show(name, options),
  );

const mq = program
  .command('mq')
  .description('queues of IBM MQ by hand, reached as an input of type ibm-mq in the config is');

/** Options that say which queue is meant. */
const withQueue = (command: Command) =>
  command
    .addOption(configOption())
    .requiredOption('-q, --queue <name>', 'the queue')
    .option('--input <name>', 'the input whose connection is used; the first of type ibm-mq if not given');

withQueue(mq.command('put'))
  .description('put what is on the standard input, one message for each line that is not empty')
  .option('--whole', 'all of it as one message')
  .option('--format <name>', "the messages' format", 'MQSTR')
  .option('--ccsid <number>', 'the character set that they are in', wholeNumber(0), 1208)
  .action(async (options: PutQueueOptions) => (await import('./commands/mq.ts')).put(options));

withQueue(mq.command('browse'))
  .description('show messages, and leave them in the queue')
  .option('-n, --limit <count>', 'how many', wholeNumber(1), 20)
  .option('--json', 'as JSON lines')
  .action(async (options: BrowseQueueOptions) => (await import('./commands/mq.ts')).browse(options));

program
  .command('partitions')
  .description('show the partitions, or change how many there are: no log is lost, no transaction is split')
  .addOption(configOption())
  .option(
    '--to <count>',
    'how many there shall be; nothing is collected until that is done',
    wholeNumber(1, PARTITIONS_MAX),
  )
  .option('--wait <duration>', 'how long processors and sinks may take to work off what is there', '10m')
  .option(
    '--drop-group <name>',
    'a group that nobody reads for any more; may be given several times',
    addTo,
    [],
  )
  .action(async (options: { config: string; to?: number; wait: string; dropGroup: string[] }) =>
    (await import('./commands/partitions.ts')).partitions(options),
  );

program
  .command('init')
  .description('write a commented config to begin with, or one that is guessed from a sample')
  .option('-o, --output <file>', 'where to', './tranweave.yml')
  .option('--force', 'overwrite the file if it is there')
  .option('--from <sample>', 'a file whose encoding, records, fields and their meaning are guessed')
  .option('--zone <zone>', "zone of the sample's times, if they name none: Asia/Seoul, UTC, +09:00")
  .action(async (options: InitOptions) => (await import('./commands/init.ts')).init(options));

program
  .command('generate')
  .description('write made-up logs with a ledger of what must come out, to try things and to measure')
  .argument('<file>', 'where to; the ledger goes beside it, with the ending .ledger.json')
  .option(
    '-n, --transactions <count>',
    'how many transactions of about three logs each',
    wholeNumber(1),
    1000,
  )
  .option('--seed <number>', 'the same seed gives the same logs', wholeNumber(0), 1)
  .action(async (file: string, options: { transactions: number; seed: number }) =>
    (await import('./commands/generate.ts')).generate(file, options),
  );

// Whoever reads may have seen enough, as `head` has, or the terminal is closed: the rest is said to nobody, and the work is done all the same.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

try {
  await program.parseAsync();
} catch (error) {
  // What the operator can mend is told in words; anything else is a bug, whose stack trace helps.
  if (error instanceof FatalError || error instanceof RetriableError)
    process.stderr.write(`tranweave: ${describeError(error)}\n`);
  else
    process.stderr.write(
      `tranweave: this is a bug: ${error instanceof Error ? error.stack : String(error)}\n`,
    );
  process.exitCode = 1;
}
