import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { QUEUES } from '../../collector/inputs/ibm-mq/queue-manager-fixture.ts';

/** Docker cannot run here, so the compose file is held to what the rest of the project says. */

interface Service {
  image: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  restart?: string;
  stop_grace_period?: string;
  deploy?: { replicas: number };
  profiles?: string[];
  secrets?: string[];
}
interface RoleConfig {
  redis: { url: string };
  inputs: { type: string; host: string; port: number }[];
  sinks: { type: string; url: string }[];
  collector: Admin;
  processor: Admin;
  sinks_process: Admin;
  api: Admin & { host: string; port: number; keys: { key: string }[] };
}
interface Admin {
  admin: { host: string; port: number };
}

const root = new URL('../../', import.meta.url);
const textOf = (file: string) => readFileSync(new URL(file, root), 'utf8');
const yamlOf = (file: string): unknown => parse(textOf(file), { merge: true });

const { services, secrets } = yamlOf('docker-compose.yml') as {
  services: Record<string, Service>;
  secrets: Record<string, { environment: string }>;
};
const config = yamlOf('deploy/tranweave.compose.yml') as RoleConfig;
const dockerfile = textOf('Dockerfile');
const always = ['collector', 'processor', 'sinks'];
const roles = [...always, 'api'];
const service = (name: string) => services[name]!;

describe('docker-compose.yml', () => {
  test('has the two stores and the roles, with two processors; the API only when it is asked for', () => {
    const started = Object.keys(services).filter((name) => service(name).profiles === undefined);
    expect(started.toSorted()).toEqual(['clickhouse', ...always, 'redis'].toSorted());
    expect(service('api').profiles).toEqual(['api']);
    expect(service('processor').deploy).toEqual({ replicas: 2 });
  });

  test('runs each role by its command, from one image that is built here', () => {
    for (const role of roles) {
      const { command, build, image } = service(role);
      expect(command).toEqual([role, '--config', '/etc/tranweave/tranweave.yml']);
      expect(build).toBe('.');
      expect(image).toBe(service('collector').image);
    }
  });

  test('tags the image with the version of the package', () => {
    const { version } = JSON.parse(textOf('package.json')) as { version: string };
    expect(service('collector').image).toBe(`tranweave:${version}`);
  });

  test('mounts a config that exists, read-only, where the command looks for it', () => {
    for (const role of roles) {
      const [from, to, mode] = service(role).volumes![0]!.split(':');
      expect([to, mode]).toEqual(['/etc/tranweave/tranweave.yml', 'ro']);
      expect(existsSync(fileURLToPath(new URL(from!, root)))).toBe(true);
    }
  });

  test('keeps every log: append-only file, never evicting, on a volume', () => {
    const { command, volumes } = service('redis');
    expect(command!.join(' ')).toContain('--appendonly yes');
    expect(command!.join(' ')).toContain('--maxmemory-policy noeviction');
    expect(volumes).toEqual(['redis-data:/data']);
  });

  test('starts a role once what it needs is healthy, and everything again after a crash', () => {
    for (const role of roles) {
      expect(service(role).depends_on!['redis']).toEqual({ condition: 'service_healthy' });
    }
    expect(service('sinks').depends_on!['clickhouse']).toEqual({ condition: 'service_healthy' });
    for (const { restart, stop_grace_period } of Object.values(services)) {
      expect(restart).toBe('unless-stopped');
      expect(stop_grace_period).toMatch(/^\d+s$/);
    }
    for (const store of ['redis', 'clickhouse'])
      expect(service(store).healthcheck!.test.length).toBeGreaterThan(1);
  });

  test('has no password of its own, and opens ports to this machine only', () => {
    for (const name of ['clickhouse', 'sinks', 'api']) {
      expect(service(name).environment!['CLICKHOUSE_PASSWORD']).toMatch(/^\$\{CLICKHOUSE_PASSWORD:\?/);
    }
    expect(service('mq').secrets).toEqual(['mqAppPassword']);
    expect(secrets).toEqual({ mqAppPassword: { environment: 'MQ_PASSWORD' } });
    const ports = Object.values(services).flatMap((one) => one.ports ?? []);
    expect(ports.every((port) => port.startsWith('${TRANWEAVE_BIND:-127.0.0.1}:'))).toBe(true);
  });
});

describe('the queue manager of profile mq', () => {
  const { volumes, profiles, environment } = service('mq');

  test('is started only when it is asked for, with definitions that exist', () => {
    expect(profiles).toEqual(['mq']);
    expect(environment).toMatchObject({ LICENSE: 'accept', MQ_QMGR_NAME: 'QM1' });
    const files = volumes!.filter((volume) => volume.startsWith('./')).map((volume) => volume.split(':'));
    expect(files.map(([from]) => existsSync(fileURLToPath(new URL(from!, root))))).toEqual([true, true]);
    // The image runs what it finds there in this order.
    expect(files.map(([, to]) => to)).toEqual(
      files.map(([from], index) => `/etc/mqm/5${index}-${from!.split('/').at(-1)}`),
    );
  });

  test('has the queues that the tests get from', () => {
    const mqsc = textOf('deploy/tranweave-tests.mqsc');
    for (const queue of Object.values(QUEUES)) expect(mqsc).toContain(`DEFINE QLOCAL(${queue}) `);
    expect(mqsc).toContain(`BOTHRESH(3) BOQNAME(${QUEUES.backout})`);
  });
});

describe('deploy/tranweave.compose.yml', () => {
  test('names the stores by their services', () => {
    expect(config.redis.url).toBe('redis://redis:6379');
    expect(config.sinks.map(({ type, url }) => [type, url])).toEqual([
      ['clickhouse', 'http://clickhouse:8123'],
    ]);
  });

  test('listens for logs on the port that is published', () => {
    const http = config.inputs.find((input) => input.type === 'http');
    expect(http!.host).toBe('0.0.0.0');
    expect(service('collector').ports!.map((port) => port.split(':').at(-1))).toEqual([String(http!.port)]);
  });

  test('serves the API on the port that is published, under a key that is given from outside', () => {
    expect(config.api).toMatchObject({ host: '0.0.0.0', keys: [{ key: '${TRANWEAVE_API_KEY:-}' }] });
    expect(service('api').ports!.map((port) => port.split(':').at(-1))).toEqual([String(config.api.port)]);
    expect(service('api').environment!['TRANWEAVE_API_KEY']).toBe('${TRANWEAVE_API_KEY:-}');
  });

  test("serves every role's health where the image asks for it", () => {
    const asked = /TRANWEAVE_HEALTH_URL=http:\/\/127\.0\.0\.1:(\d+)\/healthz/.exec(dockerfile)![1];
    for (const { admin } of [config.collector, config.processor, config.sinks_process, config.api]) {
      expect([admin.host, String(admin.port)]).toEqual(['0.0.0.0', asked]);
    }
  });
});

describe('Dockerfile', () => {
  test('makes an image of Node 20 whose process is not root and has no embedded engine', () => {
    const last = dockerfile.split(/^FROM /m).at(-1)!;
    expect(last).toMatch(/^node:20-/);
    expect(last).toMatch(/^USER node$/m);
    expect(last).toMatch(/^HEALTHCHECK /m);
    expect(last).toContain('COPY --from=dependencies /app/node_modules');
    expect(dockerfile).toMatch(/AS dependencies\n[^]*npm ci --omit=dev --omit=optional/);
  });

  test('copies only what .dockerignore lets through', () => {
    const allowed = textOf('.dockerignore')
      .match(/^!.+$/gm)!
      .map((line) => line.slice(1));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \.\/?$/gm)].flatMap(([, files]) =>
      files!.split(' '),
    );
    expect(copied.filter((file) => file !== '.' && !allowed.includes(file))).toEqual([]);
    expect(allowed).toEqual(
      expect.arrayContaining(['common', 'collector', 'processor', 'sinks', 'api', 'scripts']),
    );
  });
});
