import type { Command } from 'commander';
import { addTo, configOption, zoneOption } from './cli-options.ts';
import type { AddSilenceOptions, AlertsOptions, ListAlertsOptions } from './commands/alerts.ts';
import type { TestRulesOptions } from './commands/alerts-test.ts';

/** `tranweave alerts …` */
export function addAlerts(program: Command): void {
  const alerts = program
    .command('alerts')
    .description('what people are told of: see what fires, silence it, try rules and channels');

  alerts
    .command('list')
    .description('what is pending and firing since when, channels in trouble, and silences')
    .addOption(configOption())
    .addOption(zoneOption())
    .option('--json', 'the same as JSON')
    .action(async (options: ListAlertsOptions) => (await import('./commands/alerts.ts')).listAlerts(options));

  alerts
    .command('test')
    .description(
      'replay what ClickHouse holds through the rules, and show what would have fired; nobody is told',
    )
    .addOption(configOption())
    .option('--since <duration>', 'from so long ago: 30m, 24h, 7d', '24h')
    .option('--rule <name>', 'only this rule; may be given several times', addTo, [])
    .addOption(zoneOption())
    .action(async (options: TestRulesOptions) =>
      (await import('./commands/alerts-test.ts')).testRules(options),
    );

  alerts
    .command('send-test')
    .description('hand a message over that says that it is a test')
    .addOption(configOption())
    .requiredOption('--channel <name>', 'the channel')
    .action(async (options: { config: string; channel: string }) =>
      (await import('./commands/alerts.ts')).sendTest(options),
    );

  const silence = alerts.command('silence').description('keep people from being told, for a while');

  silence
    .command('add')
    .description('nobody is told of alerts whose labels match, for so long')
    .addOption(configOption())
    .option(
      '--where <label=pattern>',
      'rule=NAME, severity=warning, interface=shop-*, …; several must all match',
      addTo,
      [],
    )
    .option('--all', 'all alerts')
    .requiredOption('--for <duration>', 'how long: 30m, 2h, 3d')
    .option('--comment <text>', 'why', '')
    .option('--by <name>', 'who; the user of this machine if not given')
    .addOption(zoneOption())
    .action(async (options: AddSilenceOptions) => (await import('./commands/alerts.ts')).addSilence(options));

  silence
    .command('list')
    .description('silences, also those that ended within the last days')
    .addOption(configOption())
    .addOption(zoneOption())
    .action(async (options: AlertsOptions) => (await import('./commands/alerts.ts')).listSilences(options));

  silence
    .command('remove')
    .description('tell people again')
    .argument('<id>', 'its id')
    .addOption(configOption())
    .action(async (id: string, options: { config: string }) =>
      (await import('./commands/alerts.ts')).removeSilence(id, options),
    );
}
