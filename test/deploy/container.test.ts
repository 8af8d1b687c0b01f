/** The image and the composition around it: what they copy and mount exists, and nothing is open that should not be. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { suite, test } from 'node:test'
import { parse } from 'yaml'
import { LIMITS } from '../../config/limits.ts'
import { DEFAULT_SETTINGS } from '../../config/node-settings.ts'
import { NODE_VARIABLES } from '../../config/variables.ts'
import { DEPLOY, deployed, ROOT } from './files.ts'

interface Instruction {
  readonly name: string
  readonly text: string
}

const DOCKERFILE: readonly Instruction[] = deployed('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => {
    const [, name = '', text = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? assert.fail(line)
    return { name, text: text.trim() }
  })

const INSTRUCTIONS = new Set(
  'ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL RUN STOPSIGNAL USER VOLUME WORKDIR'.split(' '),
)

const all = (name: string): string[] =>
  DOCKERFILE.filter((instruction) => instruction.name === name).map(({ text }) => text)
/** What is copied from outside of the builder. */
const SOURCES: readonly string[] = all('COPY')
  .filter((text) => !text.startsWith('--from='))
  .flatMap((text) => text.split(' ').slice(0, -1))
const list = (text: string | undefined): string[] => JSON.parse(text ?? '') as string[]

suite('Dockerfile', () => {
  test('has only instructions that Docker knows', () => {
    for (const { name } of DOCKERFILE) assert.ok(INSTRUCTIONS.has(name), name)
  })

  test('copies what the package has', () => {
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] }
    const packed = new Set([...files, 'package.json', 'LICENSE'])
    // A pattern may match nothing.
    assert.ok(SOURCES.length >= 4)
    const missing = SOURCES.filter((source) => !packed.has(source) && !source.includes('['))
    assert.deepEqual(missing, [])
    for (const source of ['package.json', 'LICENSE', 'NOTICE', 'bin'])
      assert.ok(existsSync(join(ROOT, source)), source)
  })

  test('the builder is sent that, and nothing of a node that lies about', () => {
    const lines = deployed('Dockerfile.dockerignore').split('\n')
    const [all = '', ...sent] = lines.filter((line) => line !== '' && !line.startsWith('#'))
    assert.equal(all, '*')
    const wanted = SOURCES.map((source) => `!${source.replace(/\[(.)\]/, '$1')}`)
    assert.deepEqual(sent.sort(), [...new Set(wanted)].sort())
  })

  test('is Node 24 on Debian, with production packages and no compiler', () => {
    assert.deepEqual(all('ARG'), ['NODE_IMAGE=node:24-bookworm-slim'])
    for (const from of all('FROM')) assert.match(from, /^\$\{NODE_IMAGE\}/)
    const runs = all('RUN').join('\n')
    for (const [install] of runs.matchAll(/npm (?:ci|install)[^;&]*/g)) assert.match(install, /--omit=dev/)
    assert.doesNotMatch(runs, /rustc|cargo|rustup|build-essential|g\+\+/)
  })

  test('runs as nobody in particular, behind an init, and says how it is', () => {
    assert.deepEqual(all('USER'), ['cordon'])
    assert.deepEqual(list(all('ENTRYPOINT')[0]).slice(0, 2), ['tini', '--'])
    assert.deepEqual(list(all('CMD')[0]), ['start', '--dir', '/var/lib/cordon'])
    assert.match(all('HEALTHCHECK')[0] ?? '', /\/healthz/)
    assert.ok(all('HEALTHCHECK')[0]?.includes(String(DEFAULT_SETTINGS.rpcPort)))
    assert.ok(list(all('VOLUME')[0]).includes('/var/lib/cordon/signer'))
  })
})

interface Service {
  readonly ports: readonly string[]
  readonly volumes: readonly string[]
  readonly environment?: Readonly<Record<string, unknown>>
  readonly restart: string
  readonly stop_grace_period?: string
}

suite('compose.yaml', () => {
  const { services, volumes } = parse(deployed('compose.yaml')) as unknown as {
    readonly services: Readonly<Record<string, Service>>
    readonly volumes: Readonly<Record<string, unknown>>
  }
  const validator = services.validator ?? assert.fail('there is no validator')

  test('only peers come in from outside', () => {
    const open = Object.values(services).flatMap(({ ports }) =>
      ports.filter((port) => !port.startsWith('127.0.0.1:')),
    )
    assert.deepEqual(open, ['7311:7311'])
    assert.match(DEFAULT_SETTINGS.listen[0] ?? '', /\/7311$/)
    assert.ok(validator.ports.includes(`127.0.0.1:${DEFAULT_SETTINGS.rpcPort}:${DEFAULT_SETTINGS.rpcPort}`))
  })

  test('what it mounts is a file here or a volume it names', () => {
    for (const mount of Object.values(services).flatMap((service) => service.volumes)) {
      const [source = ''] = mount.split(':')
      if (source.startsWith('.')) assert.ok(existsSync(join(DEPLOY, source)), mount)
      else assert.ok(source in volumes, mount)
    }
  })

  test('signer has a volume of its own, and a node that refuses is left alone', () => {
    assert.ok(validator.volumes.includes('signer:/var/lib/cordon/signer'))
    assert.match(validator.restart, /^on-failure:\d$/)
    const [, seconds] = /^(\d+)s$/.exec(validator.stop_grace_period ?? '') ?? []
    assert.ok(Number(seconds) * 1_000 > 2 * LIMITS.stopMs)
    for (const variable of Object.keys(validator.environment ?? {}))
      assert.ok((NODE_VARIABLES as readonly string[]).includes(variable), variable)
  })

  test('Prometheus and Grafana find what they read under the names of the composition', () => {
    const prometheus = parse(deployed('prometheus.yml')) as unknown as {
      readonly rule_files: readonly string[]
      readonly scrape_configs: readonly {
        readonly job_name: string
        readonly static_configs: readonly { readonly targets: readonly string[] }[]
      }[]
    }
    for (const rules of prometheus.rule_files) assert.ok(existsSync(join(DEPLOY, rules)), rules)
    const [job] = prometheus.scrape_configs
    assert.deepEqual(job?.static_configs[0]?.targets, [`validator:${DEFAULT_SETTINGS.rpcPort}`])
    assert.ok(deployed('alerts.yml').includes(`up{job="${job.job_name}"}`))

    const sources = parse(deployed('grafana/provisioning/datasources/cordon.yml')) as unknown as {
      readonly datasources: readonly { readonly url: string }[]
    }
    assert.ok(new URL(sources.datasources[0]?.url ?? '').hostname in services)
    const dashboards = parse(deployed('grafana/provisioning/dashboards/cordon.yml')) as unknown as {
      readonly providers: readonly { readonly options: { readonly path: string } }[]
    }
    const folder = dashboards.providers[0]?.options.path ?? ''
    const mounted = services.grafana?.volumes.map((mount) => normalize(mount.split(':')[1] ?? ''))
    assert.ok(mounted?.includes(join(folder, 'cordon.json')))
  })
})
