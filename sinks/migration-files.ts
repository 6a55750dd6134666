import { readdirSync, readFileSync } from 'node:fs';

/** Numbered migrations: `NNN-title.sql` in a folder. One that was released is never edited; what changes is a new one. */
export interface Migration {
  version: number;
  title: string;
  sql: string;
}

/** All of a folder, in their order. */
export function migrationsIn(dir: URL): Migration[] {
  return readdirSync(dir)
    .sort()
    .flatMap((file) => {
      const m = /^(\d{3})-([a-z-]+)\.sql$/.exec(file);
      return m === null
        ? []
        : [{ version: Number(m[1]), title: m[2] ?? '', sql: readFileSync(new URL(file, dir), 'utf8') }];
    });
}

/** The statements of a migration, with what each `{name}` in it stands for. */
export function statementsOf(sql: string, parameters: Readonly<Record<string, string | number>>): string[] {
  return split(fillIn(sql, parameters));
}

function fillIn(sql: string, parameters: Readonly<Record<string, string | number>>): string {
  return sql.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => {
    if (!Object.hasOwn(parameters, name))
      throw new TypeError(`a migration names {${name}}, which is not known`);
    return String(parameters[name]);
  });
}

/** Statements end with a semicolon at the end of a line; whole-line comments are left out. */
function split(sql: string): string[] {
  return sql
    .replaceAll(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
